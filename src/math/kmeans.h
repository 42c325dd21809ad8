// k-means in two levels: as good as Lloyd's rounds over all centroids within a few percent, at a fraction of the work.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "math/linalg.h"

namespace attar::math {

struct KMeansOptions {
  std::uint32_t clusters = 1;
  std::uint64_t seed = 1;
};

/// Centroids (at most `clusters` of them: no more than there are rows) of `rows` (n × dims, n ≥ 1), near ones next to
/// each other: √clusters coarse ones, each with a share of the fine ones that goes with its rows (the hierarchy of
/// SuperKMeans), and rounds over all fine ones at the end. The same at any number of threads and every
/// instruction-set level.
[[nodiscard]] Matrix<float> kmeans(std::span<const float> rows, std::uint32_t dims, const KMeansOptions& options,
                                   base::ThreadPool& pool);

}  // namespace attar::math
