// Where the search for a trellis's levels starts: many different labellings of a good alphabet.
#pragma once

#include <vector>

#include "base/random.h"
#include "vector/tcq/kernel.h"

namespace attar::tools {

/// Levels by window, one of a family drawn at random:
/// - coset labelling: an alphabet of 2^(b+f) levels split into 2^f interleaved cosets; linear functions of the state
///   choose the coset, the component's own bits, in some order and flipped by functions of the state, the level in it
///   (Ungerboeck 1982, with f = 1: Marcellin and Fischer's doubled alphabet); with f = 0 the states share the levels of
///   the middle, packed closer than a scalar quantizer could afford, and part in the tails;
/// - slices: an alphabet of 2^W levels cut into 2^b slices, each dealt to the states in random order;
/// - noise: independent normal levels.
[[nodiscard]] std::vector<float> initial_levels(const vector::tcq::Width& width, base::Random& random);

}  // namespace attar::tools
