// Checked arithmetic on sizes: every number that came from outside passes through here.
#pragma once

#include <cstdint>

#include "attar/result.h"

namespace attar::base {

/// a + b, or `corrupt` when it does not fit 64 bits.
inline Result<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return fail(ErrorCode::corrupt, "a size overflows 64 bits");
  return sum;
}

/// a · b, or `corrupt` when it does not fit 64 bits.
inline Result<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return fail(ErrorCode::corrupt, "a size overflows 64 bits");
  return product;
}

/// Smallest multiple of `unit` (> 0) that is ≥ value; the caller guarantees that it fits.
[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

[[nodiscard]] constexpr std::uint64_t ceil_div(std::uint64_t value, std::uint64_t unit) noexcept {
  return value / unit + (value % unit != 0 ? 1 : 0);
}

}  // namespace attar::base
