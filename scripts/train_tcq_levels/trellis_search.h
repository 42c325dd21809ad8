// The search for the levels of a trellis: generalised Lloyd with the codec's own encoder, from many starts.
#pragma once

#include "level_set.h"
#include "vector/tcq/kernel.h"

namespace attar::tools {

/// The best table found for widths 1 … 6, by window. The distortion is left for measured_distortion().
[[nodiscard]] LevelSet search_levels(const vector::tcq::Width& width);

/// Mean squared error of rings coded with this table, on about 16 million components that no search has seen.
[[nodiscard]] double measured_distortion(const vector::tcq::Width& width, const LevelSet& table);

}  // namespace attar::tools
