// The scales of rows and columns: found, written and read. Formulas and bytes: spec.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/tensors.h"
#include "tensor/fields/kernel.h"

namespace attar::tensor::fields {

inline constexpr int least_column = -8192, most_column = 8191;

[[nodiscard]] constexpr Layout layout_of(const codec::Element& element) noexcept {
  return {.bytes = element.bytes, .exponent_bits = element.exponent_bits, .mantissa_bits = element.mantissa_bits};
}
[[nodiscard]] constexpr int most_row(const Layout& layout) noexcept { return (8 << layout.exponent_bits) - 1; }

/// 2^(−c / 8) of each column: what a row's magnitudes are weighed with.
[[nodiscard]] std::vector<float> weights_of(std::span<const std::int16_t> columns);
/// A row's scale: 8 · log₂ of its mean weighed magnitude, exponents as stored.
[[nodiscard]] int row_scale(const Layout& layout, const std::byte* values, std::span<const float> weights) noexcept;
/// The columns' scales from a sample of whole rows, given by the places of their first bytes.
[[nodiscard]] std::vector<std::int16_t> column_scales(const Layout& layout, std::span<const std::byte* const> rows,
                                                      std::size_t columns);

void write_scales(base::ByteWriter& out, std::span<const std::int16_t> scales);
/// `count` scales, each in [least, most]; `corrupt` otherwise.
[[nodiscard]] Result<std::vector<std::int16_t>> read_scales(base::ByteReader& in, std::size_t count, int least,
                                                            int most);

}  // namespace attar::tensor::fields
