#include "vector/tcq/scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace attar::vector::tcq {
namespace {

// Scales like those of real rows: near one, with some far off.
std::vector<float> some_scales(std::size_t count, double spread) {
  base::Random random(4);
  std::vector<float> out(count);
  for (float& scale : out) scale = static_cast<float>(std::exp(spread * random.normal()));
  return out;
}

float written(const ScaleCoder& coder, float scale, std::uint8_t bytes) {
  base::ByteWriter out;
  coder.write(scale, out);
  EXPECT_EQ(out.size(), bytes);
  if (bytes == 2)
    return static_cast<float>(base::load<std::uint16_t>(out.bytes().data())) * static_cast<float>(coder.lowest());
  return scale_grid(coder.lowest(), coder.ratio())[std::to_integer<std::size_t>(out.bytes()[0])];
}

TEST(TcqScale, GridHoldsAllButTheOutliersToHalfAStep) {
  auto scales = some_scales(4000, 0.1);
  const ScaleCoder coder = ScaleCoder::fit(scales, 1);
  EXPECT_GE(coder.ratio(), 1);
  EXPECT_LT(coder.ratio(), 1.005);
  const double half_step = std::sqrt(coder.ratio()) * (1 + 1e-6);
  std::sort(scales.begin(), scales.end());
  std::size_t outside = 0;
  for (const float scale : scales) {
    const double ratio = static_cast<double>(written(coder, scale, 1)) / static_cast<double>(scale);
    if (ratio > half_step || ratio < 1 / half_step) ++outside;
  }
  EXPECT_LE(outside, 6u) << "0.1% of them";
  EXPECT_EQ(written(coder, scales.front() / 2, 1), static_cast<float>(coder.lowest()));
}

TEST(TcqScale, WritingKeepsTheOrderAndTheBounds) {
  const auto scales = some_scales(1000, 0.6);
  for (const std::uint8_t bytes : {std::uint8_t{1}, std::uint8_t{2}}) {
    const ScaleCoder coder = ScaleCoder::fit(scales, bytes);
    float before = 0;
    for (float scale = 1e-3f; scale < 1e3f; scale *= 1.01f) {
      const float got = written(coder, scale, bytes);
      EXPECT_GE(got, before);
      EXPECT_GT(got, 0.0f);
      const double own =
          std::max(static_cast<double>(scale) * coder.largest_growth() + coder.largest_shift(), coder.lowest());
      EXPECT_LE(static_cast<double>(got), own * (1 + 1e-7));
      EXPECT_LE(static_cast<double>(got), coder.highest() * coder.largest_growth());
      before = got;
    }
  }
}

TEST(TcqScale, NothingRisesAboveFourTimesTheMedian) {
  std::vector<float> scales(999, 0.5f);
  for (std::size_t i = 0; i < 20; ++i) scales[i * 7] = i % 2 == 0 ? 80.0f : 3e38f;
  for (const std::uint8_t bytes : {std::uint8_t{1}, std::uint8_t{2}}) {
    const ScaleCoder coder = ScaleCoder::fit(scales, bytes);
    EXPECT_EQ(coder.highest(), 2.0);
    EXPECT_NEAR(written(coder, 80.0f, bytes), 2.0f, 0.01f);
    EXPECT_NEAR(written(coder, 3e38f, bytes), 2.0f, 0.01f);
    EXPECT_NEAR(written(coder, 0.5f, bytes), 0.5f, 0.01f);
  }
}

TEST(TcqScale, ZeroStaysZero) {
  for (const std::uint8_t bytes : {std::uint8_t{1}, std::uint8_t{2}}) {
    const std::vector<float> zeros(10, 0.0f);
    EXPECT_EQ(written(ScaleCoder::fit(zeros, bytes), 0.0f, bytes), 0.0f);
    EXPECT_EQ(written(ScaleCoder::fit({}, bytes), 0.0f, bytes), 0.0f);
    EXPECT_EQ(written(ScaleCoder::fit(some_scales(100, 0.2), bytes), 0.0f, bytes), 0.0f);
  }
}

TEST(TcqScale, OneValueNeedsNoGrid) {
  const std::vector<float> same(5, 1.25f);
  const ScaleCoder coder = ScaleCoder::fit(same, 1);
  EXPECT_EQ(coder.ratio(), 1.0);
  EXPECT_EQ(written(coder, 1.25f, 1), 1.25f);
  EXPECT_EQ(scale_grid(1.25, 1.0)[255], 1.25f);
  EXPECT_EQ(scale_grid(1.25, 1.0)[0], 0.0f);
}

}  // namespace
}  // namespace attar::vector::tcq
