#include "index/graph/build.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "index/graph/connect.h"
#include "index/graph/links.h"
#include "index/graph/prune.h"
#include "index/graph/reservoir.h"
#include "index/graph/row_bytes.h"
#include "index/graph_support.h"
#include "math/vector_ops.h"

namespace attar::index::graph {
namespace {

class GraphBuild : public testing::TestWithParam<Metric> {};

TEST_P(GraphBuild, WalksFindTheNearestRows) {
  std::vector<float> rows = clustered(5'000, dims, 3);
  const BuildOptions options{.degree = 16, .entries = 16, .leaves = {.leaf_rows = 300}};
  const Adjacency graph = built(rows, GetParam(), options);
  expect_sound(graph, 5'000, options);
  if (GetParam() == Metric::cosine) {
    ASSERT_FALSE(math::normalise_rows(rows, dims));
  }
  // Products favour a few long rows, which Euclidean neighbours lead to less directly.
  EXPECT_GE(walk_recall(graph, rows, GetParam()), GetParam() == Metric::inner_product ? 0.8 : 0.9);
}

TEST_P(GraphBuild, SmallBasesWork) {
  for (std::uint32_t rows = 1; rows <= 70; ++rows) {
    const BuildOptions options{.degree = 8, .entries = 12};
    SCOPED_TRACE(rows);
    expect_sound(built(clustered(rows, dims, rows), GetParam(), options), rows, options);
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, GraphBuild, testing::Values(Metric::cosine, Metric::inner_product, Metric::l2),
                         [](const auto& metric) { return std::string(metric_name(metric.param)); });

TEST(GraphBuildOptions, AnyNumberOfThreadsBuildsTheSame) {
  const std::vector<float> rows = clustered(4'000, dims, 7);
  const BuildOptions options{.degree = 12, .leaves = {.leaf_rows = 200}, .candidates = 16};
  const Adjacency one = built(rows, Metric::cosine, options, 1);
  for (const unsigned threads : {2u, 3u}) {
    const Adjacency many = built(rows, Metric::cosine, options, threads);
    EXPECT_EQ(many.links, one.links);
    EXPECT_EQ(many.entries, one.entries);
  }
}

TEST(GraphBuildOptions, AnotherSeedBuildsAnother) {
  const std::vector<float> rows = clustered(3'000, dims, 7);
  const Adjacency one = built(rows, Metric::l2, {.seed = 1, .leaves = {.leaf_rows = 200}});
  EXPECT_NE(built(rows, Metric::l2, {.seed = 2, .leaves = {.leaf_rows = 200}}).links, one.links);
}

// More equal rows than links, than candidates and than a leaf holds.
TEST(GraphBuildOptions, EqualRowsAreReached) {
  std::vector<float> rows = clustered(3'000, dims, 5);
  for (std::size_t i = 700; i < 2'200; ++i)
    std::copy_n(rows.begin(), dims, rows.begin() + static_cast<std::ptrdiff_t>(i * dims));
  const BuildOptions options{.degree = 6, .entries = 8, .leaves = {.leaf_rows = 200}, .candidates = 12};
  expect_sound(built(rows, Metric::cosine, options), 3'000, options);
}

TEST(GraphBuildOptions, AllRowsMayBeEqual) {
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2}) {
    const BuildOptions options{.degree = 4, .entries = 4, .leaves = {.leaf_rows = 100}};
    expect_sound(built(std::vector<float>(1'000 * dims, 0.5f), metric, options), 1'000, options);
  }
}

TEST(GraphBuildOptions, OneComponentWorks) {
  const std::vector<float> rows = clustered(500, 1, 11);
  const BuildOptions options{.degree = 4, .leaves = {.leaf_rows = 64}};
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2})
    expect_sound(try_build(rows, metric, options, 2, 1).value(), 500, options);
}

TEST(GraphBuildErrors, RowsThatHaveNoDistanceAreNamed) {
  std::vector<float> rows = clustered(300, dims, 1);
  rows[123 * dims + 5] = std::numeric_limits<float>::quiet_NaN();
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2}) {
    const auto refused = try_build(rows, metric, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_data);
    EXPECT_NE(refused.error().message.find("row 123"), std::string::npos) << refused.error().message;
  }
  std::fill_n(rows.begin() + 123 * dims, dims, 0.0f);
  EXPECT_EQ(try_build(rows, Metric::cosine, {}).error().code, ErrorCode::invalid_data);
  EXPECT_TRUE(try_build(rows, Metric::l2, {}));
}

TEST(GraphBuildErrors, TooLittleMemoryIsSaidBefore) {
  const std::vector<float> rows = clustered(300, dims, 1);
  EXPECT_EQ(try_build(rows, Metric::l2, {.memory_bytes = 10'000}).error().code, ErrorCode::over_limit);
  const BuildOptions options{.memory_bytes = 300 * 600};
  expect_sound(try_build(rows, Metric::l2, options).value(), 300, options);
}

TEST(GraphBuildErrors, OptionsAreChecked) {
  const std::vector<float> rows = clustered(10, dims, 1);
  EXPECT_EQ(try_build(rows, Metric::l2, {.degree = 0}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_build(rows, Metric::l2, {.degree = most_degree + 1}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_build(rows, Metric::l2, {.entries = 10'000}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_build(rows, Metric::l2, {.alpha = 0.5}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_build({}, Metric::l2, {}).error().code, ErrorCode::invalid_argument);
}

TEST(GraphBuildErrors, StopsOnRequest) {
  class Stopped final : public base::Progress {
   public:
    void stage(std::string_view, std::uint64_t) override {}
    void advance(std::uint64_t) override {}
    [[nodiscard]] bool cancelled() const noexcept override { return true; }
  } stopped;
  base::ThreadPool pool(1);
  const auto source = data::memory_source(clustered(100, dims, 1), dims, "rows");
  EXPECT_EQ(build(*source, Metric::l2, {}, pool, stopped).error().code, ErrorCode::cancelled);
}

RowBytes bytes_of(const std::vector<float>& rows, Metric metric) {
  base::ThreadPool pool(2);
  base::SilentProgress silent;
  return RowBytes::read(*data::memory_source(rows, dims, "rows"), metric, pool, silent).value();
}

// The largest deviation of a ratio of distances of bytes to true ones from the average ratio.
template <class Distance>
double ratio_spread(const RowBytes& bytes, const Distance& distance) {
  std::vector<double> ratios;
  for (std::uint32_t i = 1; i < bytes.size(); ++i) {
    std::uint32_t found = 0;
    distances(bytes.row(i - 1), bytes.row(i), &found);
    ratios.push_back(static_cast<double>(found) / distance(i - 1, i));
  }
  std::ranges::sort(ratios);
  return ratios.back() / ratios.front() - 1;
}

TEST(GraphRowBytes, DistancesAreThoseOfTheRows) {
  std::vector<float> rows = clustered(400, dims, 21);
  const auto row = [&](std::uint32_t i) { return std::span<const float>(rows).subspan(std::size_t{i} * dims, dims); };
  const auto plain = [&](std::uint32_t a, std::uint32_t b) { return math::squared_distance(row(a), row(b)); };
  EXPECT_LT(ratio_spread(bytes_of(rows, Metric::l2), plain), 0.1);
  double reach = 0;
  for (std::uint32_t i = 0; i < 400; ++i) reach = std::max(reach, math::squared_norm(row(i)));
  const auto lift = [&](std::uint32_t i) { return std::sqrt(reach - math::squared_norm(row(i))); };
  EXPECT_LT(ratio_spread(bytes_of(rows, Metric::inner_product),
                         [&](std::uint32_t a, std::uint32_t b) {
                           return plain(a, b) + (lift(a) - lift(b)) * (lift(a) - lift(b));
                         }),
            0.1);
  const RowBytes bytes = bytes_of(rows, Metric::cosine);
  ASSERT_FALSE(math::normalise_rows(rows, dims));
  EXPECT_LT(ratio_spread(bytes, plain), 0.1);
}

TEST(GraphReservoirs, KeepTheNearestInAnyOrder) {
  base::Random random(4);
  std::vector<Candidate> offers;
  for (std::uint32_t i = 0; i < 60; ++i) offers.push_back(candidate(static_cast<std::uint32_t>(random.below(20)), i));
  std::vector<Candidate> nearest = offers;
  std::ranges::sort(nearest);
  nearest.resize(9);
  for (int order = 0; order < 5; ++order) {
    Reservoirs reservoirs(3, 9);
    random.shuffle(std::span(offers));
    for (int twice = 0; twice < 2; ++twice)
      for (const Candidate offer : offers) reservoirs.offer(1, offer);
    EXPECT_TRUE(std::ranges::equal(reservoirs.of(1), nearest));
    EXPECT_TRUE(reservoirs.of(2).empty());
  }
}

TEST(GraphPruning, KeepsOneOfADirection) {
  // On a line to the right of row 0, and one to its left.
  std::vector<float> rows(5 * dims);
  const float places[] = {0, 1, 2, 4, -3};
  for (std::size_t i = 0; i < 5; ++i) rows[i * dims] = places[i];
  const RowBytes bytes = bytes_of(rows, Metric::l2);
  std::vector<Candidate> candidates;
  for (std::uint32_t i = 1; i < 5; ++i) {
    std::uint32_t found = 0;
    distances(bytes.row(0), bytes.row(i), &found);
    candidates.push_back(candidate(found, i));
  }
  std::ranges::sort(candidates);
  std::vector<std::uint32_t> links(3);
  EXPECT_EQ(Pruner().prune(bytes, 0, candidates, 1.1, links), 2u);
  EXPECT_EQ(links, (std::vector<std::uint32_t>{1, 4, 0}));
}

TEST(GraphConnecting, GivesAPlaceToEveryRow) {
  const RowBytes bytes = bytes_of(clustered(200, dims, 31), Metric::l2);
  Adjacency graph{.rows = 200, .degree = 2, .links = std::vector<std::uint32_t>(400), .entries = {7}};
  for (std::uint32_t row = 0; row < 200; ++row) {  // pairs that lead nowhere else
    graph.places(row)[0] = row ^ 1;
    graph.places(row)[1] = row;
  }
  base::ThreadPool pool(2);
  base::SilentProgress silent;
  ASSERT_TRUE(connect(bytes, graph, pool, silent));
  expect_sound(graph, 200, {.degree = 2, .entries = 1});
}

}  // namespace
}  // namespace attar::index::graph
