#include "math/kmeans.h"
#include "math/nearest.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/random.h"
#include "math/vector_ops.h"

namespace attar::math {
namespace {

constexpr std::uint32_t dims = 10;

// Rows about `groups` centres that lie far apart, one after the other.
std::vector<float> grouped(std::size_t rows, std::size_t groups, double noise) {
  base::Random random(5);
  std::vector<double> centres(groups * dims);
  for (double& value : centres) value = 10 * random.normal();
  std::vector<float> out(rows * dims);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(centres[i / dims % groups * dims + i % dims] + noise * random.normal());
  return out;
}

double error_of(std::span<const float> rows, const Matrix<float>& centroids) {
  base::ThreadPool pool(1);
  std::vector<std::uint32_t> nearest(rows.size() / dims);
  nearest_centroids(rows, centroids, nearest, pool);
  double out = 0;
  for (std::size_t i = 0; i < nearest.size(); ++i)
    out += squared_distance(rows.subspan(i * dims, dims), {centroids.row(nearest[i]), dims});
  return out / static_cast<double>(nearest.size());
}

TEST(KMeans, SeparateGroupsGetCentroidsOfTheirOwn) {
  base::ThreadPool pool(2);
  const auto rows = grouped(4000, 12, 0.1);
  // A few more than groups: random starts may put two into one group.
  const Matrix<float> centroids = kmeans(rows, dims, {.clusters = 36, .seed = 3}, pool);
  ASSERT_EQ(centroids.rows, 36u);
  EXPECT_LT(error_of(rows, centroids), 2 * 0.1 * 0.1 * dims);
}

TEST(KMeans, ThreadsDoNotChangeABit) {
  base::ThreadPool one(1), three(3);
  const auto rows = grouped(3000, 50, 3);
  const KMeansOptions options{.clusters = 64, .seed = 9};
  const Matrix<float> a = kmeans(rows, dims, options, one), b = kmeans(rows, dims, options, three);
  EXPECT_EQ(a.values, b.values);
  EXPECT_NE(a.values, kmeans(rows, dims, {.clusters = 64, .seed = 10}, one).values);
}

TEST(KMeans, IsBetterThanRandomRows) {
  base::ThreadPool pool(2);
  const auto rows = grouped(4000, 300, 4);
  const Matrix<float> centroids = kmeans(rows, dims, {.clusters = 100, .seed = 1}, pool);
  Matrix<float> some(100, dims);
  std::copy_n(rows.begin(), some.values.size(), some.values.begin());
  EXPECT_LT(error_of(rows, centroids), 0.75 * error_of(rows, some));
}

TEST(KMeans, NoMoreCentroidsThanRowsAndEqualRowsAreNoHarm) {
  base::ThreadPool pool(2);
  const auto rows = grouped(7, 7, 1);
  EXPECT_EQ(kmeans(rows, dims, {.clusters = 20, .seed = 1}, pool).rows, 7u);
  const std::vector<float> equal(500 * dims, 0.5f);
  const Matrix<float> centroids = kmeans(equal, dims, {.clusters = 9, .seed = 1}, pool);
  EXPECT_EQ(centroids.rows, 9u);
  EXPECT_EQ(error_of(equal, centroids), 0);
}

TEST(KMeans, NearestIsTheNearest) {
  base::ThreadPool pool(2);
  const auto rows = grouped(333, 333, 1);
  base::Random random(8);
  Matrix<float> centroids(701, dims);
  for (float& value : centroids.values) value = static_cast<float>(10 * random.normal());
  std::vector<std::uint32_t> nearest(333);
  nearest_centroids(rows, centroids, nearest, pool);
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    const auto row = std::span(rows).subspan(i * dims, dims);
    const double found = squared_distance(row, {centroids.row(nearest[i]), dims});
    for (std::size_t c = 0; c < centroids.rows; ++c)
      ASSERT_LE(found, squared_distance(row, {centroids.row(c), dims}) * (1 + 1e-5) + 1e-3);
  }
}

}  // namespace
}  // namespace attar::math
