// Layers that multiply in bytes: weights of eight bits with a scale a row, activations rounded to eight bits a token.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/aligned.h"
#include "nn/byte_tile.h"
#include "nn/linear.h"

namespace attar::nn {

class ByteLinear final : public Linear {
 public:
  ByteLinear(const LinearWeights& weights, simd::Level level);

  [[nodiscard]] std::size_t inputs() const noexcept override { return inputs_; }
  [[nodiscard]] std::size_t outputs() const noexcept override { return outputs_; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept override {
    return weights_.size() + outputs_ * sizeof(float);
  }
  [[nodiscard]] std::size_t scratch_bytes() const noexcept override;
  [[nodiscard]] OutputBound output_bound(std::size_t output) const noexcept override { return bounds_[output]; }
  void apply(const LinearTask& task) const noexcept override;

 private:
  struct Scratch;

  [[nodiscard]] std::size_t panels() const noexcept { return (outputs_ + panel_columns - 1) / panel_columns; }
  [[nodiscard]] std::size_t fours() const noexcept { return (inputs_ + 3) / 4; }
  [[nodiscard]] std::size_t pieces() const noexcept;
  void pack(std::size_t output, std::span<const std::int8_t> row);
  void multiply_panel(const Scratch& scratch, std::size_t panel, std::size_t count) const noexcept;

  std::size_t inputs_, outputs_;
  ByteTileKernel kernel_;
  AlignedBuffer<std::int8_t> weights_;      // [panel][four inputs][output][input]
  AlignedBuffer<std::int32_t> piece_sums_;  // [panel][piece of the inputs][output]: Σ of the piece's weights
  AlignedBuffer<std::int32_t> sums_;        // by output: Σ of its weights
  AlignedBuffer<float> units_, biases_;     // by output
  std::vector<OutputBound> bounds_;         // by output
};

}  // namespace attar::nn
