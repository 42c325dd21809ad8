// The nearest of many centroids to each of many rows: sought with products of bytes, settled in floating point.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "math/linalg.h"
#include "simd/int8_rows.h"

namespace attar::math {

/// Centroids made ready to be compared with rows; they outlive it. Const and safe to use from many threads at once.
class NearestCentroids {
 public:
  explicit NearestCentroids(const Matrix<float>& centroids);
  NearestCentroids(const NearestCentroids&) = delete;
  NearestCentroids& operator=(const NearestCentroids&) = delete;

  /// The number of the centroid nearest to each row (row-major, out.size() rows) in Euclidean distance: the lower one
  /// of equals. Rows and centroids are rounded to bytes first; all that may be nearest but for that (four standard
  /// errors of rounding) are compared as they are. Which are, is the same at every instruction-set level.
  void find(std::span<const float> rows, std::span<std::uint32_t> out) const;

 private:
  struct Candidate {
    float score;
    std::uint32_t row;  // of the tile
    std::uint32_t centroid;
  };
  struct Tile;

  void begin(Tile& tile, std::span<const float> rows) const;
  void gather(Tile& tile, std::size_t first, std::size_t count) const;
  void settle(const Tile& tile, std::span<std::uint32_t> out) const;

  const Matrix<float>& centroids_;
  std::vector<std::int8_t> entries_;   // centroids × dims
  simd::Int8Rows packed_;              // of these
  std::vector<float> steps_, halves_;  // by centroid: what 1 in an entry stands for, ‖c‖²/2
  std::vector<double> exact_halves_;
  float largest_step_ = 0, largest_norm_ = 0;
};

/// The same for many rows, on the pool.
void nearest_centroids(std::span<const float> rows, const Matrix<float>& centroids, std::span<std::uint32_t> out,
                       base::ThreadPool& pool);

}  // namespace attar::math
