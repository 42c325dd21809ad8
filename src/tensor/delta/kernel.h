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
/// The element whose ordered bits are `difference` from those of its base.
void apply(const Layout& layout, std::int64_t difference, const std::byte* base, std::byte* out) noexcept;

/// The middle of the type's exponents, which magnitudes() counts from.
[[nodiscard]] constexpr int middle(const Layout& layout) noexcept { return (1 << layout.exponent_bits) >> 1; }

}  // namespace attar::tensor::delta
