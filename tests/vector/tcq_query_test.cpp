// What becomes of a query before it meets the codes: its product with the matrix, and its rounding.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "vector/tcq/query.h"
#include "vector/tcq/transform.h"

namespace attar::vector::tcq {
namespace {

TEST(TcqTransform, EveryBatchIsTheSumInOrder) {
  base::Random random(3);
  for (int trial = 0; trial < 30; ++trial) {
    const std::size_t rows = 1 + random.below(150), count = 1 + random.below(codec::max_batch);
    const auto dims = static_cast<std::uint32_t>(1 + random.below(70));
    std::vector<std::int16_t> entries(rows * dims);
    std::vector<float> steps(rows), values(count * dims);
    for (auto& entry : entries) entry = static_cast<std::int16_t>(static_cast<int>(random.below(255)) - 127);
    for (float& step : steps) step = static_cast<float>(random.normal());
    for (float& value : values) value = static_cast<float>(random.normal());
    const ByteMatrix matrix(entries, steps);
    const std::size_t stride = rows + random.below(20);
    std::vector<float> got(codec::max_batch * stride, -1.0f);
    for (const std::size_t size : {count, codec::max_batch}) {
      std::vector<float> asked = values;
      asked.resize(size * dims, 0.5f);
      matrix.multiply({asked, dims}, stride, got.data());
      for (std::size_t q = 0; q < size; ++q)
        for (std::size_t r = 0; r < rows; ++r) {
          float expected = 0;
          for (std::size_t i = 0; i < dims; ++i) {
            const float entry = static_cast<float>(entries[r * dims + i]) * steps[r];
            const float product = entry * asked[q * dims + i];
            expected += product;
          }
          ASSERT_EQ(got[q * stride + r], expected) << rows << " x " << dims << ", " << size << " queries";
        }
    }
  }
}

Shape two_layers() {
  Shape shape;
  shape.runs[0] = {.bits = 3, .units = 4, .first = 0, .step = 0.2f};
  shape.runs[1] = {.bits = 2, .units = 1, .first = 64, .step = 0.4f};
  shape.runs[2] = {.bits = 5, .units = 12, .first = 0, .step = 0.01f};
  shape.run_count = 3;
  return shape;
}

TEST(TcqQuery, WhatRoundingLeavesIsRoundedMoreFinely) {
  base::Random random(4);
  const Shape shape = two_layers();
  RoundedQueries coarse(shape, 2), rest(shape, 2);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> y(shape.components());
    for (float& value : y) value = static_cast<float>(random.normal());
    coarse.round(1, y);
    rest.round_rest(1, y, coarse);
    const std::array<codec::QueryNumber, 1> which = {1};
    const Queries first = coarse.of(which), second = rest.of(which);
    std::size_t at = first.stride;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      const tcq::Run& run = shape.runs[r];
      const double unit = static_cast<double>(first.factors[max_runs + r]) / static_cast<double>(run.step);
      const double finer = static_cast<double>(second.factors[max_runs + r]) / static_cast<double>(run.step);
      EXPECT_NEAR(finer, unit / 254, 1e-6 * unit);
      std::int32_t sum = 0;
      for (std::size_t j = 0; j < run.components(); ++j, ++at) {
        const auto own = static_cast<double>(y[run.first + j]);
        EXPECT_LE(std::fabs(own - unit * first.values[at]), 0.501 * unit);
        EXPECT_LE(std::fabs(own - unit * first.values[at] - finer * second.values[at]), 0.6 * finer);
        sum += first.values[at];
      }
      EXPECT_EQ(first.sums[max_runs + r], sum);
    }
  }
}

TEST(TcqQuery, NoiseIsWhatRoundingChanges) {
  base::Random random(5);
  const Shape shape = two_layers();
  RoundedQueries rounded(shape, 1);
  const std::array<codec::QueryNumber, 1> which = {0};
  double expected = 0, measured = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<float> y(shape.components());
    for (float& value : y) value = static_cast<float>(random.normal());
    rounded.round(0, y);
    expected += rounded.noise(0);
    const Queries query = rounded.of(which);
    double change = 0;  // of a score, for a row of random components of the runs' deviations
    std::size_t at = 0;
    for (std::size_t r = 0; r < shape.run_count; ++r)
      for (std::size_t j = 0; j < shape.runs[r].components(); ++j, ++at) {
        const double unit = static_cast<double>(query.factors[r]) / static_cast<double>(shape.runs[r].step);
        const double miss = static_cast<double>(y[shape.runs[r].first + j]) - unit * query.values[at];
        change += miss * deviation_of(shape.runs[r], shape.trellis) * random.normal();
      }
    measured += change * change;
  }
  EXPECT_NEAR(measured / expected, 1, 0.3);  // four standard errors of 400 squares
}

TEST(TcqQuery, QueriesOfAnyMagnitudeBecomeBytes) {
  const Shape shape = two_layers();
  RoundedQueries coarse(shape, 1), rest(shape, 1);
  const std::array<codec::QueryNumber, 1> which = {0};
  for (const float size : {0.0f, 1e-45f, 1e-39f, 1e-20f, 1e20f, 0x1p96f}) {
    std::vector<float> y(shape.components());
    for (std::size_t j = 0; j < y.size(); ++j) y[j] = j % 3 == 0 ? size : -size / static_cast<float>(j);
    coarse.round(0, y);
    rest.round_rest(0, y, coarse);
    for (const RoundedQueries* rounded : {&coarse, &rest}) {
      const Queries query = rounded->of(which);
      for (std::size_t i = 0; i < shape.values(); ++i) EXPECT_GE(query.values[i], -127);
      for (std::size_t r = 0; r < shape.run_count; ++r) EXPECT_TRUE(std::isfinite(query.factors[r]));
    }
  }
}

}  // namespace
}  // namespace attar::vector::tcq
