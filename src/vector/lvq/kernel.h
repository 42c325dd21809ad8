// lvq's arithmetic: quantizing a row, and its columns as integers. Pure functions; spec.md has the bytes.
#pragma once

#include <span>

#include "vector/common/columns.h"

namespace attar::vector::lvq {

/// Bits of the two levels; second is 0 when there is none.
struct Levels {
  std::uint8_t first = 8;
  std::uint8_t second = 0;

  [[nodiscard]] std::size_t first_bytes(std::size_t dims) const noexcept { return (dims * first + 7) / 8; }
  [[nodiscard]] std::size_t second_bytes(std::size_t dims) const noexcept { return (dims * second + 7) / 8; }
  /// S: steps of the second level in one of the first.
  [[nodiscard]] int split() const noexcept { return second == 0 ? 1 : (1 << second) - 1; }
};

/// A row's range as binary16, rounded outwards.
struct RowRange {
  std::uint16_t low = 0;
  std::uint16_t high = 0;
};
[[nodiscard]] RowRange range_of(std::span<const float> components) noexcept;

/// Weight and offset of a row (spec.md: w, o).
[[nodiscard]] RowTerms terms_of(const Levels& levels, RowRange range) noexcept;

/// Codes of one component on both levels; v = S·first + second.
struct Codes {
  std::uint8_t first = 0;
  std::uint8_t second = 0;
};
/// The nearest codes that the row's range allows: first level, then what it left over.
void quantize(const Levels& levels, RowRange range, std::span<const float> components, std::span<Codes> out) noexcept;

/// Integers v of components [first, first + count) of the lanes, as floats: out[component · 32 + lane]. `dims` is the
/// width of a row.
void decode_columns(const Levels& levels, std::size_t dims, const Lanes& lanes, std::size_t first, std::size_t count,
                    float* out) noexcept;
/// The same of one level of eight bits in a block of one row: out[component].
void decode_bytes(const std::byte* row, std::size_t first, std::size_t count, float* out) noexcept;

}  // namespace attar::vector::lvq
