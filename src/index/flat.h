// The flat index: every row is scored. It sees scorers and row numbers, never a codec's bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/threads.h"
#include "codec/codec.h"

namespace attar::index {

/// How rows are looked at. By default each is scored whole; with a head, all are scored by their first parts and the
/// best of them part by part, most dropping out on the way.
struct Look {
  std::uint32_t head = 0;       ///< parts in the first look; 0, or all that there are: one look
  std::uint32_t shortlist = 0;  ///< rows kept by the first look

  friend bool operator==(const Look&, const Look&) = default;
};

struct FlatOptions {
  std::uint32_t k = 10;
  Look look = {};
  std::span<const std::uint64_t> allowed = {};  ///< bit r of word r/64; empty: all rows
  std::span<const std::uint32_t> skip = {};     ///< one row a query to leave out, or no_row; empty: none
};

using codec::no_row;

struct FlatTimes {
  double prepare = 0;  ///< seconds, summed over threads
  double scan = 0;
};

/// A shortlist is cut to this share after each further part, but never below kept_per_hit rows for each row asked for;
/// as many are refined where the scorer rounds its query.
inline constexpr std::uint32_t shortlist_cut = 8;
inline constexpr std::uint32_t kept_per_hit = 4;

/// The k best rows of each query (prepared, row-major), best first. Many queries run in batches on the pool's threads,
/// few ones split the rows; the result is the same either way.
[[nodiscard]] Result<std::vector<std::vector<codec::Hit>>> flat_search(const codec::View& view,
                                                                       std::span<const float> queries,
                                                                       std::uint32_t dims, const FlatOptions& options,
                                                                       base::ThreadPool& pool,
                                                                       FlatTimes* times = nullptr);

}  // namespace attar::index
