#include "tensor/fields/scales.h"

#include <algorithm>
#include <cmath>

namespace attar::tensor::fields {
std::vector<float> weights_of(std::span<const std::int16_t> columns) {
  std::vector<float> out(columns.size());
  std::ranges::transform(columns, out.begin(),
                         [](std::int16_t c) { return std::exp2(static_cast<float>(-c) / steps_of_an_octave); });
  return out;
}

int row_scale(const Layout& layout, const std::byte* values, std::span<const float> weights) noexcept {
  const double mean =
      sum_magnitudes(layout, values, weights.data(), weights.size()) / static_cast<double>(weights.size());
  if (!(mean > 0) || !std::isfinite(mean)) return 0;
  const int middle = ((1 << layout.exponent_bits) - 1) >> 1;
  const auto scale = static_cast<int>(std::lround(steps_of_an_octave * (std::log2(mean) + middle)));
  return std::clamp(scale, 0, most_row(layout));
}

std::vector<std::int16_t> column_scales(const Layout& layout, std::span<const std::byte* const> rows,
                                        std::size_t columns) {
  const std::vector<float> even(columns, 1.0f);
  std::vector<float> sums(columns);
  for (const std::byte* row : rows) {
    const double sum = sum_magnitudes(layout, row, even.data(), columns);
    if (!(sum > 0) || !std::isfinite(sum)) continue;
    add_magnitudes(layout, row, static_cast<float>(static_cast<double>(columns) / sum), sums.data(), columns);
  }
  std::vector<std::int16_t> out(columns);
  for (std::size_t j = 0; j < columns; ++j) {
    const double mean = static_cast<double>(sums[j]) / static_cast<double>(rows.size());
    if (!(mean > 0) || !std::isfinite(mean)) continue;
    out[j] = static_cast<std::int16_t>(
        std::clamp(static_cast<int>(std::lround(steps_of_an_octave * std::log2(mean))), least_column, most_column));
  }
  return out;
}

}  // namespace attar::tensor::fields
