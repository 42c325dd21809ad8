#include "certify/recall.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support.h"

namespace attar::certify {
namespace {

/// One query whose scores are given by row: 0.9, 0.8, 0.7, 0.7, 0.5 for rows 10 … 14.
Truth small_truth() {
  Truth truth;
  truth.k = 5;
  truth.rows = {10, 11, 12, 13, 14};
  truth.scores = {0.9, 0.8, 0.7, 0.7, 0.5};
  return truth;
}

double never(std::uint32_t) { throw std::logic_error("no exact score was needed"); }

TEST(Recall, CountsHitsWithTies) {
  const Truth truth = small_truth();
  const auto of = [&](std::vector<std::uint32_t> returned, std::uint32_t k) {
    return recall(truth, 0, returned, k, never);
  };
  EXPECT_DOUBLE_EQ(of({10, 11, 12}, 3), 1);
  EXPECT_DOUBLE_EQ(of({10, 11, 13}, 3), 1) << "row 13 ties with the third";
  EXPECT_DOUBLE_EQ(of({12, 13, 10}, 3), 1) << "any order, any of the tied";
  EXPECT_DOUBLE_EQ(of({10, 11, 14}, 3), 2.0 / 3);
  EXPECT_DOUBLE_EQ(of({10, 11, 99}, 3), 2.0 / 3) << "a row beyond the stored best cannot reach 0.7";
  EXPECT_DOUBLE_EQ(of({99, 10, 11, 12}, 3), 2.0 / 3) << "only the first k places count";
  EXPECT_DOUBLE_EQ(of({10, 10, 10}, 3), 1.0 / 3) << "a row counts once";
  EXPECT_DOUBLE_EQ(of({no_row, no_row, 10}, 3), 1.0 / 3);
  EXPECT_DOUBLE_EQ(of({}, 3), 0);
}

TEST(Recall, ToleratesAMillionth) {
  Truth truth = small_truth();
  truth.scores = {0.9, 0.8, 0.7, 0.7 - 0.9e-6, 0.7 - 1.1e-6};
  EXPECT_DOUBLE_EQ(recall(truth, 0, std::vector<std::uint32_t>{10, 11, 13}, 3, never), 1);
  EXPECT_DOUBLE_EQ(recall(truth, 0, std::vector<std::uint32_t>{10, 11, 14}, 3, never), 2.0 / 3);
  EXPECT_DOUBLE_EQ(hit_threshold(-4), -4 - 4e-6) << "relative where scores are large";
}

TEST(Recall, AsksForTheScoreOfARowThatCouldTie) {
  Truth truth = small_truth();
  truth.scores = {0.9, 0.8, 0.7, 0.7, 0.7};
  const auto with = [&](double score) {
    return recall(truth, 0, std::vector<std::uint32_t>{10, 11, 99}, 3, [=](std::uint32_t row) {
      EXPECT_EQ(row, 99u);
      return score;
    });
  };
  EXPECT_DOUBLE_EQ(with(0.7), 1);
  EXPECT_DOUBLE_EQ(with(0.69), 2.0 / 3);
}

TEST(Recall, SkipsTheOwnRowOfAProxy) {
  Truth truth = small_truth();
  truth.excluded = {7};
  EXPECT_DOUBLE_EQ(recall(truth, 0, std::vector<std::uint32_t>{7, 10, 11, 12}, 3, never), 1);
}

struct Bench {
  Bench(std::vector<float> rows, std::uint32_t dims, std::size_t count, std::uint32_t stored, Metric m)
      : base(std::move(rows), dims), queries(normal_rows(count, dims, 99)), metric(m) {
    auto found = exact_neighbours(base, metric, queries, {.k = stored}, pool);
    EXPECT_TRUE(found.has_value());
    truth = std::make_shared<const Truth>(*std::move(found));
  }
  base::ThreadPool pool{3};
  MatrixSource base;
  std::vector<float> queries;
  Metric metric;
  std::shared_ptr<const Truth> truth;
};

TEST(RecallMeter, MatchesTheDefinitionForEveryK) {
  // Rows repeat, so that ties reach beyond the stored best and exact scores are needed.
  auto rows = normal_rows(300, 6, 1);
  for (int copy = 0; copy < 3; ++copy) rows.insert(rows.end(), rows.begin(), rows.begin() + 300 * 6);
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2}) {
    Bench bench(rows, 6, 60, 12, metric);
    const auto meter = RecallMeter::create(bench.base, metric, bench.queries, bench.truth);
    ASSERT_TRUE(meter.has_value());
    constexpr std::uint32_t width = 15;
    std::vector<std::uint32_t> returned;
    base::Random random(2);
    for (std::size_t q = 0; q < 60; ++q)
      for (std::uint32_t place = 0; place < width; ++place) {
        const auto near =
            bench.truth->rows_of(q)[random.below(12)] % 300 + 300 * random.below(4);  // a copy of a near row
        returned.push_back(random.below(5) == 0 ? static_cast<std::uint32_t>(random.below(1200))
                                                : static_cast<std::uint32_t>(near));
      }
    const std::vector<std::uint32_t> ks{1, 5, 10, 12};
    const auto found = meter->measure(returned, width, ks, bench.pool);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    double total = 0;
    for (std::size_t i = 0; i < ks.size(); ++i)
      for (std::size_t q = 0; q < 60; ++q) {
        const auto list = std::span(returned).subspan(q * width, width);
        const auto query = std::span(bench.queries).subspan(q * 6, 6);
        const double wanted = recall(*bench.truth, q, list, ks[i], [&](std::uint32_t row) {
          return exact_scores(bench.base, metric, query, std::span(&row, 1)).value().front();
        });
        EXPECT_DOUBLE_EQ((*found)[i][q], wanted) << "k " << ks[i] << ", query " << q;
        total += wanted;
      }
    EXPECT_GT(total, 60);
    EXPECT_EQ(meter->measure(returned, width, 10, bench.pool).value(), (*found)[2]);
  }
}

