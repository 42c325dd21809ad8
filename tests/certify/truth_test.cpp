#include "certify/truth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "math/vector_ops.h"
#include "support.h"

namespace attar::certify {
namespace {

constexpr Metric all_metrics[] = {Metric::cosine, Metric::inner_product, Metric::l2};

/// The definition, with nothing clever: every score in double, sorted, ties to the lower row.
Truth brute_force(const MatrixSource& base, Metric metric, std::vector<float> queries, std::uint32_t k,
                  std::span<const std::uint32_t> excluded = {}) {
  const std::uint32_t dims = base.dims();
  std::vector<float> rows(base.row(0).data(), base.row(0).data() + base.rows() * dims);
  if (metric == Metric::cosine) {
    EXPECT_FALSE(math::normalise_rows(rows, dims));
    EXPECT_FALSE(math::normalise_rows(queries, dims));
  }
  Truth out;
  out.k = k;
  for (std::size_t q = 0; q < queries.size() / dims; ++q) {
    const auto query = std::span<const float>(queries).subspan(q * dims, dims);
    std::vector<double> scores(base.rows());
    std::vector<std::uint32_t> order(base.rows());
    std::iota(order.begin(), order.end(), 0u);
    for (std::size_t i = 0; i < scores.size(); ++i)
      scores[i] = exact_score(metric, query, std::span<const float>(rows).subspan(i * dims, dims));
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    for (std::size_t i = 0, kept = 0; kept < k; ++i) {
      if (!excluded.empty() && excluded[q] == order[i]) continue;
      out.rows.push_back(order[i]);
      out.scores.push_back(scores[order[i]]);
      ++kept;
    }
  }
  return out;
}

void expect_same(const Truth& found, const Truth& wanted) {
  EXPECT_EQ(found.k, wanted.k);
  EXPECT_EQ(found.rows, wanted.rows);
  EXPECT_EQ(found.scores, wanted.scores);  // to the bit
}

/// Rows on a coarse grid, many of them equal: ties everywhere.
std::vector<float> coarse_rows(std::size_t rows, std::uint32_t dims, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(rows * dims);
  for (float& value : out) value = static_cast<float>(random.below(3)) - 1 + 0.5f;
  return out;
}

TEST(ExactNeighbours, MatchesBruteForce) {
  base::ThreadPool pool(2);
  for (Metric metric : all_metrics) {
    for (const auto& [rows, dims, k, count] :
         {std::tuple{3000u, 24u, 10u, 37u}, {50u, 3u, 50u, 5u}, {1500u, 129u, 100u, 300u}, {1u, 7u, 1u, 2u}}) {
      const MatrixSource base(normal_rows(rows, dims, rows), dims);
      const auto queries = normal_rows(count, dims, 77);
      const auto found = exact_neighbours(base, metric, queries, {.k = k}, pool);
      ASSERT_TRUE(found.has_value()) << found.error().message;
      expect_same(*found, brute_force(base, metric, queries, k));
    }
  }
}

TEST(ExactNeighbours, TiesAndDuplicatesGoToTheLowerRow) {
  base::ThreadPool pool(3);
  for (Metric metric : all_metrics) {
    const MatrixSource base(coarse_rows(4000, 4, 1), 4);  // 81 different rows
    const auto queries = coarse_rows(20, 4, 2);
    const auto found = exact_neighbours(base, metric, queries, {.k = 120}, pool);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    expect_same(*found, brute_force(base, metric, queries, 120));
  }
}

TEST(ExactNeighbours, SurvivesOffsetsThatDrownFloatProducts) {
  // All rows lie close together far from the origin: float products cannot rank them, the exact scores must.
  base::ThreadPool pool(2);
  auto rows = normal_rows(2500, 16, 4);
  auto queries = normal_rows(9, 16, 5);
  for (float& value : rows) value = 1000 + value * 0.01f;
  for (float& value : queries) value = 1000 + value * 0.01f;
  const MatrixSource base(rows, 16);
  for (Metric metric : all_metrics) {
    const auto found = exact_neighbours(base, metric, queries, {.k = 10}, pool);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    expect_same(*found, brute_force(base, metric, queries, 10));
  }
}

TEST(ExactNeighbours, TinyAndHugeNormsTogether) {
  base::ThreadPool pool(2);
  auto rows = normal_rows(2000, 8, 6);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] *= std::pow(10.0f, static_cast<float>(i / 8 % 30) - 18);
  auto queries = normal_rows(6, 8, 7);
  for (std::size_t i = 0; i < 16; ++i) queries[i] *= 1e-25f;
  const MatrixSource base(rows, 8);
  for (Metric metric : all_metrics) {
    const auto found = exact_neighbours(base, metric, queries, {.k = 15}, pool);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    expect_same(*found, brute_force(base, metric, queries, 15));
  }
}

TEST(ExactNeighbours, ThreadsAndMemoryChangeNothing) {
  const MatrixSource base(normal_rows(5000, 32, 8), 32);
  const auto queries = normal_rows(700, 32, 9);
  base::ThreadPool one(1);
  const auto wanted = exact_neighbours(base, Metric::cosine, queries, {.k = 20}, one);
  ASSERT_TRUE(wanted.has_value());
  for (const unsigned threads : {2u, 3u, 8u}) {
    base::ThreadPool pool(threads);
    for (const std::uint64_t memory : {std::uint64_t{600'000}, std::uint64_t{2'000'000}, std::uint64_t{1} << 30}) {
      const auto found = exact_neighbours(base, Metric::cosine, queries, {.k = 20, .memory_bytes = memory}, pool);
      ASSERT_TRUE(found.has_value()) << found.error().message;
      expect_same(*found, *wanted);
    }
  }
}

TEST(ExactNeighbours, LeavesOutTheOwnRowOfProxies) {
  base::ThreadPool pool(2);
  const MatrixSource base(normal_rows(1200, 16, 10), 16);
  std::vector<float> queries;
  std::vector<std::uint32_t> excluded;
  for (std::uint32_t row = 5; row < 1200; row += 100) {
    queries.insert(queries.end(), base.row(row).begin(), base.row(row).end());
    excluded.push_back(row);
  }
  excluded.back() = no_row;  // this one may find itself
  const auto found = exact_neighbours(base, Metric::l2, queries, {.k = 10, .excluded_row = excluded}, pool);
  ASSERT_TRUE(found.has_value());
  expect_same(*found, brute_force(base, Metric::l2, queries, 10, excluded));
  EXPECT_EQ(found->excluded, excluded);
  EXPECT_NE(found->rows_of(0)[0], 5u);
  EXPECT_EQ(found->rows_of(11)[0], 1105u);
}

TEST(ExactNeighbours, RefusesWhatCannotBeRanked) {
  base::ThreadPool pool(2);
  const auto code = [&](std::vector<float> rows, std::vector<float> queries, Metric metric, TruthOptions options) {
    const MatrixSource base(std::move(rows), 2);
    const auto found = exact_neighbours(base, metric, queries, options, pool);
    return found ? std::string("none") : std::string(error_name(found.error().code));
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> good{1, 2, 3, 4};
  const std::vector<std::uint32_t> excluded{0};
  EXPECT_EQ(code(good, good, Metric::l2, {.k = 2}), "none");
  EXPECT_EQ(code(good, good, Metric::l2, {.k = 3}), "invalid_argument");
  EXPECT_EQ(code(good, good, Metric::l2, {.k = 0}), "invalid_argument");
  EXPECT_EQ(code(good, {1, 2}, Metric::l2, {.k = 2, .excluded_row = excluded}), "invalid_argument");
  EXPECT_EQ(code(good, good, Metric::l2, {.k = 1, .excluded_row = excluded}), "invalid_argument");
  EXPECT_EQ(code(good, {1, 2, 3}, Metric::l2, {.k = 1}), "invalid_argument");
  EXPECT_EQ(code({1, nan, 3, 4}, good, Metric::l2, {.k = 1}), "invalid_data");
  EXPECT_EQ(code(good, {1, nan}, Metric::l2, {.k = 1}), "invalid_data");
  EXPECT_EQ(code({0, 0, 3, 4}, good, Metric::cosine, {.k = 1}), "invalid_data");
  EXPECT_EQ(code({0, 0, 3, 4}, good, Metric::inner_product, {.k = 1}), "none");
  EXPECT_EQ(code({3e18f, 0, 3, 4}, good, Metric::inner_product, {.k = 1}), "invalid_data");
  EXPECT_EQ(code(good, good, Metric::l2, {.k = 1, .memory_bytes = 100}), "over_limit");
}

TEST(ExactNeighbours, PassesReadErrorsAndCancellation) {
  base::ThreadPool pool(2);
  MatrixSource base(normal_rows(3000, 4, 1), 4);
  const auto queries = normal_rows(3, 4, 2);
  base.broken_from = 2500;
  const auto broken = exact_neighbours(base, Metric::l2, queries, {.k = 1}, pool);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, ErrorCode::io);

  class Stop final : public base::Progress {
   public:
    void stage(std::string_view, std::uint64_t) override {}
    void advance(std::uint64_t) override {}
    [[nodiscard]] bool cancelled() const noexcept override { return true; }
  } stop;
  base.broken_from = ~std::uint64_t{0};
  const auto stopped = exact_neighbours(base, Metric::l2, queries, {.k = 1, .progress = &stop}, pool);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST(ExactScores, AgreeWithTheTruth) {
  base::ThreadPool pool(2);
  const MatrixSource base(normal_rows(400, 20, 3), 20);
  const auto query = normal_rows(1, 20, 4);
  for (Metric metric : all_metrics) {
    const auto truth = exact_neighbours(base, metric, query, {.k = 30}, pool);
    ASSERT_TRUE(truth.has_value());
    const auto scores = exact_scores(base, metric, query, truth->rows);
    ASSERT_TRUE(scores.has_value());
    EXPECT_EQ(*scores, truth->scores);
  }
  const std::vector<std::uint32_t> beyond{400};
  EXPECT_EQ(exact_scores(base, Metric::l2, query, beyond).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace attar::certify
