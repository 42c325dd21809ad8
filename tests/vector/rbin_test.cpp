#include "vector/rbin/kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace attar::vector::rbin {
namespace {

std::vector<float> normals(std::size_t count, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

// Mean squared error of the signs alone for a unit Gaussian, u = 1 … 8 (spec.md).
TEST(Rbin, ScalesLeaveTheStatedError) {
  const auto row = normals(40'000, 3);
  const double expected[] = {0.3634, 0.1175, 0.0370, 0.01152};
  double before = 1;
  for (std::size_t planes = 1; planes <= max_planes; ++planes) {
    std::vector<float> scales(planes), values(row.size());
    gaussian_scales(scales);
    std::vector<std::uint8_t> nibbles(planes * plane_groups(row.size()));
    (void)encode_signs(row, scales, nibbles);
    decode_signs(nibbles, scales, values);
    double error = 0;
    for (std::size_t j = 0; j < row.size(); ++j)
      error += std::pow(static_cast<double>(row[j]) - static_cast<double>(values[j]), 2);
    error /= static_cast<double>(row.size());
    if (planes <= 4) {
      EXPECT_NEAR(error, expected[planes - 1], 0.04 * expected[planes - 1]) << planes;
    }
    EXPECT_LT(error, 0.37 * before) << planes;
    before = error;
  }
}

TEST(Rbin, TheWeightMakesTheInnerProductWithItselfExact) {
  for (const std::size_t dims : {1u, 7u, 64u, 100u}) {
    const auto row = normals(dims, dims);
    std::vector<float> scales(3), values(dims);
    gaussian_scales(scales);
    std::vector<std::uint8_t> nibbles(3 * plane_groups(dims));
    const auto weight = static_cast<double>(encode_signs(row, scales, nibbles));
    decode_signs(nibbles, scales, values);
    double own = 0, coded = 0;
    for (std::size_t j = 0; j < dims; ++j) {
      own += static_cast<double>(row[j]) * static_cast<double>(row[j]);
      coded += static_cast<double>(row[j]) * static_cast<double>(values[j]);
    }
    EXPECT_NEAR(weight * coded, own, 1e-5 * own) << dims;
  }
}

TEST(Rbin, AZeroRowWeighsNothing) {
  const std::vector<float> row(12, 0.0f), scales = {1.0f};
  std::vector<std::uint8_t> nibbles(plane_groups(12), 15);
  EXPECT_EQ(encode_signs(row, scales, nibbles), 0.0f);
}

TEST(Rbin, TablesAddUpToTheInnerProduct) {
  for (const std::size_t dims : {1u, 5u, 8u, 33u, 100u}) {
    const auto row = normals(dims, dims), query = normals(dims, dims + 1);
    std::vector<float> scales(2), values(dims);
    gaussian_scales(scales);
    const std::size_t groups = 2 * plane_groups(dims);
    ASSERT_EQ(groups % 4, 0u);
    std::vector<std::uint8_t> nibbles(groups);
    (void)encode_signs(row, scales, nibbles);
    decode_signs(nibbles, scales, values);
    std::vector<float> tables(groups * 16);
    fill_tables(query, scales, tables);
    double sum = 0, expected = 0;
    for (std::size_t g = 0; g < groups; ++g) sum += static_cast<double>(tables[g * 16 + nibbles[g]]);
    for (std::size_t j = 0; j < dims; ++j) expected += static_cast<double>(query[j]) * static_cast<double>(values[j]);
    EXPECT_NEAR(sum, expected, 1e-4) << dims;
  }
}

}  // namespace
}  // namespace attar::vector::rbin
