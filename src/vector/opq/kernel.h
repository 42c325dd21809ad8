// opq's arithmetic on one sub-vector: nearest centroids, tables, k-means. Pure functions; spec.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/checked.h"

namespace attar::vector::opq {

inline constexpr std::size_t centroid_count = 16;

/// A nearest centroid and its squared distance.
struct Nearest {
  std::uint8_t number = 0;
  float distance = 0;
};

/// `centroids` is size × 16 (component by component), `values` one sub-vector; the lowest number among equals.
[[nodiscard]] Nearest nearest_centroid(const float* centroids, const float* values, std::size_t size) noexcept;

/// table[n] = ⟨query, centroid n⟩, components in ascending order.
void fill_table(const float* centroids, const float* query, std::size_t size, float* table) noexcept;

/// Rows that clustering takes at a time: columns are filled up to a multiple of it.
inline constexpr std::size_t row_step = 64;
[[nodiscard]] constexpr std::size_t padded(std::size_t rows) noexcept { return base::round_up(rows, row_step); }

/// Sub-vectors to cluster, column by column: component j of row i is at columns[j · stride + i].
struct Points {
  const float* columns = nullptr;
  std::size_t count = 0;   ///< rows, ≥ 1
  std::size_t stride = 0;  ///< padded(count); values beyond count are finite and count for nothing
  std::size_t size = 0;    ///< components
};

/// Scratch of cluster(): `stride` entries each.
struct Assignment {
  explicit Assignment(std::size_t stride) : distances(stride), numbers(stride) {}
  std::vector<float> distances;
  std::vector<std::uint32_t> numbers;
};

/// k-means++ from the seed, then at most `rounds` of Lloyd's algorithm; centroids is size × 16.
void cluster(const Points& points, std::uint64_t seed, int rounds, float* centroids, Assignment& scratch) noexcept;

}  // namespace attar::vector::opq
