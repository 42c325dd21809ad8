// Differences of floats in steps of their last place: pure functions over one row. Formulas: spec.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/fields/kernel.h"

namespace attar::tensor::delta {

using fields::Layout;

inline constexpr int contexts = 22;
inline constexpr std::uint8_t escape = 0;
inline constexpr int most_row = 17'407;

/// Of a row's elements, by their bases and scales: what the decoder knows before it decodes them.
struct Known {
  std::uint8_t* contexts = nullptr;
  std::uint8_t* shifts = nullptr;  ///< b
};
/// columns: `count` scales.
void know(const Layout& layout, const std::byte* base, const std::int16_t* columns, int scale, std::size_t count,
          const Known& out) noexcept;

/// out[j] = d of element j, its sign extended.
void differences(const Layout& layout, const std::byte* values, const std::byte* base, std::size_t count,
                 std::int64_t* out) noexcept;
/// out[j] = log-domain magnitude |d_j| · 2^(E_j − middle exponent) as a float; 0 for no difference.
void magnitudes(const Layout& layout, const std::byte* base, const std::int64_t* differences, std::size_t count,
                float* out) noexcept;
/// out[j] = the symbol of difference j, or an escape where it is out of range.
void find_symbols(const std::int64_t* differences, const std::uint8_t* shifts, std::size_t count,
                  std::uint8_t* out) noexcept;
/// Elements by their symbols alone, where no shift is above 0 and none escapes.
void join_plain(const Layout& layout, const std::uint8_t* symbols, const std::byte* base, std::size_t count,
                std::byte* out) noexcept;

/// What elements are joined from beside their symbols: escapes, and low bits from bit `at` on.
struct Rest {
  const std::byte* escapes = nullptr;
  const std::byte* escapes_end = nullptr;
  const std::byte* bits = nullptr;  ///< with 8 bytes behind the last
  std::uint64_t at = 0, end = 0;    ///< in bits
};
/// Elements one by one; moves on in `rest`. False where it ends early.
[[nodiscard]] bool join(const Layout& layout, const std::uint8_t* symbols, const std::uint8_t* shifts,
                        const std::byte* base, std::size_t count, Rest& rest, std::byte* out) noexcept;

/// The middle of the type's exponents, which magnitudes() counts from.
[[nodiscard]] constexpr int middle(const Layout& layout) noexcept { return (1 << layout.exponent_bits) >> 1; }

}  // namespace attar::tensor::delta
