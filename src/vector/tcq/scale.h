// A row's scale in one or two bytes.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "base/bytes.h"

namespace attar::vector::tcq {

/// Scales above this many times the median are clamped.
inline constexpr double clamp_to_median = 4.0;

/// Writes scales: one byte on a geometric grid between the 0.05th and 99.95th percentile of the set, or two on a grid
/// of even steps up to the largest. Scales above four times the median are clamped to it: where ⟨ẑ,z⟩ comes near zero a
/// row must not top every query. A row whose codes say nothing of its direction has the scale `undirected`, which does
/// not count for the median.
class ScaleCoder {
 public:
  static constexpr float undirected = std::numeric_limits<float>::max();

  [[nodiscard]] static ScaleCoder fit(std::span<const float> scales, std::uint8_t bytes);

  void write(float scale, base::ByteWriter& out) const;
  /// The least that is not zero; with two bytes the step as well.
  [[nodiscard]] double lowest() const noexcept { return lowest_; }
  /// 0 with two bytes.
  [[nodiscard]] double ratio() const noexcept { return ratio_; }
  /// No written scale decodes above this.
  [[nodiscard]] double highest() const noexcept { return highest_; }
  /// A decoded scale above lowest() is at most largest_growth() times the original, plus largest_shift().
  [[nodiscard]] double largest_growth() const noexcept;
  [[nodiscard]] double largest_shift() const noexcept;

 private:
  std::uint8_t bytes_ = 1;
  double lowest_ = 0, ratio_ = 0, highest_ = 0;
};

/// Decoded values of the one-byte grid: entry 0 is 0.
[[nodiscard]] std::array<float, 256> scale_grid(double lowest, double ratio) noexcept;

}  // namespace attar::vector::tcq
