// How a base is laid out for an index: cut into lists, or linked as a graph.
#pragma once

#include <memory>

#include "plan/planner.h"

namespace attar::plan {

/// Whether IndexChoice::automatic tries a graph first: where the fastest plan is wanted that reaches a floor within a
/// budget, of many rows, and the budget has room for links and for codes as fine as floors mostly ask for.
[[nodiscard]] bool graph_is_weighed(const Setting& setting);

/// Lists of some 64 rows each, around centroids trained on a sample.
[[nodiscard]] Result<std::shared_ptr<const Partition>> cut_into_lists(const Setting& setting);

/// Every row linked to its neighbours: to as many as fill a cache line, or more where the goal's budget leaves codes
/// room beside them.
[[nodiscard]] Result<std::shared_ptr<const Graph>> link_rows(const Setting& setting);

}  // namespace attar::plan
