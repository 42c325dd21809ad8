// How far a layer's outputs may lie from those of the weights that it was made of: spec.md, "Bounds".
#pragma once

#include <span>

namespace attar::nn {

/// For one output o and a row x of finite inputs, |ŷ_o − (W·x + b)_o| ≤ by_length · ‖x‖₂ + by_step · step(x) +
/// constant, step(x) = (max(0, max x) − min(0, min x)) / 255: what activations are rounded to where they become bytes.
struct OutputBound {
  float by_length = 0;  ///< what rounding left of the weights, by its length
  float by_step = 0;    ///< what rounding the activations may add; 0 where they stay floats
  float constant = 0;

  [[nodiscard]] double of(std::span<const float> row) const noexcept;
};

/// Adds up what a bound needs of one output's weights.
class WeightError {
 public:
  /// A weight, and what it became.
  void add(float weight, double kept) noexcept;
  /// Products in floats, summed in one chain of `inputs` steps.
  [[nodiscard]] OutputBound of_floats(std::size_t inputs, float bias) const noexcept;
  /// Products of whole numbers, whose sums pass `roundings` roundings in single precision.
  [[nodiscard]] OutputBound of_bytes(std::size_t roundings, float bias) const noexcept;

 private:
  double left_ = 0, squares_ = 0, sizes_ = 0;  // Σ(w − ŵ)², Σŵ², Σ|ŵ|
};

}  // namespace attar::nn
