// opq's arithmetic on one sub-vector: nearest centroids, tables, k-means. Pure functions; spec.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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

/// Sub-vectors to cluster: row i is at values + i · stride.
struct Points {
  const float* values = nullptr;
  std::size_t count = 0;
  std::size_t stride = 0;
  std::size_t size = 0;
};

/// k-means++ from the seed, then Lloyd's algorithm; centroids is size × 16. `assigned` is scratch of count entries; count ≥ 1.
void cluster(const Points& points, std::uint64_t seed, float* centroids, std::span<Nearest> assigned) noexcept;

}  // namespace attar::vector::opq
