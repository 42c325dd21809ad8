// Two layers: a coarse code of all that matters for a first look, and one of what it leaves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vector/tcq/allocation.h"

namespace attar::vector::tcq {

/// The fewest bytes a row with which a first layer tells neighbours from the rest well enough for a first look; 0 when
/// `most` bytes are too few. `variances` descend; cost: what a unit of error in a component is in the rows' own space.
[[nodiscard]] std::uint32_t head_bytes_for(std::span<const double> variances, std::span<const double> cost,
                                           std::uint32_t most, bool trellis);

/// All rates, up to a ceiling, of a code whose first layer has at most head_bytes a row. The second layer codes what
/// the first left of its components, and the components beyond it; what a trellis leaves of a Gaussian component is
/// nearly Gaussian again, so that its error is the product of both layers' (successive refinement, Equitz and Cover
/// 1991).
class LayeredAllocator {
 public:
  LayeredAllocator(std::span<const double> variances, std::uint32_t head_bytes, std::uint32_t most_row_bytes,
                   bool trellis);

  /// As Allocator::at; nothing when row_bytes do not hold the first layer.
  [[nodiscard]] Allocation at(std::uint32_t row_bytes) const;

 private:
  // Components that the first layer treats alike, or those beyond it.
  struct Segment {
    std::uint32_t first = 0;
    Allocator bytes;
    std::vector<std::uint32_t> best = {};  // by cells of all segments up to this one: this one's own
  };
  void add_segment(std::uint32_t first, std::span<const double> variances, bool to_the_end);
  void share_out();

  Allocation head_;
  std::uint32_t room_ = 0;  // bytes of the second layer at the ceiling
  std::uint32_t cell_ = 1;  // bytes
  bool trellis_;
  std::vector<Segment> segments_;
  std::vector<double> least_;  // by cells: distortion of all segments
};

}  // namespace attar::vector::tcq
