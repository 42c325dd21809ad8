// Small float formats: IEEE binary16, bfloat16 and OCP E4M3 ("fn": no infinities, largest finite value 448).
#pragma once

#include <bit>
#include <cstdint>

namespace attar::base {

/// Exact widening of a binary16 value.
[[nodiscard]] float half_to_float(std::uint16_t bits) noexcept;
/// Round to nearest, ties to even; overflow becomes infinity.
[[nodiscard]] std::uint16_t float_to_half(float value) noexcept;

/// Exact widening of a bfloat16 value, the upper half of a float.
[[nodiscard]] inline float bf16_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}
/// Round to nearest, ties to even; overflow becomes infinity.
[[nodiscard]] std::uint16_t float_to_bf16(float value) noexcept;

/// Exact widening of an E4M3 value (0x7f and 0xff are NaN).
[[nodiscard]] float e4m3_to_float(std::uint8_t bits) noexcept;
/// Round to nearest, ties to even; magnitudes above 448 saturate; NaN stays NaN.
[[nodiscard]] std::uint8_t float_to_e4m3(float value) noexcept;

}  // namespace attar::base
