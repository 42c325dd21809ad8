#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "vector/esq/kernel.h"

namespace attar::vector::esq {
namespace {

constexpr std::size_t some_rows = 9;

Shape random_shape(base::Random& random) {
  const auto components = static_cast<std::uint32_t>(1 + random.below(random.below(4) == 0 ? 900 : 300));
  const auto all = static_cast<std::uint32_t>(base::ceil_div(components, 4));
  const std::uint32_t most = std::min<std::uint32_t>(all, most_walk_bytes - 2);
  const auto walk = static_cast<std::uint32_t>(random.below(3) == 0 ? most : 1 + random.below(most));
  std::vector<std::uint8_t> widths(Shape::count_groups(components, walk));
  for (auto& bits : widths) bits = static_cast<std::uint8_t>(2 + 2 * random.below(4));
  return {components, walk, widths};
}

std::vector<std::byte> random_bytes(base::Random& random, std::size_t count) {
  std::vector<std::byte> out(count);
  for (auto& b : out) b = static_cast<std::byte>(random.below(256));
  return out;
}

TEST(EsqKernel, GroupsFillTheirPlanesWithoutGaps) {
  base::Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const Shape shape = random_shape(random);
    std::uint32_t components = 0, walk = 0, finish = 0;
    for (const Group& group : shape.groups) {
      EXPECT_EQ(group.first, components);
      components += static_cast<std::uint32_t>(group.components());
      EXPECT_EQ(group.place, group.walked ? walk : finish);
      (group.walked ? walk : finish) += group.quarter;
      EXPECT_EQ(group.rest, finish);
      finish += group.rest_bytes();
    }
    EXPECT_EQ(components, base::round_up(shape.components, 4));
    EXPECT_EQ(walk, shape.walk_codes);
    EXPECT_EQ(finish, shape.finish_codes);
  }
}

TEST(EsqKernel, QuantizesToTheNearestCellItKnows) {
  for (const unsigned bits : {2u, 4u, 6u, 8u}) {
    const float reach[] = {1, 2, 2, 3};
    const float levels = static_cast<float>(1u << (bits - 2));
    for (float u = -6; u < 6; u += 0.0137f) {
      const Code code = quantize(u, bits);
      const float value = static_cast<float>(value_of(code, bits)) / unit;
      EXPECT_EQ(value < 0, u < 0);
      EXPECT_LE(std::abs(value_of(code, bits)), largest_value(bits));
      const float size = std::fabs(u), far = reach[bits / 2 - 1];
      if (size < 1) {
        EXPECT_LE(std::fabs(value - u), 0.5f / levels + 1e-6f);
      } else if (size < 1 + far) {
        EXPECT_LE(std::fabs(value - u), 0.5f * far / levels + 1e-5f);
      }
      const int crumb = std::clamp(static_cast<int>(std::floor(u)) + 2, 0, 3);
      EXPECT_EQ(code.crumb, crumb) << u;
      EXPECT_EQ(quantize(u, 2).crumb, crumb);
    }
    EXPECT_EQ(value_of(quantize(1e30f, bits), bits), largest_value(bits));
    EXPECT_EQ(value_of(quantize(-1e30f, bits), bits), -largest_value(bits));
    EXPECT_LE(quantize(NAN, bits).rest, levels - 1);
  }
}

TEST(EsqKernel, WhatIsPutIsRead) {
  base::Random random(2);
  for (int trial = 0; trial < 50; ++trial) {
    const Shape shape = random_shape(random);
    std::vector<std::byte> walk(shape.walk_codes), finish(shape.finish_codes);
    std::vector<std::vector<Code>> all;
    for (const Group& group : shape.groups) {
      std::vector<Code>& codes = all.emplace_back(group.components());
      for (Code& code : codes)
        code = {.crumb = static_cast<std::uint8_t>(random.below(4)),
                .rest = static_cast<std::uint8_t>(random.below(1u << (group.bits - 2)))};
      put_group(group, codes, walk.data(), finish.data());
    }
    for (std::size_t g = 0; g < shape.groups.size(); ++g)
      for (std::size_t i = 0; i < all[g].size(); ++i) {
        const Code code = code_at(shape.groups[g], {walk.data(), finish.data()}, i);
        ASSERT_EQ(code.crumb, all[g][i].crumb);
        ASSERT_EQ(code.rest, all[g][i].rest);
      }
  }
}

TEST(EsqKernel, ScalesAreUnsignedFloats) {
  EXPECT_EQ(scale_from(0), 0.0f);
  EXPECT_EQ(scale_from(1), 0x1p-25f);
  EXPECT_EQ(scale_from(15u << 11), 1.0f);
  EXPECT_EQ(scale_from(0xffff), 131072.0f - 32.0f);
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    ASSERT_EQ(scale_to_bits(static_cast<double>(scale_from(half))), half);
    if (bits == 0) continue;
    const double before = static_cast<double>(scale_from(static_cast<std::uint16_t>(bits - 1)));
    const double here = static_cast<double>(scale_from(half));
    ASSERT_LT(before, here);
    ASSERT_EQ(scale_to_bits(before + 0.51 * (here - before)), half);
    ASSERT_EQ(scale_to_bits(before + 0.49 * (here - before)), bits - 1);
  }
  EXPECT_EQ(scale_to_bits(1e300), 0xffff);
  EXPECT_EQ(scale_to_bits(NAN), 0xffff);
}

