// Inverted lists searched: those whose centroids promise the best rows first, each query stopping by itself.
#pragma once

#include <span>

#include "attar/result.h"
#include "base/threads.h"
#include "index/checked_lists.h"
#include "index/lists.h"
#include "index/looks.h"

namespace attar::index {

/// The k best rows of each query (prepared, row-major) in the lists that look.probe reaches, best first; `view` holds
/// what the lists' centroids leave of the rows, in list order. Row numbers in, row numbers out. The same at any number
/// of threads. `checked`: where codes come from outside; each list's are verified before they are looked at, and the
/// first error among those is returned. Null: all have been.
[[nodiscard]] Result<HitLists> ivf_search(const codec::View& view, const Lists& lists, Metric metric,
                                          std::span<const float> queries, const SearchOptions& options,
                                          base::ThreadPool& pool, SearchTimes* times = nullptr,
                                          const CheckedLists* checked = nullptr);

}  // namespace attar::index
