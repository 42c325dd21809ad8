// Kernels against the plain sums that they stand for, at every level and at sizes that no kernel likes.
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "nn/byte_tile.h"
#include "nn/float_tile.h"
#include "nn/nibble_tile.h"

namespace attar::nn {
namespace {

std::vector<float> normals(std::size_t count, base::Random& random) {
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

TEST(FloatTile, EveryLevelGivesTheBitsOfTheScalarOne) {
  base::Random random(11);
  for (const auto& [rows, depth, columns] : {std::tuple{1u, 1u, 1u},
                                             {2u, 3u, 15u},
                                             {5u, 7u, 16u},
                                             {6u, 64u, 17u},
                                             {7u, 33u, 33u},
                                             {13u, 20u, 48u},
                                             {11u, 5u, 63u},
                                             {24u, 100u, 64u}}) {
    const std::size_t a_stride = depth + 3, b_stride = 70, out_stride = columns + 2;
    const auto a = normals(rows * a_stride, random), b = normals(depth * b_stride + panel_columns, random);
    const auto start = normals(panel_columns, random), before = normals(rows * out_stride, random);
    for (const int mode : {0, 1, 2}) {
      FloatTile task{.a = a.data(),
                     .rows = rows,
                     .a_stride = a_stride,
                     .b = b.data(),
                     .b_stride = b_stride,
                     .depth = depth,
                     .columns = columns,
                     .out_stride = out_stride,
                     .start = mode == 1 ? start.data() : nullptr,
                     .add = mode == 2};
      for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
        auto out = before;
        task.out = out.data();
        float_tile_kernel(static_cast<simd::Level>(level))(task);
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t j = 0; j < out_stride; ++j) {
            const std::size_t at = i * out_stride + j;
            float expected = mode == 0 ? 0.0f : mode == 1 ? start[j % panel_columns] : before[at];
            for (std::size_t k = 0; k < depth && j < columns; ++k)
              expected = std::fma(a[i * a_stride + k], b[k * b_stride + j], expected);
            if (j >= columns) expected = before[at];  // what lies beside is another's
            ASSERT_EQ(out[at], expected) << level << " " << rows << "x" << depth << "x" << columns << " " << mode;
          }
      }
    }
  }
}

struct Bytes {
  std::vector<std::uint8_t> rows;
  std::vector<std::int8_t> panel;
  std::vector<std::int32_t> column_sums;
};

Bytes bytes(std::size_t count, std::size_t fours, base::Random& random) {
  Bytes out;
  for (std::size_t i = 0; i < count * 4 * fours; ++i) out.rows.push_back(static_cast<std::uint8_t>(random.below(256)));
  for (std::size_t i = 0; i < fours * 4 * panel_columns; ++i)
    out.panel.push_back(static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127));
  return out;
}

void sum_columns(Bytes& of) {
  of.column_sums.assign(panel_columns, 0);
  for (std::size_t i = 0; i < of.panel.size(); ++i) of.column_sums[i / 4 % panel_columns] += of.panel[i];
}

void expect_exact(const Bytes& of, std::size_t count, std::size_t fours) {
  for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
    std::vector<std::int32_t> sums(count * panel_columns, 5);
    for (const bool add : {false, true})
      byte_tile_kernel(static_cast<simd::Level>(level))({.rows = of.rows.data(),
                                                         .count = count,
                                                         .stride = 4 * fours,
                                                         .panel = of.panel.data(),
                                                         .column_sums = of.column_sums.data(),
                                                         .fours = fours,
                                                         .sums = sums.data(),
                                                         .add = add});
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < panel_columns; ++j) {
        std::int64_t expected = 0;
        for (std::size_t k = 0; k < 4 * fours; ++k)
          expected += of.rows[i * 4 * fours + k] * of.panel[(k / 4 * panel_columns + j) * 4 + k % 4];
        ASSERT_EQ(sums[i * panel_columns + j], 2 * expected) << simd::level_name(static_cast<simd::Level>(level));
      }
  }
}

TEST(ByteTile, EveryLevelIsExact) {
  base::Random random(12);
  for (const auto& [count, fours] :
       {std::tuple{1u, 1u}, {2u, 3u}, {3u, 17u}, {5u, 32u}, {6u, 96u}, {7u, 5u}, {17u, 128u}, {23u, 11u}}) {
    Bytes some = bytes(count, fours, random);
    sum_columns(some);
    expect_exact(some, count, fours);
  }
}

