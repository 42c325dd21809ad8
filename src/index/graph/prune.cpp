#include "index/graph/prune.h"

#include <algorithm>

namespace attar::index::graph {

std::size_t Pruner::prune(const RowBytes& rows, std::uint32_t row, std::span<const Candidate> candidates, double alpha,
                          std::span<std::uint32_t> out) {
  numbers_.resize(candidates.size());
  std::ranges::transform(candidates, numbers_.begin(), row_of);
  gathered_.gather(rows, numbers_);
  dropped_.assign(candidates.size(), 0);
  found_.resize(candidates.size());
  const double factor = alpha * alpha;
  std::size_t links = 0;
  for (std::size_t i = 0; i < candidates.size() && links < out.size(); ++i) {
    if (dropped_[i] != 0) continue;
    out[links++] = numbers_[i];
    const std::size_t next = i + 1, others = candidates.size() - next;
    distances(gathered_.all().part(i, 1), gathered_.all().part(next, others), found_.data());
    for (std::size_t j = 0; j < others; ++j)
      if (factor * static_cast<double>(found_[j]) <= static_cast<double>(distance_of(candidates[next + j])))
        dropped_[next + j] = 1;
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(links), out.end(), row);
  return links;
}

}  // namespace attar::index::graph
