// Splitting rows of floats into symbols and bits, and joining them: pure functions over one row. Formulas: spec.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace attar::tensor::fields {

/// How an element's bits are laid out: a sign, then exponent and mantissa.
struct Layout {
  unsigned bytes = 4;  ///< 1, 2, 4 or 8
  unsigned exponent_bits = 8;
  unsigned mantissa_bits = 23;

  [[nodiscard]] constexpr unsigned top_bits() const noexcept { return mantissa_bits < 3 ? mantissa_bits : 3; }
  /// Bits of the mantissa that no symbol holds, where the lowest `zeros` of a row are zero.
  [[nodiscard]] constexpr unsigned rest_bits(unsigned zeros) const noexcept {
    const unsigned rest = mantissa_bits - top_bits();
    return rest > zeros ? rest - zeros : 0;
  }
};

inline constexpr int contexts = 8;          ///< of an element: eighths of an octave
inline constexpr int exponent_offset = 27;  ///< k of the exponent e₀
inline constexpr int most_offset = 31;      ///< k, at most
inline constexpr std::uint8_t escape = 0;   ///< the symbol
/// What may be read and written past the end of rows of symbols, contexts and columns.
inline constexpr std::size_t slack = 64;

/// One row: `count` elements with scale `row`, their columns' scales in `columns`.
struct Row {
  const std::int16_t* columns = nullptr;  ///< `count`
  std::size_t count = 0;
  int scale = 0;
  unsigned zeros = 0;  ///< lowest bits of every element that are zero; at most mantissa_bits
};

/// The sum of |x| · weights[j] over a row, non-finite elements left out, exponents counted from 2^(e − 1) − 1 on.
[[nodiscard]] double sum_magnitudes(const Layout& layout, const std::byte* values, const float* weights,
                                    std::size_t count) noexcept;
/// sums[j] += |x_j| · weight.
void add_magnitudes(const Layout& layout, const std::byte* values, float weight, float* sums,
                    std::size_t count) noexcept;
/// How many of the lowest bits are zero in every element; at most mantissa_bits.
[[nodiscard]] unsigned common_zeros(const Layout& layout, const std::byte* values, std::size_t count) noexcept;

/// out[j] = the context of column j.
void find_contexts(const Row& row, std::uint8_t* out) noexcept;
/// out[j] = the symbol of element j by its exponent and mantissa alone; escapes where k is out of range.
void find_symbols(const Layout& layout, const Row& row, const std::byte* values, std::uint8_t* out) noexcept;
/// What an escape is followed by.
[[nodiscard]] std::uint16_t escaped(const Layout& layout, const std::byte* value) noexcept;

/// Bytes of a row's bits.
[[nodiscard]] std::size_t rest_bytes(const Layout& layout, std::size_t count, unsigned zeros) noexcept;
/// Writes the bits that no symbol holds: rest_bytes() of them. `work`: count × 8 bytes.
void write_rest(const Layout& layout, const Row& row, const std::byte* values, std::byte* out,
                std::byte* work) noexcept;
/// Joins symbols and bits to elements. What escapes hold is put in by set_escaped() afterwards.
void join(const Layout& layout, const Row& row, const std::uint8_t* symbols, const std::byte* rest, std::byte* out,
          std::byte* work) noexcept;
/// Gives an element the exponent and the top of the mantissa that an escape was followed by.
void set_escaped(const Layout& layout, std::uint16_t pair, std::byte* value) noexcept;

}  // namespace attar::tensor::fields
