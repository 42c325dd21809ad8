// The second look by the originals: the best rows of a search, ranked again by a finer copy of them.
#pragma once

#include <cstdint>
#include <span>

#include "base/threads.h"
#include "codec/codec.h"
#include "index/looks.h"

namespace attar::index {

/// What a search by codes is to look for where `options.look.rescored` of its best rows are scored again.
[[nodiscard]] SearchOptions before_rescoring(const SearchOptions& options);

/// Scores the hits of each query by `originals`, whose rows are numbered as theirs, and keeps the k best. Verifies what
/// it reads. `queries`: prepared, n × dims.
[[nodiscard]] Status rescore(const codec::View& originals, std::span<const float> queries, std::uint32_t dims,
                             std::uint32_t k, HitLists& hits, base::ThreadPool& pool);

/// search(options) by codes, and the second look where the options ask for one and there are originals.
template <class Search>
[[nodiscard]] Result<HitLists> search_and_rescore(const codec::View* originals, std::span<const float> queries,
                                                  std::uint32_t dims, const SearchOptions& options,
                                                  base::ThreadPool& pool, SearchTimes* times, const Search& search) {
  if (originals == nullptr || options.look.rescored == 0) return search(options);
  ATTAR_ASSIGN(HitLists hits, search(before_rescoring(options)));
  const auto start = Clock::now();
  ATTAR_TRY(rescore(*originals, queries, dims, options.k, hits, pool));
  if (times != nullptr) times->scan += seconds_since(start) * pool.size();
  return hits;
}

}  // namespace attar::index
