// The flat index: every row is scored. It sees scorers and row numbers, never a codec's bytes.
#pragma once

#include <span>

#include "attar/result.h"
#include "base/threads.h"
#include "index/looks.h"

namespace attar::index {

/// The k best rows of each query (prepared, row-major), best first. Many queries run in batches on the pool's threads,
/// few ones split the rows; the result is the same either way.
[[nodiscard]] Result<HitLists> flat_search(const codec::View& view, std::span<const float> queries, std::uint32_t dims,
                                           const SearchOptions& options, base::ThreadPool& pool,
                                           SearchTimes* times = nullptr);

}  // namespace attar::index
