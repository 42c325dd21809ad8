#include "vector/tcq/layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "codec/shortlist.h"
#include "vector/tcq_samples.h"

namespace attar::vector::tcq {
namespace {

// Σ variance · Π D_b by the definition.
double distortion_of(const Shape& shape, std::vector<double> variances) {
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const Run& run = shape.runs[r];
    for (std::size_t i = run.first; i < std::min<std::size_t>(variances.size(), run.first + run.components()); ++i)
      variances[i] *= level_table(shape.trellis, run.bits).distortion;
  }
  return std::accumulate(variances.begin(), variances.end(), 0.0);
}

TEST(TcqLayers, AllRatesAreSoundAndNearThoseOfOneLayer) {
  for (const std::size_t dims : {100u, 384u, 1000u})
    for (const double factor : {4.0, 60.0}) {
      const auto variances = falling(dims, factor);
      const auto most = static_cast<std::uint32_t>(dims);
      const std::uint32_t head = most / 8;
      const LayeredAllocator layers(variances, head, most, true);
      const Allocator one(variances, most, true);
      double before = std::accumulate(variances.begin(), variances.end(), 0.0);
      for (std::uint32_t row_bytes = head; row_bytes <= most; row_bytes += 1 + most / 50) {
        SCOPED_TRACE(testing::Message() << dims << " components, " << row_bytes << " bytes");
        const Allocation got = layers.at(row_bytes);
        ASSERT_GT(got.shape.run_count, 0u);
        EXPECT_LE(got.shape.row_bytes(), row_bytes);
        EXPECT_LT(got.shape.components(), dims + 64) << "a model with more padding cannot be read";
        EXPECT_NEAR(got.distortion, distortion_of(got.shape, variances), 1e-9 * got.distortion);
        EXPECT_LE(got.distortion, before * (1 + 1e-12)) << "more bytes never mean more distortion";
        before = got.distortion;
        if (row_bytes > most / 2 && row_bytes < most * 3 / 4) {
          EXPECT_LT(got.distortion, 1.4 * one.at(row_bytes).distortion) << "the second layer makes up for the first";
        }
      }
    }
}

TEST(TcqLayers, TheHeadIsTheSameAtEveryRate) {
  const auto variances = falling(256, 20);
  const LayeredAllocator layers(variances, 50, 230, true);
  const Allocation least = layers.at(50);
  ASSERT_GT(least.shape.run_count, 0u);
  EXPECT_EQ(layers.at(least.shape.row_bytes() - 1).shape.run_count, 0u) << "less than the head is nothing";
  for (const std::uint32_t row_bytes : {120u, 170u, 230u}) {
    const Shape shape = layers.at(row_bytes).shape;
    ASSERT_EQ(shape.parts(), 2u);
    std::uint32_t bytes = 0;
    for (std::size_t r = shape.part(0).first; r < shape.part(0).last; ++r) {
      EXPECT_EQ(shape.runs[r].bits, least.shape.runs[r].bits);
      EXPECT_EQ(shape.runs[r].units, least.shape.runs[r].units);
      bytes += shape.runs[r].row_bytes();
    }
    EXPECT_EQ(bytes, least.shape.row_bytes());
    EXPECT_EQ(shape.part(1).last, shape.run_count);
  }
}

TEST(TcqLayers, AHeadHoldsMostOfTheEnergyOrIsNotOffered) {
  const auto variances = falling(384, 20);
  const double all = std::accumulate(variances.begin(), variances.end(), 0.0);
  const std::vector<double> cost(variances.size(), 1.0);
  const std::uint32_t bytes = head_bytes_for(variances, cost, 384, true);
  ASSERT_GT(bytes, 0u);
  EXPECT_LT(Allocator(variances, bytes, true).distortion(bytes), 0.12 * all);
  EXPECT_EQ(head_bytes_for(variances, cost, bytes - 1, true), 0u);
}

// The cells of a code split its components, and each lies within or without every run.
TEST(TcqLayers, CellsSplitTheComponents) {
  const auto variances = falling(300, 40);
  const Shape shape = LayeredAllocator(variances, 40, 200, true).at(180).shape;
  std::size_t next = 0;
  for (const auto [first, last] : cells_of(shape, 300)) {
    EXPECT_EQ(first, next);
    EXPECT_LT(first, last);
    next = last;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      const auto& run = shape.runs[r];
      const bool begins = run.first <= first && first < run.first + run.components();
      const bool ends = run.first < last && last <= run.first + run.components();
      EXPECT_TRUE(begins == ends || last == 300) << "run " << r;
    }
  }
  EXPECT_EQ(next, std::min(300u, shape.components()));
}

TEST(TcqLayers, ASecondLayerBringsTheErrorToThatOfOne) {
  base::ThreadPool pool(2);
  const codec::Schema schema = {.rows = 1500, .dims = 96, .metric = Metric::l2};
  const auto rows = make_rows(Kind::correlated, schema.rows, schema.dims, schema.metric, 41);
  const auto trained = train(schema, rows, pool);
  for (const std::uint8_t matrix_bits : {std::uint8_t{0}, std::uint8_t{8}}) {
    const Settings one{.row_bytes = 40, .matrix_bits = matrix_bits};
    const Settings two{.row_bytes = 40, .head_bytes = 16, .matrix_bits = matrix_bits};
    const double whole = relative_error(code(*trained, schema, rows, one, pool));
    const Coded layered = code(*trained, schema, rows, two, pool);
    ASSERT_EQ(layered.shape().parts(), 2u);
    EXPECT_LT(relative_error(layered), 1.35 * whole);
  }
}

// Rows seen in a first look and completed in a second have the very scores of a full scan, under every metric.
TEST(TcqLayers, TwoLooksEndWithTheScoresOfOne) {
  base::ThreadPool pool(2);
  base::Random random(42);
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2})
    for (const std::uint8_t matrix_bits : {std::uint8_t{0}, std::uint8_t{8}}) {
      const codec::Schema schema = {.rows = 333, .dims = 72, .metric = metric};
      const Coded coded = code(schema, make_rows(Kind::correlated, schema.rows, schema.dims, metric, 43),
                               {.row_bytes = 44, .head_bytes = 18, .matrix_bits = matrix_bits}, pool);
      ASSERT_EQ(coded.view->scorable()->part_costs().size(), 2u);
      std::vector<float> queries(3 * schema.dims);
      for (float& value : queries) value = static_cast<float>(random.normal());
      const auto scorer = coded.prepare(queries);
      std::vector<std::uint32_t> numbers(schema.rows);
      std::iota(numbers.begin(), numbers.end(), 0u);
      std::vector<float> scores(3 * schema.rows);
      scorer->score(numbers, scores);
      std::vector<codec::Shortlist> lists(3, codec::Shortlist(static_cast<std::uint32_t>(schema.rows)));
      scorer->scan_parts({0, schema.rows}, {}, 1, lists);
      for (std::size_t q = 0; q < 3; ++q) {
        std::vector<codec::Partial> rows = lists[q].take();
        ASSERT_EQ(rows.size(), schema.rows);
        double both = 0, own = 0;  // the first look is rough, but neither louder nor softer than the second
        for (const codec::Partial& row : rows) {
          const auto score = static_cast<double>(scores[q * schema.rows + row.row]);
          both += static_cast<double>(row.score) * score;
          own += score * score;
        }
        EXPECT_NEAR(both / own, 1, 0.25);
        scorer->add_part(q, 1, rows);
        for (const codec::Partial& row : rows) ASSERT_EQ(row.score, scores[q * schema.rows + row.row]) << row.row;
      }
    }
}

}  // namespace
}  // namespace attar::vector::tcq
