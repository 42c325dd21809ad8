// A random rotation that stores no matrix: signs, permutations and fast Walsh–Hadamard transforms from a seed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attar::math {

/// H = P₂·F·D₂·P₁·F·D₁ on d values: D random signs, P random permutations, F the orthonormal Walsh–Hadamard transform
/// of consecutive blocks whose sizes are the binary digits of d, largest first. Only additions and exact scalings by
/// rounded constants in a fixed order: the same result on every machine.
class HadamardRotation {
 public:
  HadamardRotation(std::uint32_t dims, std::uint64_t seed);

  [[nodiscard]] std::uint32_t dims() const noexcept { return dims_; }
  /// values ← H · values; scratch has dims() entries.
  void apply(std::span<float> values, std::span<float> scratch) const noexcept;
  /// values ← Hᵀ · values (the inverse).
  void apply_inverse(std::span<float> values, std::span<float> scratch) const noexcept;

 private:
  struct Round {
    std::vector<float> signs;
    std::vector<std::uint32_t> order;  ///< output i comes from order[i]
  };
  void transform_blocks(std::span<float> values) const noexcept;

  std::uint32_t dims_;
  Round rounds_[2];
};

}  // namespace attar::math
