#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "vector/opq/kernel.h"

namespace attar::vector::opq {
namespace {

// Column-major points about `centres` of them, far apart next to their spread.
struct Cloud {
  std::vector<float> columns;
  Points points;

  Cloud(std::size_t count, std::size_t size, std::size_t centres, std::uint64_t seed) : columns(size * padded(count)) {
    base::Random random(seed);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < size; ++j)
        columns[j * padded(count) + i] =
            static_cast<float>(static_cast<double>((i % centres) * (j + 1)) + 0.01 * random.normal());
    points = {columns.data(), count, padded(count), size};
  }
  [[nodiscard]] std::vector<float> row(std::size_t i) const {
    std::vector<float> out;
    for (std::size_t j = 0; j < points.size; ++j) out.push_back(columns[j * points.stride + i]);
    return out;
  }
};

TEST(Opq, NearestIsTheLowestOfTheNearest) {
  std::vector<float> centroids(2 * centroid_count, 9.0f);
  centroids[5] = centroids[11] = 1.0f;
  centroids[centroid_count + 5] = centroids[centroid_count + 11] = 2.0f;
  const float value[] = {1.0f, 2.5f};
  const Nearest nearest = nearest_centroid(centroids.data(), value, 2);
  EXPECT_EQ(nearest.number, 5);
  EXPECT_EQ(nearest.distance, 0.25f);
}

TEST(Opq, ClusteringFindsWellSeparatedClouds) {
  for (const std::size_t count : {std::size_t{160}, std::size_t{1000}}) {
    const Cloud cloud(count, 3, 16, 4);
    std::vector<float> centroids(3 * centroid_count);
    Assignment scratch(cloud.points.stride);
    cluster(cloud.points, 9, 12, centroids.data(), scratch);
    for (std::size_t i = 0; i < count; ++i) {
      const Nearest nearest = nearest_centroid(centroids.data(), cloud.row(i).data(), 3);
      ASSERT_LT(nearest.distance, 0.05f) << i;
    }
  }
}

TEST(Opq, FewerRowsThanCentroidsAreAllCentroids) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{5}, std::size_t{16}}) {
    const Cloud cloud(count, 2, count, 4);
    std::vector<float> centroids(2 * centroid_count);
    Assignment scratch(cloud.points.stride);
    cluster(cloud.points, 1, 12, centroids.data(), scratch);
    for (const float value : centroids) ASSERT_TRUE(std::isfinite(value));
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_LT(nearest_centroid(centroids.data(), cloud.row(i).data(), 2).distance, 1e-9f) << i << " of " << count;
  }
}

TEST(Opq, EqualRowsAreBorne) {
  const std::vector<float> columns(2 * padded(100), 3.0f);
  std::vector<float> centroids(2 * centroid_count);
  Assignment scratch(padded(100));
  cluster({columns.data(), 100, padded(100), 2}, 1, 12, centroids.data(), scratch);
  for (const float value : centroids) EXPECT_EQ(value, 3.0f);
}

TEST(Opq, MoreRoundsLeaveNoMoreError) {
  base::Random random(8);
  std::vector<float> columns(4 * padded(2000));
  for (float& value : columns) value = static_cast<float>(random.normal());
  const Points points = {columns.data(), 2000, padded(2000), 4};
  const auto error = [&](int rounds) {
    std::vector<float> centroids(4 * centroid_count);
    Assignment scratch(points.stride);
    cluster(points, 3, rounds, centroids.data(), scratch);
    double sum = 0;
    for (std::size_t i = 0; i < points.count; ++i) {
      const float row[] = {columns[i], columns[points.stride + i], columns[2 * points.stride + i],
                           columns[3 * points.stride + i]};
      sum += static_cast<double>(nearest_centroid(centroids.data(), row, 4).distance);
    }
    return sum / 2000 / 4;
  };
  const double start = error(0), end = error(12);
  EXPECT_LT(end, 0.8 * start);
  // A bit a component: the rate–distortion bound of a unit Gaussian is 0.25, the best scalar quantizer leaves 0.363.
  EXPECT_GT(end, 0.25);
  EXPECT_LT(end, 0.363);
}

TEST(Opq, TablesHoldInnerProducts) {
  base::Random random(2);
  std::vector<float> centroids(5 * centroid_count), query(5), table(centroid_count);
  for (float& value : centroids) value = static_cast<float>(random.normal());
  for (float& value : query) value = static_cast<float>(random.normal());
  fill_table(centroids.data(), query.data(), 5, table.data());
  for (std::size_t n = 0; n < centroid_count; ++n) {
    double expected = 0;
    for (std::size_t j = 0; j < 5; ++j)
      expected += static_cast<double>(query[j]) * static_cast<double>(centroids[j * centroid_count + n]);
    EXPECT_NEAR(static_cast<double>(table[n]), expected, 1e-5);
  }
}

}  // namespace
}  // namespace attar::vector::opq
