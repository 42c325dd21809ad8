// A graph of near rows for walks from row to row: built from leaves of near rows instead of by inserting row after row.
#pragma once

#include <cstdint>

#include "attar/metric.h"
#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/source.h"
#include "index/graph/adjacency.h"
#include "index/graph/partition.h"

namespace attar::index::graph {

struct BuildOptions {
  std::uint32_t degree = 28;   ///< links a row, at most
  std::uint32_t entries = 64;  ///< rows where walks begin, at most
  std::uint64_t seed = 1;
  std::uint64_t memory_bytes = 2ull << 30;  ///< ceiling on all that is held of every row
  CarveOptions leaves = {};                 ///< its seed is not used
  std::uint32_t nearest = 3;                ///< of a leaf's rows, joined with each of them
  std::uint32_t candidates = 64;            ///< kept of a row until it is pruned, where memory allows
  double alpha = 1.1;                       ///< of pruning: at least 1; larger leaves more links
};

/// Builds the graph of all rows of the base (normalised here under cosine). PiPNN (arXiv 2602.21247): overlapping
/// leaves of near rows, the nearest in each as candidates, one pruning a row, links back, and a second pruning of the
/// rows that overflow. Every row can be reached from the entries. The same at any number of threads and every
/// instruction-set level. `over_limit` where memory_bytes does not hold the rows as bytes and a few candidates of each;
/// `invalid_data` as RowBytes::read().
[[nodiscard]] Result<Adjacency> build(const data::VectorSource& base, Metric metric, const BuildOptions& options,
                                      base::ThreadPool& pool, base::Progress& progress);

}  // namespace attar::index::graph
