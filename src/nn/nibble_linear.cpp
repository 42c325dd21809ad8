#include "nn/nibble_linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/half.h"
#include "nn/nibble_rounding.h"
#include "nn/rows.h"
#include "simd/clones.h"
#include "simd/lanes.h"

namespace attar::nn {
namespace {

using simd::FloatLanes;
using simd::lanes;

// Rows that pass each panel: their bytes and its own stay in the second cache. A multiple of the kernels' six.
constexpr std::size_t nibble_rows_together = 96;

// A panel's sums and what makes outputs of them.
struct NibbleScaling {
  const float* sums;  // count × panel_columns
  const ByteScale* rows;
  std::size_t count;
  const float* column_sums;  // Σ of the weights
  const float* biases;
};

ATTAR_VECTOR_CLONES void scale_nibbles(const NibbleScaling& by, std::size_t columns, float* out,
                                       std::size_t stride) noexcept {
  for (std::size_t i = 0; i < by.count; ++i, out += stride) {
    const ByteScale& row = by.rows[i];
    for (std::size_t c = 0; c < columns; c += lanes) {
      FloatLanes sum, column_sum, bias;
      std::memcpy(&sum, by.sums + i * panel_columns + c, sizeof(sum));
      std::memcpy(&column_sum, by.column_sums + c, sizeof(column_sum));
      std::memcpy(&bias, by.biases + c, sizeof(bias));
      const FloatLanes value = (sum - column_sum * static_cast<float>(row.zero)) * row.unit + bias;
      std::memcpy(out + c, &value, std::min(lanes, columns - c) * sizeof(float));
    }
  }
}

ATTAR_VECTOR_CLONES void start_groups(const std::uint8_t* bytes, std::size_t groups, std::int32_t* out) noexcept {
  for (std::size_t g = 0; g < groups; ++g, bytes += group_inputs) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < group_inputs; ++k) sum += bytes[k];
    out[g] = -nibble_zero * sum;
  }
}

}  // namespace

// One after another in a layer's scratch.
struct NibbleLinear::Scratch {
  ByteScale* scales;     // nibble_rows_together
  float* sums;           // nibble_rows_together × panel_columns
  std::int32_t* starts;  // nibble_rows_together × groups
  std::uint8_t* bytes;   // nibble_rows_together × group_inputs · groups

  Scratch(std::byte* from, std::size_t groups) noexcept
      : scales(reinterpret_cast<ByteScale*>(from)),
        sums(reinterpret_cast<float*>(from + nibble_rows_together * sizeof(ByteScale))),
        starts(reinterpret_cast<std::int32_t*>(sums + nibble_rows_together * panel_columns)),
        bytes(reinterpret_cast<std::uint8_t*>(starts + nibble_rows_together * groups)) {
    static_assert(nibble_rows_together * sizeof(ByteScale) % cache_line == 0);
  }
};

std::size_t NibbleLinear::scratch_bytes() const noexcept {
  return nibble_rows_together *
         (sizeof(ByteScale) + panel_columns * sizeof(float) + groups() * (sizeof(std::int32_t) + group_inputs));
}

NibbleLinear::NibbleLinear(const LinearWeights& weights, simd::Level level)
    : inputs_(weights.inputs),
      outputs_(weights.outputs),
      kernel_(nibble_tile_kernel(level)),
      weights_(panels() * groups() * group_bytes),
      sums_(panels() * panel_columns),
      biases_(panels() * panel_columns),
      bounds_(outputs_) {
  weights_.fill_zero();
  sums_.fill_zero();
  biases_.fill_zero();
  std::ranges::copy(weights.biases, biases_.data());
  std::vector<float> row(groups() * group_inputs);
  for (std::size_t o = 0; o < outputs_; ++o) {
    std::ranges::copy(weights.weights.subspan(o * inputs_, inputs_), row.begin());
    pack(o, row);
  }
}

void NibbleLinear::pack(std::size_t output, std::span<const float> row) {
  const std::size_t panel = output / panel_columns, column = output % panel_columns;
  std::array<std::uint8_t, group_inputs> codes{};
  WeightError error;
  double sum = 0;
  for (std::size_t g = 0; g < groups(); ++g) {
    std::byte* group = weights_.data() + (panel * groups() + g) * group_bytes;
    const std::uint16_t scale = round_nibbles(row.data() + g * group_inputs, codes.data());
    std::memcpy(group + 2 * column, &scale, sizeof(scale));
    std::byte* to = group + group_scale_bytes + 4 * column;
    for (std::size_t k = 0; k < group_inputs; ++k) {
      to[k / 8 * 4 * panel_columns + k % 4] |= static_cast<std::byte>(k % 8 < 4 ? codes[k] : codes[k] << 4);
      const double kept = double{base::bf16_to_float(scale)} * (int{codes[k]} - nibble_zero);
      sum += kept;
      error.add(row[g * group_inputs + k], kept);
    }
  }
  sums_[output] = static_cast<float>(sum);
  bounds_[output] = error.of_bytes(groups() + 8, biases_[output]);
}

void NibbleLinear::round_rows(const Scratch& scratch, const float* rows, std::size_t count) const noexcept {
  const std::size_t bytes = groups() * group_inputs;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* to = scratch.bytes + i * bytes;
    scratch.scales[i] = round_to_bytes({rows + i * inputs_, inputs_}, {to, bytes});
    start_groups(to, groups(), scratch.starts + i * groups());
  }
}

void NibbleLinear::apply(const LinearTask& task) const noexcept {
  const Scratch scratch(task.scratch, groups());
  for (std::size_t row = 0; row < task.count; row += nibble_rows_together) {
    const std::size_t count = std::min(nibble_rows_together, task.count - row);
    round_rows(scratch, task.rows + row * inputs_, count);
    for (std::size_t panel = 0; panel < panels(); ++panel) {
      kernel_({.rows = scratch.bytes,
               .count = count,
               .starts = scratch.starts,
               .panel = weights_.data() + panel * groups() * group_bytes,
               .groups = groups(),
               .sums = scratch.sums});
      const std::size_t column = panel * panel_columns;
      scale_nibbles({.sums = scratch.sums,
                     .rows = scratch.scales,
                     .count = count,
                     .column_sums = sums_.data() + column,
                     .biases = biases_.data() + column},
                    std::min(panel_columns, outputs_ - column), task.out + row * outputs_ + column, outputs_);
    }
  }
}

}  // namespace attar::nn
