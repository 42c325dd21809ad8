#include "vector/common/fast_scan.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace attar::vector {
namespace {

std::vector<std::byte> random_codes(std::size_t groups, base::Random& random) {
  std::vector<std::byte> out(groups * group_bytes);
  for (std::byte& value : out) value = static_cast<std::byte>(random.next());
  return out;
}

// Straight from the layout's description.
std::uint32_t sum_of(const std::vector<std::byte>& codes, const std::vector<std::uint8_t>& tables, std::size_t groups,
                     std::size_t row) {
  std::uint32_t sum = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto pair = std::to_integer<unsigned>(codes[g * group_bytes + row % 16]);
    sum += tables[g * 16 + (row < 16 ? pair & 15 : pair >> 4)];
  }
  return sum;
}

TEST(FastScan, EveryLevelGivesTheSameIntegers) {
  base::Random random(5);
  for (const std::size_t groups : {2u, 4u, 6u, 34u, 126u, 384u, 510u, 512u, 514u, 1022u, 1024u, 1026u, 3000u}) {
    const auto codes = random_codes(groups, random);
    for (const bool extreme : {false, true}) {
      std::vector<std::uint8_t> tables(groups * 16, 255);
      if (!extreme)
        for (std::uint8_t& entry : tables) entry = static_cast<std::uint8_t>(random.next());
      for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
        std::uint32_t sums[32];
        fast_scan_for(static_cast<simd::Level>(level)).sum(codes.data(), tables.data(), groups, sums);
        for (std::size_t row = 0; row < 32; ++row)
          ASSERT_EQ(sums[row], sum_of(codes, tables, groups, row))
              << groups << " groups, level " << level << ", row " << row;
      }
    }
  }
}

TEST(FastScan, NothingBeyondTheLastGroupIsRead) {
  // Exact heap allocations: the address sanitizer sees a read past them.
  base::Random random(6);
  for (std::size_t groups = 2; groups <= 12; groups += 2) {
    const auto codes = random_codes(groups, random);
    const std::vector<std::uint8_t> tables(groups * 16, 1);
    for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
      std::uint32_t sums[32];
      fast_scan_for(static_cast<simd::Level>(level)).sum(codes.data(), tables.data(), groups, sums);
      for (const std::uint32_t sum : sums) ASSERT_EQ(sum, groups);
    }
  }
}

TEST(FastScan, LevelsFallBackToTheNextLower) {
  EXPECT_EQ(fast_scan_for(simd::Level::scalar).level, simd::Level::scalar);
  EXPECT_EQ(fast_scan_for(simd::Level::avx2).level, simd::Level::avx2);
  EXPECT_EQ(fast_scan_for(simd::Level::avx512_vnni).level, simd::Level::avx512);
}

}  // namespace
}  // namespace attar::vector
