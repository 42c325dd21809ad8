#include "vector/opq/kernel.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/random.h"
#include "simd/clones.h"

namespace attar::vector::opq {
namespace {

// distances[n] = Σ (value − centroid)², components ascending.
ATTAR_VECTOR_CLONES void centroid_distances(const float* centroids, const float* values, std::size_t size,
                                            float* distances) noexcept {
  for (std::size_t n = 0; n < centroid_count; ++n) distances[n] = 0;
  for (std::size_t j = 0; j < size; ++j)
    for (std::size_t n = 0; n < centroid_count; ++n) {
      const float difference = values[j] - centroids[j * centroid_count + n];
      distances[n] += difference * difference;
    }
}

// distances[i] = min(distances[i], ‖row i − centroid‖²); 64 rows at a time stay in registers.
ATTAR_VECTOR_CLONES void approach(const Points& points, const float* centroid, float* distances) noexcept {
  for (std::size_t first = 0; first < points.stride; first += row_step) {
    float sums[row_step] = {};
    for (std::size_t j = 0; j < points.size; ++j)
      for (std::size_t i = 0; i < row_step; ++i) {
        const float difference = points.columns[j * points.stride + first + i] - centroid[j * centroid_count];
        sums[i] += difference * difference;
      }
    for (std::size_t i = 0; i < row_step; ++i)
      distances[first + i] = sums[i] < distances[first + i] ? sums[i] : distances[first + i];
  }
}

// Each row's nearest centroid, the lowest number among equals.
ATTAR_VECTOR_CLONES void assign(const Points& points, const float* centroids, float* distances,
                                std::uint32_t* numbers) noexcept {
  for (std::size_t first = 0; first < points.stride; first += row_step)
    for (std::uint32_t n = 0; n < centroid_count; ++n) {
      float sums[row_step] = {};
      for (std::size_t j = 0; j < points.size; ++j)
        for (std::size_t i = 0; i < row_step; ++i) {
          const float difference = points.columns[j * points.stride + first + i] - centroids[j * centroid_count + n];
          sums[i] += difference * difference;
        }
      for (std::size_t i = 0; i < row_step; ++i) {
        const bool nearer = n == 0 || sums[i] < distances[first + i];
        distances[first + i] = nearer ? sums[i] : distances[first + i];
        numbers[first + i] = nearer ? n : numbers[first + i];
      }
    }
}

void set_centroid(const Points& points, std::size_t row, std::size_t number, float* centroids) noexcept {
  for (std::size_t j = 0; j < points.size; ++j)
    centroids[j * centroid_count + number] = points.columns[j * points.stride + row];
}

// k-means++: each further centroid is a row, chosen in proportion to its squared distance from the nearest so far.
void choose_first_centroids(const Points& points, base::Random& random, float* centroids,
                            std::span<float> distances) noexcept {
  std::fill(distances.begin(), distances.end(), std::numeric_limits<float>::infinity());
  set_centroid(points, random.below(points.count), 0, centroids);
  for (std::size_t n = 1; n < centroid_count; ++n) {
    approach(points, centroids + (n - 1), distances.data());
    double total = 0;
    for (std::size_t i = 0; i < points.count; ++i) total += static_cast<double>(distances[i]);
    double left = random.uniform() * total;
    std::size_t row = 0;
    while (row + 1 < points.count && left >= static_cast<double>(distances[row]))
      left -= static_cast<double>(distances[row++]);
    set_centroid(points, row, n, centroids);
  }
}

// Each centroid goes to the mean of its rows, one without rows to the row that is worst served.
void move_centroids(const Points& points, std::span<const std::size_t> members, Assignment& assigned,
                    float* centroids) noexcept {
  for (std::size_t j = 0; j < points.size; ++j) {
    std::array<double, centroid_count> sums{};
    for (std::size_t i = 0; i < points.count; ++i)
      sums[assigned.numbers[i]] += static_cast<double>(points.columns[j * points.stride + i]);
    for (std::size_t n = 0; n < centroid_count; ++n)
      if (members[n] != 0)
        centroids[j * centroid_count + n] = static_cast<float>(sums[n] / static_cast<double>(members[n]));
  }
  const std::span<float> distances = std::span(assigned.distances).first(points.count);
  for (std::size_t n = 0; n < centroid_count; ++n) {
    if (members[n] != 0) continue;
    const auto worst = std::max_element(distances.begin(), distances.end());
    set_centroid(points, static_cast<std::size_t>(worst - distances.begin()), n, centroids);
    *worst = 0;  // taken: another empty cluster finds another row
  }
}

}  // namespace

Nearest nearest_centroid(const float* centroids, const float* values, std::size_t size) noexcept {
  alignas(64) float distances[centroid_count];
  centroid_distances(centroids, values, size, distances);
  Nearest out{.number = 0, .distance = distances[0]};
  for (std::size_t n = 1; n < centroid_count; ++n)
    if (distances[n] < out.distance) out = {.number = static_cast<std::uint8_t>(n), .distance = distances[n]};
  return out;
}

void fill_table(const float* centroids, const float* query, std::size_t size, float* table) noexcept {
  std::fill_n(table, centroid_count, 0.0f);
  for (std::size_t j = 0; j < size; ++j)
    for (std::size_t n = 0; n < centroid_count; ++n) table[n] += query[j] * centroids[j * centroid_count + n];
}

void cluster(const Points& points, std::uint64_t seed, int rounds, float* centroids, Assignment& scratch) noexcept {
  base::Random random(seed);
  choose_first_centroids(points, random, centroids, scratch.distances);
  double before = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds; ++round) {
    assign(points, centroids, scratch.distances.data(), scratch.numbers.data());
    std::array<std::size_t, centroid_count> members{};
    double total = 0;
    for (std::size_t i = 0; i < points.count; ++i) {
      total += static_cast<double>(scratch.distances[i]);
      ++members[scratch.numbers[i]];
    }
    if (!(total < before)) return;
    before = total;
    move_centroids(points, members, scratch, centroids);
  }
}

}  // namespace attar::vector::opq
