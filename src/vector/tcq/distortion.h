// What decoding costs, before anything is encoded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// Estimates E‖x − x̂‖² / E‖x − mean‖² of Gaussian rows, on fixed random draws: each run's quantizer takes the share
/// 1 − D of a component and adds white noise, and the row's scale, ⟨z,z⟩ / ⟨ẑ,z⟩ in the weighted space, undoes that
/// share at the price of more noise. The closer of two drafts is taken, as the encoder does with rows that came out
/// badly.
class DistortionModel {
 public:
  DistortionModel(std::uint32_t dims, std::uint64_t seed);

  /// variances: by component in the weighted space, descending (dims values); cost: what a unit of squared error in it
  /// costs the row itself. whole_norm: the row's scale counts components without bits too.
  [[nodiscard]] double of_decoded(const Shape& shape, std::span<const double> variances, std::span<const double> cost,
                                  bool whole_norm) const;

 private:
  // What the runs leave of a component, and the variance that its quantizer sees.
  struct Component {
    double lost = 1, variance = 0;
  };
  struct Row {
    double energy = 0, match = 0;        // ⟨z,z⟩ and ⟨ẑ,z⟩
    double norm = 0;                     // ⟨ẑ,ẑ⟩
    double all = 0, cross = 0, own = 0;  // Σ cost · z², zẑ, ẑ²
  };
  [[nodiscard]] std::vector<Component> components(const Shape& shape, std::span<const double> variances) const;
  [[nodiscard]] Row draw(std::size_t row, std::span<const Component> components, std::span<const double> variances,
                         std::span<const double> cost, std::size_t counted, std::size_t draft) const;

  std::uint32_t dims_;
  std::size_t rows_;
  std::vector<float> normals_;  // [row][1 + drafts][dims]: of the row, of the quantizers' noise
};

}  // namespace attar::vector::tcq
