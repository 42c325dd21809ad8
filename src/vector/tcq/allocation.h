// How many bits each component gets: the runs of one rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

struct Allocation {
  Shape shape;
  double distortion = 0;  ///< Σ variance · D_b, dropped components with D = 1
};

/// What the runs must keep to.
struct Limits {
  std::size_t grain = 8;  ///< components come in multiples of so many, itself a multiple of 8 that units divide or fill
  bool inside = false;    ///< no unit may pass the last component; else the last one may, into padding
  int narrowest = 1;      ///< width
};

/// All rates of one list of variances up to a ceiling, from one dynamic programme. `variances` descend; a component's
/// error is its variance times its width's D. Time and memory grow with dims × most_row_bytes.
class Allocator {
 public:
  Allocator(std::span<const double> variances, std::uint32_t most_row_bytes, bool trellis, const Limits& limits = {});

  /// The runs that leave the least distortion in at most `row_bytes` ≤ most_row_bytes bytes a row; the same for any
  /// ceiling that the allocator was made with. Their bytes never fall as row_bytes grow. At least one unit is allotted
  /// when row_bytes ≥ 5 · ⌈dims / 4096⌉, units being handed out that many at a time, unless all variances are zero:
  /// then none is.
  [[nodiscard]] Allocation at(std::uint32_t row_bytes) const;
  /// at(row_bytes).distortion, without laying the runs out.
  [[nodiscard]] double distortion(std::uint32_t row_bytes) const;

 private:
  [[nodiscard]] std::size_t state(std::size_t position, std::size_t cell) const {
    return position * (cells_ + 1) + cell;
  }
  // Positions that one choice of a width covers.
  [[nodiscard]] std::size_t length(int bits) const noexcept;
  [[nodiscard]] std::size_t end_of(std::uint32_t row_bytes) const noexcept;
  [[nodiscard]] double distortion_at(std::size_t end) const noexcept;
  void sum_energy(std::span<const double> variances);
  void relax(int bits);
  void find_ends();
  void drop_padding(Shape& shape) const;

  std::size_t dims_;
  bool trellis_;
  Limits limits_;
  std::size_t step_ = 1, positions_ = 0, cells_ = 0;
  std::vector<double> energy_;        // of the first p positions
  std::vector<double> best_;          // by state: least distortion
  std::vector<std::uint8_t> choice_;  // by state: width of the last unit
  std::vector<std::size_t> ends_;     // by cells: the best state within them
};

/// Components [first, last).
struct Cell {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Components below `dims` in stretches that the same runs code.
[[nodiscard]] std::vector<Cell> cells_of(const Shape& shape, std::size_t dims);

/// Allocator(variances, row_bytes, trellis).at(row_bytes).
[[nodiscard]] Allocation allocate(std::span<const double> variances, std::uint32_t row_bytes, bool trellis);

}  // namespace attar::vector::tcq
