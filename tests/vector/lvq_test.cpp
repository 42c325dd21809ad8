#include "vector/lvq/kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/half.h"
#include "base/random.h"

namespace attar::vector::lvq {
namespace {

std::vector<float> normals(std::size_t count, base::Random& random, double scale) {
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(scale * random.normal());
  return out;
}

TEST(Lvq, TheRangeHoldsTheRow) {
  base::Random random(1);
  for (const double scale : {1e-9, 1e-5, 0.1, 1.0, 1000.0, 60000.0}) {
    const auto row = normals(50, random, scale);
    const RowRange range = range_of(row);
    const auto [low, high] = std::minmax_element(row.begin(), row.end());
    EXPECT_LE(base::half_to_float(range.low), std::max(*low, -65504.0f));
    EXPECT_GE(base::half_to_float(range.high), std::min(*high, 65504.0f));
  }
}

TEST(Lvq, CodesAreWithinHalfAStepOfTheRow) {
  base::Random random(2);
  for (const Levels levels :
       {Levels{2, 0}, Levels{4, 0}, Levels{8, 0}, Levels{2, 4}, Levels{4, 4}, Levels{8, 4}, Levels{8, 8}}) {
    const auto row = normals(200, random, 0.3);
    const RowRange range = range_of(row);
    const RowTerms terms = terms_of(levels, range);
    std::vector<Codes> codes(row.size());
    quantize(levels, range, row, codes);
    for (std::size_t j = 0; j < row.size(); ++j) {
      ASSERT_LT(codes[j].first, 1 << levels.first);
      ASSERT_LT(codes[j].second, 1 << levels.second);
      const double value = terms.weight * (levels.split() * codes[j].first + codes[j].second) + terms.offset;
      ASSERT_NEAR(value, static_cast<double>(row[j]), 0.5 * terms.weight * (1 + 1e-9));
    }
  }
}

TEST(Lvq, AConstantRowIsItself) {
  for (const Levels levels : {Levels{8, 0}, Levels{4, 8}}) {
    const std::vector<float> row(9, 0.25f);
    const RowRange range = range_of(row);
    std::vector<Codes> codes(row.size());
    quantize(levels, range, row, codes);
    const RowTerms terms = terms_of(levels, range);
    EXPECT_EQ(terms.weight * (levels.split() * codes[0].first + codes[0].second) + terms.offset, 0.25);
  }
}

TEST(Lvq, ColumnsAreTheCodes) {
  base::Random random(3);
  for (const Levels levels : {Levels{2, 0}, Levels{4, 0}, Levels{8, 0}, Levels{2, 4}, Levels{4, 8}, Levels{8, 4}})
    for (const std::size_t rows : {std::size_t{1}, std::size_t{13}, std::size_t{32}}) {
      constexpr std::size_t dims = 71;
      std::vector<std::byte> block(rows * (levels.first_bytes(dims) + levels.second_bytes(dims)));
      for (std::byte& value : block) value = static_cast<std::byte>(random.next());
      const auto code = [&](std::size_t start, unsigned bits, std::size_t row, std::size_t j) {
        const auto byte = std::to_integer<unsigned>(block[start + j * bits / 8 * rows + row]);
        return (byte >> (j * bits % 8)) & ((1u << bits) - 1);
      };
      float whole[slab_components * block_rows], one[slab_components * block_rows];
      for (const auto& [first, count] :
           {std::pair{std::size_t{0}, std::size_t{64}}, std::pair{std::size_t{64}, std::size_t{7}}}) {
        decode_columns(levels, dims, {block.data(), rows, 0, rows}, first, count, whole);
        for (std::size_t row = 0; row < rows; ++row) {
          decode_columns(levels, dims, {block.data(), rows, row, 1}, first, count, one);
          for (std::size_t j = 0; j < count; ++j) {
            unsigned value = static_cast<unsigned>(levels.split()) * code(0, levels.first, row, first + j);
            if (levels.second != 0) value += code(levels.first_bytes(dims) * rows, levels.second, row, first + j);
            ASSERT_EQ(whole[j * block_rows + row], static_cast<float>(value));
            ASSERT_EQ(one[j * block_rows], static_cast<float>(value));
          }
        }
      }
    }
}

}  // namespace
}  // namespace attar::vector::lvq
