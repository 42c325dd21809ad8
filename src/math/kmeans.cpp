#include "math/kmeans.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "math/groups.h"
#include "math/nearest.h"
#include "math/vector_ops.h"

namespace attar::math {
namespace {

constexpr int coarse_rounds = 8, fine_rounds = 8, last_rounds = 3;
void mean_of(std::span<const float> rows, std::span<const std::uint32_t> members, std::span<float> out) {
  std::vector<double> sum(out.size());
  for (const std::uint32_t row : members)
    for (std::size_t i = 0; i < out.size(); ++i) sum[i] += static_cast<double>(rows[row * out.size() + i]);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(sum[i] / static_cast<double>(members.size()));
}

// An empty cluster takes a row of the largest.
void fill_empty(std::span<const float> rows, const Groups& members, Matrix<float>& centroids, base::Random& random) {
  std::size_t largest = 0;
  for (std::size_t c = 0; c < centroids.rows; ++c)
    if (members.of(c).size() > members.of(largest).size()) largest = c;
  const auto donors = members.of(largest);
  for (std::size_t c = 0; c < centroids.rows; ++c)
    if (members.of(c).empty())
      std::copy_n(rows.data() + donors[random.below(donors.size())] * centroids.cols, centroids.cols, centroids.row(c));
}

// `assign` fills in each row's cluster; `each` runs a task for every cluster.
template <class Assign, class Each>
void lloyd(std::span<const float> rows, Matrix<float>& centroids, int rounds, base::Random& random,
           const Assign& assign, const Each& each) {
  std::vector<std::uint32_t> clusters(rows.size() / centroids.cols);
  for (int round = 0; round < rounds; ++round) {
    assign(std::span(clusters));
    const Groups members(clusters, centroids.rows);
    each([&](std::size_t c) {
      if (!members.of(c).empty()) mean_of(rows, members.of(c), {centroids.row(c), centroids.cols});
    });
    fill_empty(rows, members, centroids, random);
  }
}

Matrix<float> random_rows(std::span<const float> rows, std::uint32_t dims, std::size_t count, base::Random& random) {
  std::vector<std::uint32_t> order(rows.size() / dims);
  std::iota(order.begin(), order.end(), 0u);
  random.shuffle(std::span(order));
  Matrix<float> out(std::min(count, order.size()), dims);
  for (std::size_t c = 0; c < out.rows; ++c) std::copy_n(rows.data() + std::size_t{order[c]} * dims, dims, out.row(c));
  return out;
}

void lloyd_in_pool(std::span<const float> rows, Matrix<float>& centroids, int rounds, base::Random& random,
                   base::ThreadPool& pool) {
  lloyd(
      rows, centroids, rounds, random,
      [&](std::span<std::uint32_t> out) { nearest_centroids(rows, centroids, out, pool); },
      [&](const auto& task) { pool.run(centroids.rows, [&](std::size_t c, unsigned) { task(c); }); });
}

// The same in one thread: for the rows of one coarse cluster, many of which are done at once.
Matrix<float> small_kmeans(std::span<const float> rows, std::uint32_t dims, std::size_t clusters, std::uint64_t seed) {
  base::Random random(seed);
  Matrix<float> out = random_rows(rows, dims, clusters, random);
  lloyd(
      rows, out, fine_rounds, random,
      [&](std::span<std::uint32_t> clusters_of) { NearestCentroids(out).find(rows, clusters_of); },
      [&](const auto& task) {
        for (std::size_t c = 0; c < out.rows; ++c) task(c);
      });
  return out;
}

// Shares `clusters` out by the number of rows, at least one for each that has any and no more than its rows.
std::vector<std::size_t> shares_of(const Groups& groups, std::size_t coarse, std::size_t clusters) {
  std::vector<std::size_t> out(coarse);
  std::size_t given = 0;
  const auto rows = static_cast<double>(groups.members.size());
  for (std::size_t c = 0; c < coarse; ++c) {
    const std::size_t own = groups.of(c).size();
    const auto share = static_cast<std::size_t>(static_cast<double>(clusters) * static_cast<double>(own) / rows);
    out[c] = std::min(own, std::max<std::size_t>(1, share));
    given += out[c];
  }
  const auto fullest = [&](std::size_t a, std::size_t b) {  // rows a centroid
    return groups.of(a).size() * out[b] > groups.of(b).size() * out[a];
  };
  std::vector<std::size_t> order(coarse);
  std::iota(order.begin(), order.end(), std::size_t{0});
  while (given < std::min<std::size_t>(clusters, groups.members.size())) {
    const std::size_t most = *std::min_element(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const bool room_a = out[a] < groups.of(a).size(), room_b = out[b] < groups.of(b).size();
      return room_a != room_b ? room_a : fullest(a, b);
    });
    ++out[most];
    ++given;
  }
  while (given > clusters) {
    const auto most = std::max_element(out.begin(), out.end());
    --*most;
    --given;
  }
  return out;
}

}  // namespace

Matrix<float> kmeans(std::span<const float> rows, std::uint32_t dims, const KMeansOptions& options,
                     base::ThreadPool& pool) {
  base::Random random(options.seed);
  const std::size_t count = rows.size() / dims;
  const std::size_t clusters = std::min<std::size_t>(options.clusters, count);
  const auto coarse_count = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(clusters))));
  Matrix<float> coarse = random_rows(rows, dims, coarse_count, random);
  lloyd_in_pool(rows, coarse, coarse_rounds, random, pool);

  std::vector<std::uint32_t> nearest(count);
  nearest_centroids(rows, coarse, nearest, pool);
  const Groups members(nearest, coarse.rows);
  const std::vector<std::size_t> shares = shares_of(members, coarse.rows, clusters);
  std::vector<Matrix<float>> fine(coarse.rows);
  const std::uint64_t seed = random.next();
  pool.run(coarse.rows, [&](std::size_t c, unsigned) {
    if (shares[c] == 0) return;
    std::vector<float> own(members.of(c).size() * dims);
    for (std::size_t i = 0; i < members.of(c).size(); ++i)
      std::copy_n(rows.data() + std::size_t{members.of(c)[i]} * dims, dims, own.data() + i * dims);
    fine[c] = small_kmeans(own, dims, shares[c], seed + c);
  });
  Matrix<float> out(clusters, dims);
  std::size_t next = 0;
  for (const Matrix<float>& part : fine) {
    std::copy(part.values.begin(), part.values.end(), out.row(next));
    next += part.rows;
  }
  lloyd_in_pool(rows, out, last_rounds, random, pool);
  return out;
}

}  // namespace attar::math
