// Scalar quantizers for N(0,1) with levels that are whole multiples of a step. Errors are integrals, not samples.
#pragma once

#include "level_set.h"

namespace attar::tools {

/// Lloyd–Max on the int8 grid: the 2^bits symmetric levels and the step that leave the least error, found exactly for
/// each step of a fine search. levels: ascending, by symbol. bits: 1 … 7.
[[nodiscard]] LevelSet lloyd_max_levels(int bits);

/// All whole levels −127 … 127 (by w XOR 0x80, so w = 0 repeats −127) with the step of least error.
[[nodiscard]] LevelSet uniform_levels();

}  // namespace attar::tools
