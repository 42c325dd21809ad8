// The bounds that spec.md states, over the ranges where they could fail.
#include "nn/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "nn/aligned.h"

namespace attar::nn {
namespace {

TEST(Gelu, IsWithinItsBound) {
  std::vector<float> xs;
  for (int i = -400'000; i <= 400'000; ++i) xs.push_back(static_cast<float>(i) * 3e-5f);
  for (const float far : {20.0f, 1e4f, 1e30f}) xs.insert(xs.end(), {far, -far});
  std::vector<float> found = xs;
  gelu(found);
  double worst = 0;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const double x = xs[i], expected = x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    worst = std::max(worst, std::fabs(found[i] - expected) / std::max(1.0, std::fabs(x)));
  }
  EXPECT_LT(worst, 1e-6);
  RecordProperty("worst", std::to_string(worst));
}

TEST(Gelu, TakesEveryLength) {
  for (std::size_t count = 0; count < 40; ++count) {
    std::vector<float> values(count + 1, 1.0f);
    gelu({values.data(), count});
    for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(values[i], 0.841344746, 1e-6);
    EXPECT_EQ(values.back(), 1.0f);
  }
}

TEST(Exponentials, AreWithinTheirBound) {
  constexpr std::size_t count = 80'001;
  AlignedBuffer<float> values(80'016);
  for (std::size_t i = 0; i < count; ++i) values[i] = -static_cast<float>(i) * 1e-3f;
  std::vector<float> xs(values.data(), values.data() + count);
  const float sum = exponentials(values.data(), count, 1.0f);
  double worst = 0, expected_sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double expected = std::exp(double{xs[i]});
    worst = std::max(worst, std::fabs(values[i] - expected) / expected);
    expected_sum += expected;
  }
  EXPECT_LT(worst, 3e-7);
  EXPECT_NEAR(sum / expected_sum, 1.0, 1e-5);  // 80,001 terms in single precision
}

TEST(Exponentials, AreRelativeToTheLargestAtEveryLength) {
  base::Random random(31);
  for (std::size_t count = 1; count < 70; ++count) {
    AlignedBuffer<float> values(80);
    std::vector<double> expected(count);
    for (std::size_t i = 0; i < 80; ++i) values[i] = static_cast<float>(40 * random.normal());
    const float largest = *std::max_element(values.data(), values.data() + count);
    for (std::size_t i = 0; i < count; ++i) expected[i] = std::exp((double{values[i]} - double{largest}) * 0.25);
    const float sum = exponentials(values.data(), count, 0.25f);
    for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(values[i], expected[i], 1e-6);
    for (std::size_t i = count; i < (count + 15) / 16 * 16; ++i) EXPECT_EQ(values[i], 0.0f);
    EXPECT_NEAR(sum, std::accumulate(expected.begin(), expected.end(), 0.0), 1e-5);
  }
}

TEST(Norm, IsThatOfTheSumAtEveryLength) {
  base::Random random(32);
  for (std::size_t count = 1; count < 70; ++count) {
    std::vector<float> row(count), added(count), scale(count), shift(count);
    for (auto* values : {&row, &added, &scale, &shift})
      for (float& value : *values) value = static_cast<float>(3 + random.normal());
    std::vector<double> expected(count);
    for (std::size_t i = 0; i < count; ++i) expected[i] = double{row[i]} + double{added[i]};
    const double mean = std::accumulate(expected.begin(), expected.end(), 0.0) / static_cast<double>(count);
    double variance = 0;
    for (const double x : expected) variance += (x - mean) * (x - mean) / static_cast<double>(count);
    add_and_normalise(row, added, {.scale = scale, .shift = shift, .epsilon = 0.01f});
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_NEAR(row[i], (expected[i] - mean) / std::sqrt(variance + 0.01) * double{scale[i]} + double{shift[i]},
                  2e-5);
  }
}

TEST(RoundToBytes, StaysWithinHalfAStep) {
  base::Random random(33);
  for (std::size_t count = 1; count < 70; ++count) {
    std::vector<float> row(count);
    for (float& value : row) value = static_cast<float>(random.normal() * 100 + 20);
    std::vector<std::uint8_t> out(count + 5, 9);
    const ByteScale scale = round_to_bytes(row, out);
    ASSERT_GE(scale.zero, 0);
    ASSERT_LE(scale.zero, 255);
    // The zero is rounded too, so that the ends may be clamped by another half.
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_NEAR(scale.unit * static_cast<float>(out[i] - scale.zero), row[i], 1.001 * double{scale.unit});
    for (std::size_t i = count; i < out.size(); ++i) EXPECT_EQ(out[i], 0);
  }
}

TEST(RoundToBytes, NeverTurnsNoNumberIntoOne) {
  for (const float odd : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), 3e38f}) {
    std::vector<float> row(20, -3e38f);
    row[7] = odd;  // or the distance between the ends overflows
    std::vector<std::uint8_t> out(20);
    EXPECT_TRUE(std::isnan(round_to_bytes(row, out).unit)) << odd;
  }
  std::vector<float> tiny(20, 1e-44f);
  std::vector<std::uint8_t> out(20, 3);
  EXPECT_EQ(round_to_bytes(tiny, out).unit, 0.0f);
  EXPECT_EQ(out, std::vector<std::uint8_t>(20, 0));
}

}  // namespace
}  // namespace attar::nn
