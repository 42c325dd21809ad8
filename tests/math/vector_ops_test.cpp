#include "math/vector_ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace attar::math {
namespace {

std::vector<float> normals(std::size_t count, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

TEST(VectorOps, SumsMatchLongDoubleAtEveryLength) {
  for (std::size_t length = 0; length <= 70; ++length) {
    const auto a = normals(length, length + 1);
    const auto b = normals(length, length + 1000);
    long double product = 0, distance = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const long double x = a[i], y = b[i];
      product += x * y;
      distance += (x - y) * (x - y);
    }
    EXPECT_NEAR(dot(a, b), static_cast<double>(product), 1e-13) << length;
    EXPECT_NEAR(squared_distance(a, b), static_cast<double>(distance), 1e-13) << length;
  }
}

TEST(VectorOps, NormalisedRowsHaveNormOne) {
  constexpr std::uint32_t dims = 37;
  auto rows = normals(20 * dims, 5);
  for (std::size_t i = 0; i < dims; ++i) rows[i] *= 1e-30f;
  for (std::size_t i = dims; i < 2 * dims; ++i) rows[i] *= 1e30f;
  EXPECT_FALSE(normalise_rows(rows, dims).has_value());
  for (std::size_t row = 0; row < 20; ++row)
    EXPECT_NEAR(squared_norm(std::span(rows).subspan(row * dims, dims)), 1, 1e-6) << row;
}

TEST(VectorOps, NormalisingNamesTheFirstRowWithoutADirection) {
  std::vector<float> rows{3, 4, 0, 0, 1, 0, std::numeric_limits<float>::infinity(), 1};
  ASSERT_EQ(normalise_rows(rows, 2), 1u);
  EXPECT_EQ(rows[0], 0.6f);
  EXPECT_EQ(rows[2], 0.0f);
  std::vector<float> bad{1, 0, std::numeric_limits<float>::quiet_NaN(), 1};
  EXPECT_EQ(normalise_rows(bad, 2), 1u);
}

}  // namespace
}  // namespace attar::math
