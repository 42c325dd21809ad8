// Makes every row of a graph reachable from its entries.
#pragma once

#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "index/graph/adjacency.h"
#include "index/graph/row_bytes.h"

namespace attar::index::graph {

/// Links each row that no walk from the entries reaches from a near one that is reached, in an unused place or in place
/// of a far link that no other row depends on. The graph has an entry and a degree of at least 1.
[[nodiscard]] Status connect(const RowBytes& rows, Adjacency& graph, base::ThreadPool& pool, base::Progress& progress);

}  // namespace attar::index::graph
