// How many bits each component gets: the runs of one rate.
#pragma once

#include <cstdint>
#include <span>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

struct Allocation {
  Shape shape;
  double distortion = 0;  ///< Σ variance · D_b, dropped components with D = 1
};

/// The runs that leave the least distortion in at most `row_bytes` bytes a row. `variances` descend; a component's error is
/// its variance times its width's D. At least one unit is always allotted when row_bytes ≥ 5.
[[nodiscard]] Allocation allocate(std::span<const double> variances, std::uint32_t row_bytes, bool trellis);

}  // namespace attar::vector::tcq
