#include "vector/opq/kernel.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/random.h"
#include "vector/common/clones.h"

namespace attar::vector::opq {
namespace {

constexpr int max_rounds = 12;

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

void set_centroid(const Points& points, std::size_t row, std::size_t number, float* centroids) noexcept {
  for (std::size_t j = 0; j < points.size; ++j)
    centroids[j * centroid_count + number] = points.values[row * points.stride + j];
}

// k-means++: each further centroid is a row, chosen in proportion to its squared distance from the nearest so far.
void choose_first_centroids(const Points& points, base::Random& random, float* centroids, std::span<Nearest> assigned) noexcept {
  const std::size_t first = random.below(points.count);
  for (std::size_t n = 0; n < centroid_count; ++n) set_centroid(points, first, n, centroids);
  for (std::size_t n = 1; n < centroid_count; ++n) {
    double total = 0;
    for (std::size_t i = 0; i < points.count; ++i) {
      assigned[i] = nearest_centroid(centroids, points.values + i * points.stride, points.size);
      total += static_cast<double>(assigned[i].distance);
    }
    double left = random.uniform() * total;
    std::size_t row = 0;
    while (row + 1 < points.count && left >= static_cast<double>(assigned[row].distance))
      left -= static_cast<double>(assigned[row++].distance);
    set_centroid(points, row, n, centroids);
  }
}

void move_centroid(const Points& points, std::size_t number, std::size_t members, std::span<Nearest> assigned,
                   float* centroids) noexcept {
  if (members == 0) {
    const auto worst = std::max_element(assigned.begin(), assigned.end(),
                                        [](const Nearest& a, const Nearest& b) { return a.distance < b.distance; });
    worst->distance = 0;  // taken: another empty cluster finds another row
    return set_centroid(points, static_cast<std::size_t>(worst - assigned.begin()), number, centroids);
  }
  for (std::size_t j = 0; j < points.size; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < points.count; ++i)
      if (assigned[i].number == number) sum += static_cast<double>(points.values[i * points.stride + j]);
    centroids[j * centroid_count + number] = static_cast<float>(sum / static_cast<double>(members));
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

void cluster(const Points& points, std::uint64_t seed, float* centroids, std::span<Nearest> assigned) noexcept {
  base::Random random(seed);
  choose_first_centroids(points, random, centroids, assigned);
  double before = std::numeric_limits<double>::infinity();
  for (int round = 0; round < max_rounds; ++round) {
    std::array<std::size_t, centroid_count> members{};
    double total = 0;
    for (std::size_t i = 0; i < points.count; ++i) {
      assigned[i] = nearest_centroid(centroids, points.values + i * points.stride, points.size);
      total += static_cast<double>(assigned[i].distance);
      ++members[assigned[i].number];
    }
    if (!(total < before)) return;
    before = total;
    for (std::size_t n = 0; n < centroid_count; ++n) move_centroid(points, n, members[n], assigned, centroids);
  }
}

}  // namespace attar::vector::opq
