#include "math/hadamard.h"

#include <bit>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace attar::math {
namespace {

void walsh_hadamard(std::span<float> values) noexcept {
  const std::size_t n = values.size();
  for (std::size_t half = 1; half < n; half *= 2)
    for (std::size_t start = 0; start < n; start += 2 * half)
      for (std::size_t i = start; i < start + half; ++i) {
        const float a = values[i], b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
  const float scale = 1.0f / std::sqrt(static_cast<float>(n));
  for (float& value : values) value *= scale;
}

}  // namespace

HadamardRotation::HadamardRotation(std::uint32_t dims, std::uint64_t seed) : dims_(dims) {
  base::Random random(seed);
  for (Round& round : rounds_) {
    round.signs.resize(dims);
    for (float& sign : round.signs) sign = (random.next() >> 63) != 0 ? -1.0f : 1.0f;
    round.order.resize(dims);
    std::iota(round.order.begin(), round.order.end(), 0u);
    random.shuffle(std::span(round.order));
  }
}

void HadamardRotation::transform_blocks(std::span<float> values) const noexcept {
  std::size_t start = 0;
  for (std::uint32_t size = std::bit_floor(dims_); size != 0; size /= 2) {
    if ((dims_ & size) == 0) continue;
    walsh_hadamard(values.subspan(start, size));
    start += size;
  }
}

void HadamardRotation::apply(std::span<float> values, std::span<float> scratch) const noexcept {
  for (const Round& round : rounds_) {
    for (std::size_t i = 0; i < dims_; ++i) scratch[i] = values[i] * round.signs[i];
    transform_blocks(scratch);
    for (std::size_t i = 0; i < dims_; ++i) values[i] = scratch[round.order[i]];
  }
}

void HadamardRotation::apply_inverse(std::span<float> values, std::span<float> scratch) const noexcept {
  for (int r = 1; r >= 0; --r) {
    const Round& round = rounds_[r];
    for (std::size_t i = 0; i < dims_; ++i) scratch[round.order[i]] = values[i];
    transform_blocks(scratch);
    for (std::size_t i = 0; i < dims_; ++i) values[i] = scratch[i] * round.signs[i];
  }
}

}  // namespace attar::math
