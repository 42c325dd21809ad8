// Overlapping balls of near rows, small enough that all pairs of one can be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "index/graph/row_bytes.h"

namespace attar::index::graph {

struct CarveOptions {
  std::uint32_t leaf_rows = 1'000;  ///< a leaf has no more; at least 8, and more than twice second_fanout
  std::uint32_t leaders = 1'000;  ///< balls that rows are shared out to at once, at most: more than twice second_fanout
  std::uint32_t first_fanout = 10;  ///< balls that each row joins, of all rows
  std::uint32_t second_fanout = 2;  ///< of a ball's rows; of a part of a ball one
  std::uint64_t seed = 1;
};

/// Rows of one leaf, distinct. Called from many threads at once, worker in [0, pool.size()).
using TakeLeaf = std::function<void(std::span<const std::uint32_t> rows, unsigned worker)>;

/// Ball carving (PiPNN; Rubel et al., arXiv 2602.21247, 2026): each row goes to the nearest of some random rows, and
/// balls that are too large are carved again. Every row is in a leaf. The leaves do not depend on the number of
/// threads, their order does.
[[nodiscard]] Status carve(const RowBytes& rows, const CarveOptions& options, base::ThreadPool& pool,
                           base::Progress& progress, const TakeLeaf& take);

}  // namespace attar::index::graph
