#include "vector/tcq/draft.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/checked.h"
#include "simd/clones.h"
#include "vector/tcq/trellis.h"

namespace attar::vector::tcq {
namespace {

// Where the ring of one unit of a row stands among a run's rings.
std::size_t ring_at(const Run& run, std::size_t rows, std::size_t row, std::size_t unit) noexcept {
  const std::size_t block = row / block_rows;
  const std::size_t in_block = std::min(block_rows, base::round_up(rows, 8) - block * block_rows);
  return block * block_rows * run.row_bytes() + (unit * in_block + row % block_rows) * widths[run.bits].ring_bytes;
}

// What is left of a component of 16 rows to be coded, in the unit of the levels.
ATTAR_VECTOR_CLONES void aim(const float* column, const float* gains, const float* before, float inverse,
                             float* out) noexcept {
  for (std::size_t l = 0; l < encode_lanes; ++l) out[l] = (gains[l] * column[l] - before[l]) * inverse;
}

// By lane, of one unit.
struct Sums {
  std::array<double, encode_lanes> squares{}, match{};
};

// Adds the levels that a component's windows stand for to what was decoded before.
ATTAR_VECTOR_CLONES void add_levels(const float* levels, const std::uint8_t* windows, const float* column,
                                    double weight, float* decoded, Sums& sums) noexcept {
  for (std::size_t l = 0; l < encode_lanes; ++l) {
    const float level = levels[windows[l]];
    decoded[l] += level;
    sums.squares[l] += static_cast<double>(level) * static_cast<double>(level);
    sums.match[l] += weight * static_cast<double>(level) * static_cast<double>(column[l]);
  }
}

}  // namespace

double Draft::match_of(std::size_t row) const noexcept {
  const auto own = match.begin() + static_cast<std::ptrdiff_t>(row * rings.size());
  return std::accumulate(own, own + static_cast<std::ptrdiff_t>(rings.size()), 0.0);
}

double Draft::closeness(std::size_t row) const noexcept {
  const double product = match_of(row);
  return norm[row] > 0 ? product * std::fabs(product) / norm[row] : 0;
}

void Draft::take(std::size_t row, const Draft& other, std::size_t from, const Shape& shape) noexcept {
  const std::size_t runs = rings.size();
  for (std::size_t r = 0; r < runs; ++r) {
    const Run& run = shape.runs[r];
    for (std::size_t unit = 0; unit < run.units; ++unit)
      std::copy_n(other.rings[r].data() + ring_at(run, other.rows, from, unit), widths[run.bits].ring_bytes,
                  rings[r].data() + ring_at(run, rows, row, unit));
    match[row * runs + r] = other.match[from * runs + r];
    squares[row * runs + r] = other.squares[from * runs + r];
  }
  norm[row] = other.norm[from];
}

Drafter::Drafter(const Shape& shape, std::span<const double> energy)
    : shape_(shape), energy_(energy), levels_(shape.run_count) {
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const Run& run = shape.runs[r];
    const LevelTable& table = level_table(shape.trellis, run.bits);
    for (std::size_t i = 0; i < 256; ++i) {
      levels_[r].unit[i] = table.step * static_cast<float>(table.levels[i]);
      levels_[r].value[i] = run.step * static_cast<float>(table.levels[i]);
    }
    if (const float inverse = table.step / run.step; std::isfinite(inverse)) levels_[r].inverse = inverse;
  }
}

Draft Drafter::code(const Columns& columns, std::size_t rows, std::span<const float> gains) const {
  const std::size_t runs = shape_.run_count;
  Draft out{.rows = rows,
            .rings = std::vector<std::vector<std::byte>>(runs),
            .match = std::vector<double>(rows * runs),
            .squares = std::vector<double>(rows * runs),
            .norm = std::vector<double>(rows)};
  std::vector<float> decoded(shape_.components() * columns.stride);  // of the runs so far, laid out as the columns
  for (std::size_t r = 0; r < runs; ++r) {
    out.rings[r].assign(base::round_up(rows, 8) * shape_.runs[r].row_bytes(), std::byte{0});
    for (std::size_t row = 0; row < rows; row += encode_lanes)
      for (std::size_t unit = 0; unit < shape_.runs[r].units; ++unit)
        code_group({.run = r, .unit = unit, .row = row}, columns, gains, decoded, out);
  }
  for (std::size_t j = 0; j < std::min<std::size_t>(shape_.components(), energy_.size()); ++j)
    for (std::size_t row = 0; row < rows; ++row) {
      const auto value = static_cast<double>(decoded[j * columns.stride + row]);
      out.norm[row] += energy_[j] * value * value;
    }
  return out;
}

void Drafter::code_group(const Group& group, const Columns& columns, std::span<const float> gains,
                         std::vector<float>& decoded, Draft& draft) const {
  const auto [r, unit, row] = group;
  const Run& run = shape_.runs[r];
  const Width& layout = widths[run.bits];
  const std::size_t at = run.first + unit * layout.unit;
  // Components beyond the dimensions are padding; those of dropped directions lie after the kept ones.
  const std::size_t known = std::min(columns.count, energy_.size());
  const std::size_t real = at < known ? std::min<std::size_t>(layout.unit, known - at) : 0;
  float* before = decoded.data() + at * columns.stride + row;
  const float* column = real > 0 ? columns.column(at) + row : nullptr;
  std::array<float, max_unit * encode_lanes> values{};
  for (std::size_t j = 0; j < real; ++j)
    aim(column + j * columns.stride, gains.data() + row, before + j * columns.stride, levels_[r].inverse,
        values.data() + ring_position(layout, static_cast<std::uint32_t>(j)) * encode_lanes);
  std::array<std::uint8_t, max_unit * encode_lanes> windows;
  encode_values(run, levels_[r].unit.data(), values.data(), windows.data());
  constexpr std::array<float, encode_lanes> nowhere{};
  Sums sums;
  for (std::size_t j = 0; j < layout.unit; ++j) {
    const std::uint8_t* own = windows.data() + ring_position(layout, static_cast<std::uint32_t>(j)) * encode_lanes;
    add_levels(levels_[r].value.data(), own, j < real ? column + j * columns.stride : nowhere.data(),
               j < real ? energy_[at + j] : 0, before + j * columns.stride, sums);
  }
  std::array<std::uint64_t, encode_lanes> rings;
  pack_rings(layout, windows.data(), rings.data());
  for (std::size_t l = 0; l < std::min(encode_lanes, draft.rows - row); ++l) {
    std::memcpy(draft.rings[r].data() + ring_at(run, draft.rows, row + l, unit), &rings[l], layout.ring_bytes);
    draft.squares[(row + l) * shape_.run_count + r] += sums.squares[l];
    draft.match[(row + l) * shape_.run_count + r] += sums.match[l];
  }
}

void Drafter::encode_values(const Run& run, const float* levels, const float* values, std::uint8_t* windows) noexcept {
  const Width& width = widths[run.bits];
  if (run.bits < max_width) return encode_unit(width, levels, values, windows);
  const float step = levels[129];  // uniform: level i − 128 steps
  for (std::size_t i = 0; i < width.unit * encode_lanes; ++i)
    windows[i] = static_cast<std::uint8_t>(std::clamp(std::lrint(values[i] / step), -127L, 127L) + 128);
}

}  // namespace attar::vector::tcq
