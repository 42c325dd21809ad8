#include "base/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>

namespace attar::base {
namespace {

TEST(Half, EveryValueSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
      continue;
    }
    EXPECT_EQ(float_to_half(value), bits) << value;
  }
}

TEST(Half, AgreesWithTheCompilersConversionOnRoundingCases) {
  for (std::uint32_t bits = 0; bits < 0xffff0000u; bits += 9973) {
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    const auto expected = std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
    ASSERT_EQ(float_to_half(value), expected) << value;
  }
}

TEST(Bfloat, RoundsToTheNearestTiesToEven) {
  for (std::uint32_t upper = 0; upper < 0x10000u; upper += 7) {
    const auto value = bf16_to_float(static_cast<std::uint16_t>(upper));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(value))));
      continue;
    }
    EXPECT_EQ(float_to_bf16(value), upper);
    if (std::isinf(value)) continue;
    const auto beside = [&](std::uint32_t lower) { return float_to_bf16(std::bit_cast<float>(upper << 16 | lower)); };
    EXPECT_EQ(beside(0x7fffu), upper);
    EXPECT_EQ(beside(0x8000u), upper + upper % 2);
    EXPECT_EQ(beside(0x8001u), upper + 1);
  }
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(E4m3, EveryValueSurvivesTheRoundTrip) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const float value = e4m3_to_float(static_cast<std::uint8_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(float_to_e4m3(value), bits) << value;
  }
}

TEST(E4m3, RoundsToTheNearestValueAndSaturates) {
  EXPECT_EQ(e4m3_to_float(float_to_e4m3(1e9f)), 448.0f);
  EXPECT_EQ(e4m3_to_float(float_to_e4m3(-1e9f)), -448.0f);
  for (float value = -460; value < 460; value += 0.37f) {
    const float coded = e4m3_to_float(float_to_e4m3(value));
    for (unsigned bits = 0; bits < 256; ++bits) {
      const float other = e4m3_to_float(static_cast<std::uint8_t>(bits));
      if (!std::isnan(other)) {
        ASSERT_LE(std::fabs(coded - value), std::fabs(other - value)) << value;
      }
    }
  }
}

}  // namespace
}  // namespace attar::base