TEST(RecallMeter, ReadsNothingWhenTheTruthReachesPastTheTies) {
  Bench bench(normal_rows(2000, 8, 5), 8, 40, 20, Metric::cosine);
  const auto meter = RecallMeter::create(bench.base, Metric::cosine, bench.queries, bench.truth);
  ASSERT_TRUE(meter.has_value());
  std::vector<std::uint32_t> returned(40 * 10);
  for (std::size_t i = 0; i < returned.size(); ++i) returned[i] = static_cast<std::uint32_t>(i);
  bench.base.reads = 0;
  ASSERT_TRUE(meter->measure(returned, 10, 10, bench.pool).has_value());
  EXPECT_EQ(bench.base.reads, 0);
  ASSERT_TRUE(meter->measure(returned, 10, 20, bench.pool).has_value());
  EXPECT_GT(bench.base.reads, 0) << "at k = 20 any row may tie with the last one stored";
}

TEST(RecallMeter, RefusesWrongShapesAndRowsAndPassesErrors) {
  Bench bench(normal_rows(100, 4, 5), 4, 3, 10, Metric::l2);
  const auto meter = RecallMeter::create(bench.base, Metric::l2, bench.queries, bench.truth);
  ASSERT_TRUE(meter.has_value());
  const std::vector<std::uint32_t> good(30, 1);
  const auto code = [&](std::vector<std::uint32_t> returned, std::uint32_t width, std::uint32_t k) {
    const auto found = meter->measure(returned, width, k, bench.pool);
    return found ? std::string("none") : std::string(error_name(found.error().code));
  };
  EXPECT_EQ(code(good, 10, 10), "none");
  EXPECT_EQ(code(good, 9, 10), "invalid_argument");
  EXPECT_EQ(code(good, 10, 11), "invalid_argument");
  EXPECT_EQ(code(good, 10, 0), "invalid_argument");
  EXPECT_EQ(code(std::vector<std::uint32_t>(30, 100), 10, 10), "invalid_argument");
  EXPECT_EQ(code(std::vector<std::uint32_t>(30, no_row), 10, 10), "none");
  EXPECT_FALSE(RecallMeter::create(bench.base, Metric::l2, std::span(bench.queries).first(8), bench.truth).has_value());
  EXPECT_FALSE(RecallMeter::create(bench.base, Metric::l2, bench.queries, nullptr).has_value());
  bench.base.broken_from = 0;
  std::vector<std::uint32_t> every(30);
  for (std::uint32_t i = 0; i < 30; ++i) every[i] = i;
  EXPECT_EQ(code(every, 10, 10), "io");
}

}  // namespace
}  // namespace attar::certify