WalkQuery random_walk(const Shape& shape, base::Random& random) {
  WalkQuery out;
  out.loads = base::ceil_div(shape.walk_codes, WalkQuery::load_bytes);
  const bool extreme = random.below(2) == 0;
  for (std::size_t byte = 0; byte < shape.walk_codes; ++byte)
    for (std::size_t t = 0; t < 4; ++t)
      out.values[WalkQuery::value_place(byte, t)] =
          static_cast<std::int8_t>(extreme ? 127 : static_cast<int>(random.below(255)) - 127);
  for (auto& weight : out.weights) weight = static_cast<std::int16_t>(extreme ? 128 : 1 << random.below(8));
  out.constant = static_cast<std::int32_t>(random.below(1 << 24)) - (1 << 23);
  return out;
}

TEST(EsqKernel, WalksAreTheSameOnEveryLevel) {
  base::Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const Shape shape = random_shape(random);
    const WalkQuery query = random_walk(shape, random);
    const std::vector<std::byte> codes = random_bytes(random, some_rows * shape.walk_codes + overread_bytes);
    const std::byte* rows[some_rows];
    for (std::size_t i = 0; i < some_rows; ++i) rows[i] = codes.data() + random.below(some_rows) * shape.walk_codes;
    std::int32_t expected[some_rows], sums[some_rows];
    const std::size_t count = 1 + random.below(some_rows);
    kernel_for(simd::Level::scalar).walk(query, rows, count, expected);
    kernel_for(simd::best_level()).walk(query, rows, count, sums);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(sums[i], expected[i]);
  }
}

TEST(EsqKernel, FinishesAreTheSameOnEveryLevel) {
  base::Random random(4);
  for (int trial = 0; trial < 300; ++trial) {
    const Shape shape = random_shape(random);
    std::vector<std::int16_t> values(shape.groups.size() * largest_group);
    for (std::size_t g = 0; g < shape.groups.size(); ++g)
      for (std::size_t t = 0; t < 4; ++t)
        for (std::size_t i = 0; i < shape.groups[g].quarter; ++i)
          values[g * largest_group + finish_place(t, i)] = static_cast<std::int16_t>(random.below(4000)) - 2000;
    const std::vector<std::byte> walks = random_bytes(random, some_rows * shape.walk_codes + overread_bytes);
    const std::vector<std::byte> finishes = random_bytes(random, some_rows * shape.finish_codes + overread_bytes);
    Place rows[some_rows];
    for (auto& row : rows)
      row = {walks.data() + random.below(some_rows) * shape.walk_codes,
             finishes.data() + random.below(some_rows) * shape.finish_codes};
    std::int32_t expected[some_rows], sums[some_rows];
    kernel_for(simd::Level::scalar).finish({shape.groups, values.data()}, rows, some_rows, expected);
    kernel_for(simd::best_level()).finish({shape.groups, values.data()}, rows, some_rows, sums);
    for (std::size_t i = 0; i < some_rows; ++i) ASSERT_EQ(sums[i], expected[i]);
  }
}

}  // namespace
}  // namespace attar::vector::esq
