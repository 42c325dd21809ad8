// Layers that multiply in floats: weights kept as floats, or as bfloat16 and widened a piece at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/aligned.h"
#include "nn/float_tile.h"
#include "nn/linear.h"

namespace attar::nn {

/// What both have in common: panels of 64 outputs, [panel][input][output], and the order in which they pass.
class PanelLinear : public Linear {
 public:
  [[nodiscard]] std::size_t inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::size_t outputs() const noexcept override { return outputs_; }
  [[nodiscard]] OutputBound output_bound(std::size_t output) const noexcept override { return bounds_[output]; }
  void apply(const LinearTask& task) const noexcept override;

 protected:
  PanelLinear(const LinearWeights& weights, simd::Level level);

  [[nodiscard]] std::size_t panels() const noexcept { return (outputs_ + panel_columns - 1) / panel_columns; }
  [[nodiscard]] std::size_t packed_size() const noexcept { return panels() * inputs_ * panel_columns; }
  /// Where in the packed weights one stands.
  [[nodiscard]] std::size_t place(std::size_t output, std::size_t input) const noexcept {
    return (output / panel_columns * inputs_ + input) * panel_columns + output % panel_columns;
  }
  /// The bound of an output whose weights became `kept(input)`.
  template <class Kept>
  void bound(const LinearWeights& weights, std::size_t output, const Kept& kept) {
    WeightError error;
    for (std::size_t i = 0; i < inputs_; ++i) error.add(weights.weights[output * inputs_ + i], double{kept(i)});
    bounds_[output] = error.of_floats(inputs_, weights.biases[output]);
  }
  /// Weights of a panel from the input `first` on, `depth` × panel_columns floats; `scratch` has room for them.
  [[nodiscard]] virtual const float* widened(std::size_t panel, std::size_t first, std::size_t depth,
                                             float* scratch) const noexcept = 0;

 private:
  std::size_t inputs_, outputs_;
  FloatTileKernel kernel_;
  AlignedBuffer<float> biases_;
  std::vector<OutputBound> bounds_;
};

class FloatLinear final : public PanelLinear {
 public:
  FloatLinear(const LinearWeights& weights, simd::Level level);
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return weights_.size() * sizeof(float); }
  [[nodiscard]] std::size_t scratch_bytes() const noexcept override { return 0; }

 private:
  [[nodiscard]] const float* widened(std::size_t panel, std::size_t first, std::size_t depth,
                                     float* scratch) const noexcept override;

  AlignedBuffer<float> weights_;
};

class Bf16Linear final : public PanelLinear {
 public:
  Bf16Linear(const LinearWeights& weights, simd::Level level);
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return weights_.size() * sizeof(std::uint16_t); }
  [[nodiscard]] std::size_t scratch_bytes() const noexcept override;

 private:
  [[nodiscard]] const float* widened(std::size_t panel, std::size_t first, std::size_t depth,
                                     float* scratch) const noexcept override;

  AlignedBuffer<std::uint16_t> weights_;
};

}  // namespace attar::nn
