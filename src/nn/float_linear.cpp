#include "nn/float_linear.h"

#include <algorithm>

#include "base/half.h"
#include "simd/clones.h"

namespace attar::nn {
namespace {

// Inputs whose weights stay in the first cache while rows pass: 32 KiB of a panel.
constexpr std::size_t inputs_together = 128;
// Rows that pass each piece of the weights: few enough to stay in the second cache, and a multiple of the kernels' six.
constexpr std::size_t rows_together = 96;

ATTAR_VECTOR_CLONES void widen(const std::uint16_t* from, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = base::bf16_to_float(from[i]);
}

}  // namespace

PanelLinear::PanelLinear(const LinearWeights& weights, simd::Level level)
    : inputs_(weights.inputs),
      outputs_(weights.outputs),
      kernel_(float_tile_kernel(level)),
      biases_(panels() * panel_columns),
      bounds_(outputs_) {
  biases_.fill_zero();
  std::ranges::copy(weights.biases, biases_.data());
}

void PanelLinear::apply(const LinearTask& task) const noexcept {
  auto* scratch = reinterpret_cast<float*>(task.scratch);
  for (std::size_t row = 0; row < task.count; row += rows_together)
    for (std::size_t panel = 0; panel < panels(); ++panel)
      for (std::size_t input = 0; input < inputs_; input += inputs_together) {
        const std::size_t depth = std::min(inputs_together, inputs_ - input), column = panel * panel_columns;
        kernel_({.a = task.rows + row * inputs_ + input,
                 .rows = std::min(rows_together, task.count - row),
                 .a_stride = inputs_,
                 .b = widened(panel, input, depth, scratch),
                 .b_stride = panel_columns,
                 .depth = depth,
                 .columns = std::min(panel_columns, outputs_ - column),
                 .out = task.out + row * outputs_ + column,
                 .out_stride = outputs_,
                 .start = biases_.data() + column,
                 .add = input != 0});
      }
}

FloatLinear::FloatLinear(const LinearWeights& weights, simd::Level level)
    : PanelLinear(weights, level), weights_(packed_size()) {
  weights_.fill_zero();
  for (std::size_t o = 0; o < outputs(); ++o) {
    for (std::size_t i = 0; i < inputs(); ++i) weights_[place(o, i)] = weights.weights[o * inputs() + i];
    bound(weights, o, [&](std::size_t i) { return weights_[place(o, i)]; });
  }
}

const float* FloatLinear::widened(std::size_t panel, std::size_t first, std::size_t /*depth*/,
                                  float* /*scratch*/) const noexcept {
  return weights_.data() + place(panel * panel_columns, first);
}

Bf16Linear::Bf16Linear(const LinearWeights& weights, simd::Level level)
    : PanelLinear(weights, level), weights_(packed_size()) {
  weights_.fill_zero();
  for (std::size_t o = 0; o < outputs(); ++o) {
    for (std::size_t i = 0; i < inputs(); ++i)
      weights_[place(o, i)] = base::float_to_bf16(weights.weights[o * inputs() + i]);
    bound(weights, o, [&](std::size_t i) { return base::bf16_to_float(weights_[place(o, i)]); });
  }
}

std::size_t Bf16Linear::scratch_bytes() const noexcept { return inputs_together * panel_columns * sizeof(float); }

const float* Bf16Linear::widened(std::size_t panel, std::size_t first, std::size_t depth,
                                 float* scratch) const noexcept {
  widen(weights_.data() + place(panel * panel_columns, first), depth * panel_columns, scratch);
  return scratch;
}

}  // namespace attar::nn
