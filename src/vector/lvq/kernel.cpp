#include "vector/lvq/kernel.h"

#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "simd/clones.h"

namespace attar::vector::lvq {
namespace {

constexpr float largest_half = 65504.0f;

// The binary16 number next to `half` in the given direction; both finite.
std::uint16_t next_half(std::uint16_t half, bool up) noexcept {
  const bool negative = (half & 0x8000u) != 0;
  if ((half & 0x7fffu) == 0) return up ? 0x0001u : 0x8001u;
  return static_cast<std::uint16_t>(negative == up ? half - 1 : half + 1);
}

std::uint16_t round_outwards(float value, bool up) noexcept {
  const float clamped = std::clamp(value, -largest_half, largest_half);
  const std::uint16_t half = base::float_to_half(clamped);
  const float rounded = base::half_to_float(half);
  return (up ? rounded < clamped : rounded > clamped) ? next_half(half, up) : half;
}

// out[lane] = scale · code of one component in every lane; lanes with fewer rows take the general loop.
ATTAR_VECTOR_CLONES void unpack(const std::uint8_t* from, std::size_t lanes, unsigned shift, unsigned mask, float scale,
                                float* out) noexcept {
  if (lanes == block_rows)
    for (std::size_t l = 0; l < block_rows; ++l)
      out[l] = scale * static_cast<float>((unsigned{from[l]} >> shift) & mask);
  else
    for (std::size_t l = 0; l < lanes; ++l) out[l] = scale * static_cast<float>((unsigned{from[l]} >> shift) & mask);
}

ATTAR_VECTOR_CLONES void unpack_and_add(const std::uint8_t* from, std::size_t lanes, unsigned shift, unsigned mask,
                                        float* out) noexcept {
  if (lanes == block_rows)
    for (std::size_t l = 0; l < block_rows; ++l) out[l] += static_cast<float>((unsigned{from[l]} >> shift) & mask);
  else
    for (std::size_t l = 0; l < lanes; ++l) out[l] += static_cast<float>((unsigned{from[l]} >> shift) & mask);
}

}  // namespace

RowRange range_of(std::span<const float> components) noexcept {
  const auto [low, high] = std::minmax_element(components.begin(), components.end());
  return {.low = round_outwards(*low, false), .high = round_outwards(*high, true)};
}

RowTerms terms_of(const Levels& levels, RowRange range) noexcept {
  const double low = static_cast<double>(base::half_to_float(range.low));
  const double high = static_cast<double>(base::half_to_float(range.high));
  const double step = (high - low) / ((1 << levels.first) - 1);
  if (levels.second == 0) return {.weight = step, .offset = low};
  return {.weight = step / levels.split(), .offset = low - step / 2};
}

void quantize(const Levels& levels, RowRange range, std::span<const float> components, std::span<Codes> out) noexcept {
  const double low = static_cast<double>(base::half_to_float(range.low));
  const double high = static_cast<double>(base::half_to_float(range.high));
  const double top = (1 << levels.first) - 1, split = levels.split();
  const double levels_per_unit = high > low ? top / (high - low) : 0.0;
  for (std::size_t j = 0; j < components.size(); ++j) {
    const double position = std::clamp((static_cast<double>(components[j]) - low) * levels_per_unit, 0.0, top);
    const long first = std::lrint(position);
    out[j].first = static_cast<std::uint8_t>(first);
    if (levels.second == 0) continue;
    const double rest = (position - static_cast<double>(first) + 0.5) * split;
    out[j].second = static_cast<std::uint8_t>(std::clamp(std::lrint(rest), 0L, static_cast<long>(levels.split())));
  }
}

void decode_bytes(const std::byte* row, std::size_t first, std::size_t count, float* out) noexcept {
  unpack(reinterpret_cast<const std::uint8_t*>(row) + first, count, 0, 0xff, 1.0f, out);
}

void decode_columns(const Levels& levels, std::size_t dims, const Lanes& lanes, std::size_t first, std::size_t count,
                    float* out) noexcept {
  const auto* plane = reinterpret_cast<const std::uint8_t*>(lanes.block) + lanes.first;
  const auto* rest = plane + levels.first_bytes(dims) * lanes.rows;
  const unsigned mask = (1u << levels.first) - 1, rest_mask = (1u << levels.second) - 1;
  const auto scale = static_cast<float>(levels.split());
  for (std::size_t j = 0; j < count; ++j) {
    const std::size_t bit = (first + j) * levels.first;
    unpack(plane + bit / 8 * lanes.rows, lanes.count, bit % 8, mask, scale, out + j * block_rows);
    if (levels.second == 0) continue;
    const std::size_t rest_bit = (first + j) * levels.second;
    unpack_and_add(rest + rest_bit / 8 * lanes.rows, lanes.count, rest_bit % 8, rest_mask, out + j * block_rows);
  }
}

}  // namespace attar::vector::lvq
