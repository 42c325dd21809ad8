#include "nn/byte_linear.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "nn/rows.h"
#include "simd/clones.h"
#include "simd/int8_rounding.h"
#include "simd/lanes.h"

namespace attar::nn {
namespace {

// Inputs whose weights stay in the first cache while rows pass: 32 KiB of a panel.
constexpr std::size_t fours_together = 128;
// Rows that pass each piece of the weights: their bytes stay in the second cache. A multiple of the kernels' six.
constexpr std::size_t rows_together = 96;
// Of a sum: to a float, by two units, and with the bias.
constexpr std::size_t byte_roundings = 6;

using simd::FloatLanes;
using simd::lanes;
using IntLanes [[gnu::vector_size(lanes * sizeof(std::int32_t))]] = std::int32_t;

// A panel's whole numbers and what makes floats of them, by the scale of the row and those of the columns. Arrays by
// column have panel_columns entries, whatever the number of columns that are there.
struct Scaling {
  const std::int32_t* sums;  // count × panel_columns
  const ByteScale* rows;
  std::size_t count;
  const std::int32_t* column_sums;  // Σ of the weights
  const float* units;
  const float* biases;
};

// All of a panel is computed: what the columns have in common stays in registers, and a row's bytes are written
// together.
template <bool Whole>
[[gnu::always_inline]] inline void scale_rows(const Scaling& by, std::size_t columns, float* out,
                                              std::size_t stride) noexcept {
  constexpr std::size_t registers = panel_columns / lanes;
  IntLanes of_column[registers];
  FloatLanes unit[registers], bias[registers];
  std::memcpy(of_column, by.column_sums, sizeof(of_column));
  std::memcpy(unit, by.units, sizeof(unit));
  std::memcpy(bias, by.biases, sizeof(bias));
  const std::int32_t* sums = by.sums;
  const ByteScale* row = by.rows;
  for (const ByteScale* end = row + by.count; row < end; ++row, sums += panel_columns, out += stride) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < registers; ++c) {
      IntLanes sum;
      std::memcpy(&sum, sums + c * lanes, sizeof(sum));
      sum -= of_column[c] * row->zero;
      const FloatLanes value = __builtin_convertvector(sum, FloatLanes) * row->unit * unit[c] + bias[c];
      if (Whole)
        std::memcpy(out + c * lanes, &value, sizeof(value));
      else if (c * lanes < columns)
        std::memcpy(out + c * lanes, &value, std::min(lanes, columns - c * lanes) * sizeof(float));
    }
  }
}

// `columns` of each row into `out`, whose rows are `stride` apart.
ATTAR_VECTOR_CLONES void scale(const Scaling& by, std::size_t columns, float* out, std::size_t stride) noexcept {
  if (columns == panel_columns)
    scale_rows<true>(by, columns, out, stride);
  else
    scale_rows<false>(by, columns, out, stride);
}

}  // namespace

// One after another in a layer's scratch.
struct ByteLinear::Scratch {
  ByteScale* scales;    // rows_together
  std::int32_t* sums;   // rows_together × panel_columns
  std::uint8_t* bytes;  // rows_together × 4 · fours

  explicit Scratch(std::byte* from) noexcept
      : scales(reinterpret_cast<ByteScale*>(from)),
        sums(reinterpret_cast<std::int32_t*>(from + rows_together * sizeof(ByteScale))),
        bytes(reinterpret_cast<std::uint8_t*>(sums + rows_together * panel_columns)) {
    static_assert(rows_together * sizeof(ByteScale) % cache_line == 0);
  }
};

std::size_t ByteLinear::scratch_bytes() const noexcept {
  return rows_together * (sizeof(ByteScale) + panel_columns * sizeof(std::int32_t) + 4 * fours());
}

std::size_t ByteLinear::pieces() const noexcept { return (fours() + fours_together - 1) / fours_together; }

ByteLinear::ByteLinear(const LinearWeights& weights, simd::Level level)
    : inputs_(weights.inputs),
      outputs_(weights.outputs),
      kernel_(byte_tile_kernel(level)),
      weights_(panels() * fours() * 4 * panel_columns),
      piece_sums_(panels() * pieces() * panel_columns),
      sums_(panels() * panel_columns),
      units_(panels() * panel_columns),
      biases_(panels() * panel_columns),
      bounds_(outputs_) {
  weights_.fill_zero();
  piece_sums_.fill_zero();
  sums_.fill_zero();
  units_.fill_zero();
  biases_.fill_zero();
  std::ranges::copy(weights.biases, biases_.data());
  std::vector<std::int8_t> row(inputs_);
  for (std::size_t o = 0; o < outputs_; ++o) {
    const auto given = weights.weights.subspan(o * inputs_, inputs_);
    units_[o] = simd::round_int8(given, row.data()).unit;
    pack(o, row);
    WeightError error;
    for (std::size_t k = 0; k < inputs_; ++k) error.add(given[k], double{units_[o]} * int{row[k]});
    bounds_[o] = error.of_bytes(byte_roundings, biases_[o]);
  }
}

void ByteLinear::pack(std::size_t output, std::span<const std::int8_t> row) {
  const std::size_t panel = output / panel_columns, column = output % panel_columns;
  std::int8_t* to = weights_.data() + (panel * fours() * panel_columns + column) * 4;
  for (std::size_t k = 0; k < row.size(); ++k) {
    to[k / 4 * 4 * panel_columns + k % 4] = row[k];
    const std::size_t piece = k / (4 * fours_together);
    piece_sums_[(panel * pieces() + piece) * panel_columns + column] += row[k];
    sums_[output] += row[k];
  }
}

void ByteLinear::multiply_panel(const Scratch& scratch, std::size_t panel, std::size_t count) const noexcept {
  const std::int8_t* weights = weights_.data() + panel * fours() * 4 * panel_columns;
  for (std::size_t piece = 0; piece < pieces(); ++piece) {
    const std::size_t first = piece * fours_together;
    kernel_({.rows = scratch.bytes + 4 * first,
             .count = count,
             .stride = 4 * fours(),
             .panel = weights + first * 4 * panel_columns,
             .column_sums = piece_sums_.data() + (panel * pieces() + piece) * panel_columns,
             .fours = std::min(fours_together, fours() - first),
             .sums = scratch.sums,
             .add = piece != 0});
  }
}

void ByteLinear::apply(const LinearTask& task) const noexcept {
  const Scratch scratch(task.scratch);
  for (std::size_t row = 0; row < task.count; row += rows_together) {
    const std::size_t count = std::min(rows_together, task.count - row);
    for (std::size_t i = 0; i < count; ++i)
      scratch.scales[i] =
          round_to_bytes({task.rows + (row + i) * inputs_, inputs_}, {scratch.bytes + i * 4 * fours(), 4 * fours()});
    for (std::size_t panel = 0; panel < panels(); ++panel) {
      multiply_panel(scratch, panel, count);
      const std::size_t column = panel * panel_columns;
      scale({.sums = scratch.sums,
             .rows = scratch.scales,
             .count = count,
             .column_sums = sums_.data() + column,
             .units = units_.data() + column,
             .biases = biases_.data() + column},
            std::min(panel_columns, outputs_ - column), task.out + row * outputs_ + column, outputs_);
    }
  }
}

}  // namespace attar::nn
