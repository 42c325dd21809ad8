// Search of a graph: from the entry points on, always from the best row known to its neighbours. spec.md, "Search".
#pragma once

#include <span>

#include "attar/result.h"
#include "base/threads.h"
#include "index/graph/links.h"
#include "index/looks.h"

namespace attar::index::graph {

/// The k best rows of each query (prepared, row-major) that a walk as wide as options.look.beam comes to, best first;
/// k of them whenever so many may be returned. The links have been checked, the codes of `view` verified, whose rows
/// are the graph's. `unsupported` where its codec does not walk. The same at any number of threads.
[[nodiscard]] Result<HitLists> graph_search(const codec::View& view, const Links& links, std::span<const float> queries,
                                            std::uint32_t dims, const SearchOptions& options, base::ThreadPool& pool,
                                            SearchTimes* times = nullptr);

}  // namespace attar::index::graph
