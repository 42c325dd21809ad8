// A graph without some of its rows.
#pragma once

#include <cstdint>
#include <span>

#include "attar/result.h"
#include "base/progress.h"
#include "index/graph/adjacency.h"
#include "index/graph/links.h"

namespace attar::index::graph {

struct Mended {
  Adjacency graph;
  std::uint32_t relinked = 0;  ///< rows that a link was lost of
};

/// The graph of the rows whose bits are set in `kept` (bit r % 64 of word r / 64; one at least is), numbered anew in
/// their order. A link to a row that is gone leads to the first row that is left of those that it was linked to: no
/// distance is measured, and every row can be reached. spec.md, "Rows that are dropped". After Links::check().
[[nodiscard]] Result<Mended> mend(const Links& links, std::span<const std::uint64_t> kept, base::Progress& progress);

}  // namespace attar::index::graph
