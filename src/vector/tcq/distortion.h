// What decoding costs, before anything is encoded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// Estimates E‖x − x̂‖² / E‖x − mean‖² of Gaussian rows, on fixed random draws: each run's quantizer takes the share
/// 1 − D of a component and adds white noise, and the row's scale, ⟨z,z⟩ / ⟨ẑ,z⟩ in the weighted space, undoes that
/// share at the price of more noise.
class DistortionModel {
 public:
  DistortionModel(std::uint32_t dims, std::uint64_t seed);

  /// variances: by component in the weighted space, descending (dims values); cost: what a unit of squared error in it
  /// costs the row itself. whole_norm: the row's scale counts components without bits too.
  [[nodiscard]] double of_decoded(const Shape& shape, std::span<const double> variances, std::span<const double> cost,
                                  bool whole_norm) const;

 private:
  struct Row {
    double energy = 0, match = 0;        // ⟨z,z⟩ and ⟨ẑ,z⟩
    double all = 0, cross = 0, own = 0;  // Σ cost · z², zẑ, ẑ²
  };
  [[nodiscard]] Row draw(std::size_t row, const Shape& shape, std::span<const double> variances,
                         std::span<const double> cost, std::span<const double> means, bool whole_norm) const;

  std::uint32_t dims_;
  std::size_t rows_;
  std::vector<float> normals_;  // [row][2][dims]: of the row, of the quantizers' noise
};

}  // namespace attar::vector::tcq
