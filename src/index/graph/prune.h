// Which of a row's candidates become its links: near ones, each in a direction of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/graph/row_bytes.h"

namespace attar::index::graph {

/// RobustPrune (Vamana; Subramanya et al., NeurIPS 2019). One thread's working memory.
class Pruner {
 public:
  /// `candidates`: ascending, distinct, none the row itself. Keeps the nearest, drops all that lie nearer to it, by the
  /// factor alpha, than to the row, and goes on with the next, until out.size() links are found. Returns how many are;
  /// places beyond hold `row`.
  std::size_t prune(const RowBytes& rows, std::uint32_t row, std::span<const Candidate> candidates, double alpha,
                    std::span<std::uint32_t> out);

 private:
  GatheredRows gathered_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint32_t> found_;
  std::vector<std::uint8_t> dropped_;
};

}  // namespace attar::index::graph
