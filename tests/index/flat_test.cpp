#include "index/flat.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "codec/shortlist.h"
#include "math/vector_ops.h"
#include "vector/tcq_samples.h"

namespace attar::index {
namespace {

using codec::Hit;
using vector::tcq::Coded;
using vector::tcq::Kind;

constexpr std::uint32_t dims = 64;
constexpr std::uint64_t rows = 20'011;  // more than one piece of a split scan, and a last block that is not full

Coded coded(Metric metric) {
  base::ThreadPool pool(2);
  return vector::tcq::code({.rows = rows, .dims = dims, .metric = metric},
                           vector::tcq::make_rows(Kind::clustered, rows, dims, metric, 5),
                           {.row_bytes = 24, .matrix_bits = 8, .trellis = true, .scale_bytes = 1}, pool);
}

class Flat : public testing::TestWithParam<Metric> {
 protected:
  const Coded base_ = coded(GetParam());
  const std::vector<float> queries_ = vector::tcq::make_rows(Kind::clustered, 19, dims, GetParam(), 6);

  std::vector<std::vector<Hit>> search(const SearchOptions& options, unsigned threads = 1) const {
    base::ThreadPool pool(threads);
    return flat_search(*base_.view, queries_, dims, options, pool).value();
  }
};

TEST_P(Flat, ScoresOfTwoLooksAreThoseOfOne) {
  const auto parts = static_cast<std::uint32_t>(base_.view->scorable()->part_costs().size());
  ASSERT_GT(parts, 2u);
  const auto whole = search({.k = 10});
  for (std::uint32_t head = 1; head < parts; ++head) {
    // A shortlist that nothing drops out of: the very same hits.
    EXPECT_EQ(search({.k = 10, .look = {.head = head, .shortlist = 64 * static_cast<std::uint32_t>(rows)}}), whole)
        << head;
  }
}

TEST_P(Flat, AShortlistKeepsNearlyAllHitsWithTheirScores) {
  const auto parts = static_cast<std::uint32_t>(base_.view->scorable()->part_costs().size());
  const auto whole = search({.k = 10});
  const auto looked = search({.k = 10, .look = {.head = parts - 1, .shortlist = 256}});
  std::size_t kept = 0;
  for (std::size_t q = 0; q < whole.size(); ++q) {
    ASSERT_EQ(looked[q].size(), 10u);
    for (const Hit& hit : looked[q])
      kept += static_cast<std::size_t>(std::count(whole[q].begin(), whole[q].end(), hit));
  }
  EXPECT_GE(kept, whole.size() * 10 * 95 / 100);
}

TEST_P(Flat, ThreadsAndBatchesDoNotChangeTwoLooks) {
  std::vector<std::uint64_t> allowed((rows + 63) / 64, 0xf0f0'ffff'0f1e'2d3cu);
  std::vector<std::uint32_t> skip(19, no_row);
  skip[3] = 4;
  const SearchOptions options{.k = 7, .look = {.head = 2, .shortlist = 40}, .allowed = allowed, .skip = skip};
  const auto expected = search(options);
  for (const unsigned threads : {2u, 3u}) EXPECT_EQ(search(options, threads), expected) << threads << " threads";
  base::ThreadPool pool(1);
  for (std::size_t q = 0; q < expected.size(); ++q) {
    SearchOptions one = options;
    one.skip = std::span(skip).subspan(q, 1);
    const auto query = std::span(queries_).subspan(q * dims, dims);
    EXPECT_EQ(flat_search(*base_.view, query, dims, one, pool).value()[0], expected[q]) << "query " << q;
    for (const Hit& hit : expected[q]) {
      EXPECT_NE(allowed[hit.row / 64] >> (hit.row % 64) & 1, 0u);
      EXPECT_NE(hit.row, skip[q]);
    }
  }
}

// At eight bits a component the rounding of the query would decide: the best rows are ranked without it.
TEST_P(Flat, FineCodesAreRankedByTheQueryAsItCame) {
  base::ThreadPool pool(1);
  const codec::Schema schema{.rows = 600, .dims = dims, .metric = GetParam()};
  const auto values = vector::tcq::make_rows(Kind::clustered, schema.rows, dims, schema.metric, 5);
  const Coded fine = vector::tcq::code(
      schema, values, {.row_bytes = 64, .head_bytes = 24, .matrix_bits = 16, .trellis = true, .scale_bytes = 2}, pool);
  std::vector<float> decoded(values.size());
  ASSERT_TRUE(fine.view->decode({0, schema.rows}, decoded));
  for (const Look look : {Look{}, Look{.head = 1, .shortlist = 300}}) {
    const auto found = flat_search(*fine.view, queries_, dims, {.k = 10, .look = look}, pool).value();
    for (std::size_t q = 0; q < found.size(); ++q) {
      std::vector<double> exact;
      for (std::uint64_t row = 0; row < schema.rows; ++row) {
        const double product = math::dot(std::span(queries_).subspan(q * dims, dims),
                                         std::span<const float>(decoded).subspan(row * dims, dims));
        const double norm = math::squared_norm(std::span(values).subspan(row * dims, dims));
        exact.push_back(schema.metric == Metric::l2 ? 2 * product - norm : product);
      }
      const auto score = [&](const Hit& hit) { return exact[hit.row]; };
      std::vector<double> best = exact;
      std::sort(best.begin(), best.end(), std::greater<>());
      ASSERT_EQ(found[q].size(), 10u);
      for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(score(found[q][i]), best[i], 1e-4 * (1 + std::fabs(best[0])));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, Flat, testing::Values(Metric::cosine, Metric::inner_product, Metric::l2),
                         [](const auto& tested) { return std::string(metric_name(tested.param)); });

TEST(Shortlist, KeepsTheBestWhateverTheOrder) {
  base::Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<codec::Partial> all;
    for (std::uint32_t row = 0; row < 1 + random.below(300); ++row)
      all.push_back({.score = static_cast<float>(random.below(40)), .sum = static_cast<float>(row), .row = row});
    std::vector<codec::Partial> expected = all;
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.before(b); });
    const auto size = static_cast<std::uint32_t>(1 + random.below(50));
    expected.resize(std::min<std::size_t>(size, expected.size()));
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
    codec::Shortlist first(size), second(size);
    for (std::size_t i = 0; i < all.size(); ++i) (i % 3 == 0 ? first : second).push(all[i]);
    first.merge(second);
    const auto kept = first.take();
    ASSERT_EQ(kept.size(), expected.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].row, expected[i].row);
      EXPECT_EQ(kept[i].sum, static_cast<float>(kept[i].row));
    }
  }
}

}  // namespace
}  // namespace attar::index
