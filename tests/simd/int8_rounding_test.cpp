#include "simd/int8_rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "simd/lanes.h"

namespace attar::simd {
namespace {

TEST(Int8Rounding, ValuesComeBackWithinHalfAStepAndTheRestFiner) {
  base::Random random(4);
  for (const std::size_t count : {1u, 15u, 16u, 17u, 384u}) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(3 * random.normal());
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::fabs(value));
    std::vector<std::int8_t> coarse(count), rest(count);
    const auto [factor, step] = round_int8(values, coarse.data());
    EXPECT_EQ(factor, largest_int8 / largest);
    EXPECT_EQ(step, largest / largest_int8);
    round_int8_rest(values, factor, coarse.data(), rest.data());
    EXPECT_EQ(sum_int8(coarse), std::accumulate(coarse.begin(), coarse.end(), 0));
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(step * static_cast<float>(coarse[i]), values[i], 0.501f * step);
      EXPECT_NEAR(step * (static_cast<float>(coarse[i]) + static_cast<float>(rest[i]) / finer_int8), values[i],
                  0.51f * step / finer_int8);
      EXPECT_GE(coarse[i], -127);
    }
  }
}

TEST(Int8Rounding, NothingAndNextToNothingStayZero) {
  for (const float value : {0.0f, -0.0f, std::numeric_limits<float>::denorm_min()}) {
    std::vector<std::int8_t> out(2, 7);
    const auto [factor, unit] = round_int8(std::vector{value, -value}, out.data());
    EXPECT_EQ(factor, 0.0f);
    EXPECT_EQ(unit, 0.0f);
    EXPECT_EQ(out, std::vector<std::int8_t>(2));
  }
  EXPECT_EQ(round_int8({}, nullptr).factor, 0.0f);
}

TEST(Lanes, TheLargestIsFoundInAnyLane) {
  for (std::size_t place = 0; place < 3 * lanes; ++place) {
    std::vector<float> values(3 * lanes, -2.0f);
    values[place] = -1;
    EXPECT_EQ(largest_of(values.data(), values.size()), -1.0f);
  }
  EXPECT_EQ(whole_lanes(0), 0u);
  EXPECT_EQ(whole_lanes(1), lanes);
  EXPECT_EQ(whole_lanes(lanes), lanes);
}

}  // namespace
}  // namespace attar::simd