TEST(ByteTile, ExtremesDoNotSaturate) {
  for (const int row : {0, 1, 127, 128, 129, 255})
    for (const int weight : {-127, 127}) {
      Bytes all;
      all.rows.assign(7 * 4 * 128, static_cast<std::uint8_t>(row));
      all.panel.assign(128 * 4 * panel_columns, static_cast<std::int8_t>(weight));
      sum_columns(all);
      expect_exact(all, 7, 128);
    }
}

struct Nibbles {
  std::vector<std::uint8_t> rows;
  std::vector<std::int32_t> starts;
  std::vector<std::byte> panel;
};

// Rows and codes of all values, or the one given; scales of many sizes.
Nibbles nibbles(std::size_t count, std::size_t groups, base::Random& random, int row = -1, int code = -1) {
  Nibbles out;
  for (std::size_t i = 0; i < count * groups; ++i) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < group_inputs; ++k) {
      out.rows.push_back(static_cast<std::uint8_t>(row < 0 ? static_cast<int>(random.below(256)) : row));
      sum += out.rows.back();
    }
    out.starts.push_back(-nibble_zero * sum);
  }
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t j = 0; j < panel_columns; ++j) {
      const auto scale = base::float_to_bf16(static_cast<float>(random.normal() * std::exp2(random.normal() * 4)));
      out.panel.push_back(static_cast<std::byte>(scale & 255));
      out.panel.push_back(static_cast<std::byte>(scale >> 8));
    }
    for (std::size_t i = 0; i < group_bytes - group_scale_bytes; ++i)
      out.panel.push_back(static_cast<std::byte>(code < 0 ? static_cast<int>(random.below(256)) : 17 * code));
  }
  return out;
}

void expect_the_bits_of_the_scalar_one(const Nibbles& of, std::size_t count, std::size_t groups) {
  std::vector<float> expected;
  for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
    std::vector<float> sums(count * panel_columns, 5.0f);
    nibble_tile_kernel(static_cast<simd::Level>(level))({.rows = of.rows.data(),
                                                         .count = count,
                                                         .starts = of.starts.data(),
                                                         .panel = of.panel.data(),
                                                         .groups = groups,
                                                         .sums = sums.data()});
    if (level == 0) expected = sums;
    ASSERT_EQ(sums, expected) << simd::level_name(static_cast<simd::Level>(level)) << " " << count << " " << groups;
  }
}

TEST(NibbleTile, EveryLevelGivesTheBitsOfTheScalarOne) {
  base::Random random(13);
  for (const auto& [count, groups] :
       {std::tuple{1u, 1u}, {2u, 3u}, {3u, 17u}, {4u, 2u}, {5u, 12u}, {6u, 48u}, {7u, 5u}, {17u, 4u}, {23u, 11u}})
    expect_the_bits_of_the_scalar_one(nibbles(count, groups, random), count, groups);
}

TEST(NibbleTile, ExtremesDoNotSaturate) {
  base::Random random(14);
  for (const int row : {0, 1, 128, 255})
    for (const int code : {0, 8, 15}) expect_the_bits_of_the_scalar_one(nibbles(7, 3, random, row, code), 7, 3);
}

TEST(NibbleTile, FollowsItsFormula) {
  base::Random random(15);
  const Nibbles of = nibbles(1, 2, random);
  std::vector<float> sums(panel_columns);
  detail::nibble_tile_scalar({.rows = of.rows.data(),
                              .count = 1,
                              .starts = of.starts.data(),
                              .panel = of.panel.data(),
                              .groups = 2,
                              .sums = sums.data()});
  for (std::size_t j = 0; j < panel_columns; ++j) {
    double expected = 0, size = 0;
    for (std::size_t g = 0; g < 2; ++g) {
      const std::byte* group = of.panel.data() + g * group_bytes;
      const float scale = base::bf16_to_float(static_cast<std::uint16_t>(
          std::to_integer<unsigned>(group[2 * j]) | std::to_integer<unsigned>(group[2 * j + 1]) << 8));
      for (std::size_t k = 0; k < group_inputs; ++k) {
        // Pairs of fours: the first in the low halves of the bytes.
        const auto byte = std::to_integer<int>(group[group_scale_bytes + (k / 8 * panel_columns + j) * 4 + k % 4]);
        const int code = k / 4 % 2 == 0 ? byte % 16 : byte / 16;
        expected += double{scale} * of.rows[g * group_inputs + k] * (code - 8);
        size += std::fabs(double{scale} * of.rows[g * group_inputs + k] * (code - 8));
      }
    }
    EXPECT_NEAR(sums[j], expected, 1e-6 * size);
  }
}

}  // namespace
}  // namespace attar::nn
