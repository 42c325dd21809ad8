#include "vector/tcq/allocation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "vector/tcq_samples.h"

namespace attar::vector::tcq {
namespace {

std::vector<double> random_variances(std::size_t count, base::Random& random) {
  std::vector<double> out(count);
  for (double& variance : out) variance = std::exp(2 * random.normal());
  std::sort(out.rbegin(), out.rend());
  return out;
}

// Σ variance · D_b by the definition.
double distortion_of(const Shape& shape, const std::vector<double>& variances) {
  double total = 0;
  std::size_t at = 0;
  for (std::size_t r = 0; r < shape.run_count; ++r)
    for (std::uint32_t i = 0; i < shape.runs[r].components() && at < variances.size(); ++i)
      total += variances[at++] * level_table(shape.trellis, shape.runs[r].bits).distortion;
  for (; at < variances.size(); ++at) total += variances[at];
  return total;
}

void expect_sound(const Allocation& got, const std::vector<double>& variances, std::uint32_t row_bytes) {
  EXPECT_LE(got.shape.row_bytes(), row_bytes);
  EXPECT_LT(got.shape.components(), variances.size() + 64) << "a model with more padding cannot be read";
  for (std::size_t r = 0; r < got.shape.run_count; ++r) {
    EXPECT_GT(got.shape.runs[r].units, 0);
    EXPECT_LT(got.shape.runs[r].bits, r > 0 ? got.shape.runs[r - 1].bits : max_width + 1);
  }
  EXPECT_NEAR(got.distortion, distortion_of(got.shape, variances), 1e-9 * got.distortion);
}

// All ways to take units of falling widths, the last of which may pass the end.
double least_by_trial(const std::vector<double>& variances, std::uint32_t row_bytes, bool trellis, Shape shape = {},
                      int widest = max_width) {
  shape.trellis = trellis;
  double least = distortion_of(shape, variances);
  for (int bits = widest; bits >= 1; --bits) {
    Shape longer = shape;
    Run& run = longer.runs[longer.run_count++];
    run = {static_cast<std::uint8_t>(bits), 0};
    while (longer.components() < variances.size()) {
      ++run.units;
      if (longer.row_bytes() > row_bytes) break;
      least = std::min(least, least_by_trial(variances, row_bytes, trellis, longer, bits - 1));
    }
  }
  return least;
}

TEST(TcqAllocation, IsTheBestOfAllInSmallCases) {
  base::Random random(1);
  for (int trial = 0; trial < 60; ++trial) {
    const auto variances = random_variances(1 + random.below(48), random);
    const auto row_bytes = static_cast<std::uint32_t>(random.below(34));
    const bool trellis = trial % 2 == 0;
    const Allocation got = allocate(variances, row_bytes, trellis);
    expect_sound(got, variances, row_bytes);
    const double least = least_by_trial(variances, row_bytes, trellis);
    EXPECT_NEAR(got.distortion, least, 1e-9 * least) << variances.size() << " components, " << row_bytes << " bytes";
    EXPECT_EQ(got.shape.run_count > 0, row_bytes >= 5) << "one unit of five bits is the smallest";
  }
}

TEST(TcqAllocation, MoreBytesNeverMeanMoreDistortion) {
  base::Random random(2);
  for (const std::size_t dims : {64u, 100u, 384u}) {
    const auto variances = random_variances(dims, random);
    double before = std::numeric_limits<double>::infinity();
    const auto all = static_cast<std::uint32_t>(dims);
    for (std::uint32_t row_bytes = 0; row_bytes <= all + 70; row_bytes += 1 + all / 64) {
      const Allocation got = allocate(variances, row_bytes, true);
      expect_sound(got, variances, row_bytes);
      EXPECT_LE(got.distortion, before) << row_bytes << " bytes";
      before = got.distortion;
    }
  }
}

TEST(TcqAllocation, FollowsTheSpectrum) {
  // A flat one has nothing to prefer: at one width's exact cost all components get that width.
  const std::vector<double> flat(256, 2.0);
  for (int bits = 1; bits <= max_width; ++bits) {
    const Allocation got = allocate(flat, static_cast<std::uint32_t>(256 * bits / 8), true);
    EXPECT_NEAR(got.distortion, 512 * level_table(true, bits).distortion,
                1e-9 * got.distortion + 0.02 * got.distortion);
    EXPECT_EQ(got.shape.components(), 256u);
  }
  const Allocation steep = allocate(falling(256, 1e6), 64, true);
  EXPECT_GE(steep.shape.run_count, 4u);
  EXPECT_GE(steep.shape.runs[0].bits, 6);
  EXPECT_LT(steep.shape.components(), 256u) << "the end of this spectrum is worth no bits";
}

TEST(TcqAllocation, CodesDimensionsThatFillNoUnit) {
  for (const std::size_t dims : {1u, 7u, 9u, 63u, 65u, 100u, 383u})
    for (const std::uint32_t row_bytes : {8u, 24u, 100u, 400u}) {
      const auto variances = falling(dims, 100);
      expect_sound(allocate(variances, row_bytes, true), variances, row_bytes);
    }
}

TEST(TcqAllocation, OneProgrammeHoldsAllRates) {
  base::Random random(3);
  for (const std::size_t dims : {5u, 48u, 100u, 5001u}) {
    const auto variances = random_variances(dims, random);
    const std::uint32_t most = dims > 1000 ? 900 : 120;
    const Allocator all(variances, most, true);
    std::uint32_t before = 0;
    for (std::uint32_t row_bytes = 0; row_bytes <= most; row_bytes += dims > 1000 ? 60 : 1) {
      const Allocation one = all.at(row_bytes), other = allocate(variances, row_bytes, true);
      EXPECT_EQ(one.distortion, other.distortion);
      ASSERT_EQ(one.shape.run_count, other.shape.run_count);
      for (std::size_t r = 0; r < one.shape.run_count; ++r) {
        EXPECT_EQ(one.shape.runs[r].bits, other.shape.runs[r].bits);
        EXPECT_EQ(one.shape.runs[r].units, other.shape.runs[r].units);
      }
      EXPECT_GE(one.shape.row_bytes(), before);
      before = one.shape.row_bytes();
    }
  }
}

TEST(TcqAllocation, AllotsAUnitWhereOneFits) {
  for (const std::size_t dims : {1u, 4096u, 4097u, 12'289u}) {
    const auto least = static_cast<std::uint32_t>(5 * ((dims + 4095) / 4096));
    EXPECT_GT(allocate(falling(dims, 10), least, true).shape.run_count, 0u) << dims;
    EXPECT_EQ(allocate(falling(dims, 10), least - 1, true).shape.run_count, 0u) << dims;
  }
  EXPECT_EQ(allocate(std::vector<double>(20, 0.0), 20, true).shape.run_count, 0u) << "nothing to code";
}

// Beyond 4,096 dimensions units are handed out several at a time.
TEST(TcqAllocation, StaysSoundInManyDimensions) {
  for (const std::size_t dims : {4096u, 5001u, 16384u})
    for (const std::uint32_t row_bytes : {64u, 700u, 2500u}) {
      const auto variances = falling(dims, 50);
      const Allocation got = allocate(variances, row_bytes, true);
      expect_sound(got, variances, row_bytes);
      EXPECT_GT(got.shape.row_bytes(), row_bytes * 3 / 4);
    }
  // Eight at a time: 360 dimensions past sixty times eight units of one bit are worth six more, but not eight.
  const std::vector<double> flat(60 * 512 + 360, 1.0);
  const Allocation whole = allocate(flat, 61 * 64, true);
  expect_sound(whole, flat, 61 * 64);
  EXPECT_GE(whole.shape.components(), flat.size());
}

}  // namespace
}  // namespace attar::vector::tcq
