// Which seams to cut at: the least sum of what cuts and sizes cost.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/chunk/atoms.h"

namespace attar::text::chunking {

/// The atoms with which chunks begin, in order, the first of all included. No chunk is longer than `most` by the sum of
/// its atoms, but for one of a single atom that is; none begins with a held atom. 0 < target <= most.
[[nodiscard]] std::vector<std::uint32_t> choose_cuts(std::span<const Atom> atoms, std::uint32_t most,
                                                     std::uint32_t target);

}  // namespace attar::text::chunking
