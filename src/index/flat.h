// The flat index: every row is scored. It sees scorers and row numbers, never a codec's bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/threads.h"
#include "codec/codec.h"

namespace attar::index {

struct FlatOptions {
  std::uint32_t k = 10;
  std::span<const std::uint64_t> allowed = {};  ///< bit r of word r/64; empty: all rows
  std::span<const std::uint32_t> skip = {};     ///< one row a query to leave out, or no_row; empty: none
};

inline constexpr std::uint32_t no_row = 0xffff'ffffu;

struct FlatTimes {
  double prepare = 0;  ///< seconds, summed over threads
  double scan = 0;
};

/// The k best rows of each query (prepared, row-major), best first. Many queries run in batches on the pool's threads,
/// few ones split the rows; the result is the same either way.
[[nodiscard]] Result<std::vector<std::vector<codec::Hit>>> flat_search(const codec::View& view,
                                                                       std::span<const float> queries, std::uint32_t dims,
                                                                       const FlatOptions& options, base::ThreadPool& pool,
                                                                       FlatTimes* times = nullptr);

}  // namespace attar::index
