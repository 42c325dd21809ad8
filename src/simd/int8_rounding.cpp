#include "simd/int8_rounding.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd/clones.h"
#include "simd/lanes.h"

namespace attar::simd {
namespace {

// The nearest byte, ties to even: what a number as large as this is added to loses its fraction.
[[gnu::always_inline]] inline std::int8_t rounded(float value) noexcept {
  constexpr float no_fraction = 0x1.8p23f;
  return static_cast<std::int8_t>(std::clamp(value, -largest_int8, largest_int8) + no_fraction - no_fraction);
}

ATTAR_VECTOR_CLONES void round_values(const float* values, float factor, std::size_t count, std::int8_t* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] = rounded(values[j] * factor);
}

ATTAR_VECTOR_CLONES void round_rests(const float* values, float factor, const std::int8_t* known, std::size_t count,
                                     std::int8_t* out) noexcept {
  for (std::size_t j = 0; j < count; ++j)
    out[j] = rounded((values[j] * factor - static_cast<float>(known[j])) * finer_int8);
}

ATTAR_VECTOR_CLONES std::int32_t sum_of(const std::int8_t* values, std::size_t count) noexcept {
  std::int32_t out = 0;
  for (std::size_t j = 0; j < count; ++j) out += values[j];
  return out;
}

// Of whole lanes.
ATTAR_VECTOR_CLONES float largest_size(const float* values, std::size_t count) noexcept {
  FloatLanes best = {};
  for (std::size_t i = 0; i < count; i += lanes) {
    FloatLanes next;
    std::memcpy(&next, values + i, sizeof(next));
    next = next < 0.0f ? -next : next;
    best = next > best ? next : best;
  }
  float out = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) out = std::max(out, best[lane]);
  return out;
}

float largest_magnitude(std::span<const float> values) noexcept {
  const std::size_t whole = values.size() / lanes * lanes;
  float out = whole == 0 ? 0.0f : largest_size(values.data(), whole);
  for (const float value : values.subspan(whole)) out = std::max(out, std::fabs(value));
  return out;
}

}  // namespace

Int8Scale round_int8(std::span<const float> values, std::int8_t* out) noexcept {
  const float largest = largest_magnitude(values);
  const float factor = largest > 0 ? largest_int8 / largest : 0.0f;
  const bool finite = std::isfinite(factor) && factor > 0;
  const Int8Scale scale = finite ? Int8Scale{.factor = factor, .unit = largest / largest_int8} : Int8Scale{};
  round_values(values.data(), scale.factor, values.size(), out);
  return scale;
}

void round_int8_rest(std::span<const float> values, float factor, const std::int8_t* known, std::int8_t* out) noexcept {
  round_rests(values.data(), factor, known, values.size(), out);
}

std::int32_t sum_int8(std::span<const std::int8_t> values) noexcept { return sum_of(values.data(), values.size()); }

}  // namespace attar::simd
