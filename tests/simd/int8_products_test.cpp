#include "simd/int8_products.h"
#include "simd/int8_rows.h"

#include <gtest/gtest.h>

#include <numeric>
#include <tuple>
#include <vector>

#include "base/random.h"

namespace attar::simd {
namespace {

std::vector<std::int8_t> bytes(std::size_t count, int lowest, base::Random& random) {
  std::vector<std::int8_t> out(count);
  for (auto& value : out)
    value = static_cast<std::int8_t>(lowest + static_cast<int>(random.below(static_cast<std::uint64_t>(128 - lowest))));
  return out;
}

std::vector<std::int32_t> sums_of(const std::vector<std::int8_t>& queries, std::size_t dims) {
  std::vector<std::int32_t> out;
  for (auto from = queries.begin(); from != queries.end(); from += static_cast<std::ptrdiff_t>(dims))
    out.push_back(std::accumulate(from, from + static_cast<std::ptrdiff_t>(dims), 0));
  return out;
}

TEST(Int8Products, EveryLevelIsExact) {
  base::Random random(3);
  for (const auto& [count, queries, dims] : {std::tuple{1u, 1u, 1u},
                                             {7u, 3u, 31u},
                                             {4u, 4u, 64u},
                                             {9u, 5u, 65u},
                                             {13u, 9u, 384u},
                                             {6u, 17u, 100u},
                                             {0u, 4u, 8u},
                                             {4u, 0u, 8u}}) {
    const auto rows = bytes(std::size_t{count} * dims, -128, random);
    const auto asked = bytes(std::size_t{queries} * dims, -127, random);
    const auto sums = sums_of(asked, dims);
    for (int level = 0; level <= static_cast<int>(best_level()); ++level) {
      std::vector<std::int32_t> out(std::size_t{count} * queries, 7);
      int8_products({.rows = rows.data(),
                     .count = count,
                     .queries = asked.data(),
                     .query_sums = sums.data(),
                     .query_count = queries,
                     .dims = dims,
                     .out = out.data()},
                    static_cast<Level>(level));
      for (std::size_t q = 0; q < queries; ++q)
        for (std::size_t i = 0; i < count; ++i) {
          std::int32_t expected = 0;
          for (std::size_t j = 0; j < dims; ++j) expected += rows[i * dims + j] * asked[q * dims + j];
          ASSERT_EQ(out[q * count + i], expected) << level_name(static_cast<Level>(level)) << " " << dims;
        }
      // Some of the queries, backwards.
      std::vector<std::uint16_t> which;
      for (std::size_t q = queries; q-- > 0; q -= std::min<std::size_t>(q, 1))
        which.push_back(static_cast<std::uint16_t>(q));
      std::vector<std::int32_t> some(std::size_t{count} * which.size(), 7);
      int8_products({.rows = rows.data(),
                     .count = count,
                     .queries = asked.data(),
                     .query_sums = sums.data(),
                     .query_count = which.size(),
                     .which = which.data(),
                     .dims = dims,
                     .out = some.data()},
                    static_cast<Level>(level));
      for (std::size_t place = 0; place < which.size(); ++place)
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(some[place * count + i], out[which[place] * count + i]) << level_name(static_cast<Level>(level));
    }
  }
}

TEST(Int8Rows, EveryLevelIsExactInAnyRange) {
  base::Random random(9);
  for (const auto& [count, queries, dims] :
       {std::tuple{1u, 1u, 1u}, {16u, 6u, 4u}, {70u, 1u, 31u}, {33u, 9u, 65u}, {150u, 17u, 100u}, {64u, 13u, 384u}}) {
    const auto rows = bytes(std::size_t{count} * dims, -128, random);
    const auto asked = bytes(std::size_t{queries} * dims, -127, random);
    const auto sums = sums_of(asked, dims);
    for (int level = 0; level <= static_cast<int>(best_level()); ++level) {
      const Int8Rows packed(rows, dims, static_cast<Level>(level));
      for (std::size_t first = 0; first < count; first += 32)
        for (const std::size_t last : {std::size_t{count}, std::min<std::size_t>(count, first + 5)}) {
          const std::size_t some = last - first;
          std::vector<std::int32_t> out(some * queries + 1, 7);
          packed.multiply(first, some, asked.data(), sums, out.data());
          EXPECT_EQ(out.back(), 7);
          for (std::size_t q = 0; q < queries; ++q)
            for (std::size_t i = 0; i < some; ++i) {
              std::int32_t expected = 0;
              for (std::size_t j = 0; j < dims; ++j) expected += rows[(first + i) * dims + j] * asked[q * dims + j];
              ASSERT_EQ(out[q * some + i], expected) << level_name(static_cast<Level>(level)) << " " << dims;
            }
        }
    }
  }
}

TEST(Int8Products, ExtremesDoNotSaturate) {
  const std::vector<std::int8_t> rows(256, -128), asked(256, -127);
  const std::int32_t sum = -127 * 256;
  for (int level = 0; level <= static_cast<int>(best_level()); ++level) {
    std::int32_t out = 0;
    int8_products({.rows = rows.data(),
                   .count = 1,
                   .queries = asked.data(),
                   .query_sums = &sum,
                   .query_count = 1,
                   .dims = 256,
                   .out = &out},
                  static_cast<Level>(level));
    EXPECT_EQ(out, 128 * 127 * 256);
  }
}

}  // namespace
}  // namespace attar::simd
