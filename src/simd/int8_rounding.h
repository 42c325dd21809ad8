// Vectors of floats as one or two signed bytes a value: what integer kernels multiply with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace attar::simd {

/// The largest byte that a value is rounded to; its negative is the smallest.
inline constexpr float largest_int8 = 127;
/// What rounding leaves is at most one half: it is rounded again, this many times as finely.
inline constexpr float finer_int8 = 2 * largest_int8;

/// How floats became bytes.
struct Int8Scale {
  float factor;  ///< what they were multiplied with; 0 where that is no finite number: values too small stay zero
  float unit;    ///< what 1 stands for; 0 where the factor is
};

/// out[j] = values[j] · factor to the nearest byte, ties to even, so that the largest becomes largest_int8.
Int8Scale round_int8(std::span<const float> values, std::int8_t* out) noexcept;
/// out[j] = what is left of values[j] · factor after known[j], in finer steps.
void round_int8_rest(std::span<const float> values, float factor, const std::int8_t* known, std::int8_t* out) noexcept;
[[nodiscard]] std::int32_t sum_int8(std::span<const std::int8_t> values) noexcept;

}  // namespace attar::simd
