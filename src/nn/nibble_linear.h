// Layers that multiply in four bits: weights of groups of 32 inputs with a scale each, activations rounded to eight
// bits a token.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/aligned.h"
#include "nn/linear.h"
#include "nn/nibble_tile.h"

namespace attar::nn {

class NibbleLinear final : public Linear {
 public:
  NibbleLinear(const LinearWeights& weights, simd::Level level);

  [[nodiscard]] std::size_t inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::size_t outputs() const noexcept override { return outputs_; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return weights_.size(); }
  [[nodiscard]] std::size_t scratch_bytes() const noexcept override;
  [[nodiscard]] OutputBound output_bound(std::size_t output) const noexcept override { return bounds_[output]; }
  void apply(const LinearTask& task) const noexcept override;

 private:
  struct Scratch;

  [[nodiscard]] std::size_t panels() const noexcept { return (outputs_ + panel_columns - 1) / panel_columns; }
  [[nodiscard]] std::size_t groups() const noexcept { return (inputs_ + group_inputs - 1) / group_inputs; }
  /// One output's weights, as many as there are inputs in whole groups, those beyond inputs_ zero.
  void pack(std::size_t output, std::span<const float> row);
  void round_rows(const Scratch& scratch, const float* rows, std::size_t count) const noexcept;

  std::size_t inputs_, outputs_;
  NibbleTileKernel kernel_;
  AlignedBuffer<std::byte> weights_;  // [panel][group], group_bytes each
  AlignedBuffer<float> sums_;         // by output: Σ of its weights as they are kept
  AlignedBuffer<float> biases_;       // by output
  std::vector<OutputBound> bounds_;
};

}  // namespace attar::nn
