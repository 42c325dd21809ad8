#include "certify/split.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "support.h"

namespace attar::certify {
namespace {

std::vector<std::uint32_t> sorted_members(const Split& split) {
  std::vector<std::uint32_t> all;
  for (const auto* part : {&split.train, &split.tune, &split.certify}) {
    const auto queries = members(*part);
    all.insert(all.end(), queries.begin(), queries.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::uint32_t> numbers(std::uint32_t count) {
  std::vector<std::uint32_t> out(count);
  for (std::uint32_t i = 0; i < count; ++i) out[i] = i;
  return out;
}

TEST(Split, SharesAreDisjointAndComplete) {
  base::ThreadPool pool(2);
  const auto queries = normal_rows(1500, 64, 1);  // at 64 dimensions no two are near-duplicates by chance
  const auto two = split_queries(queries, 64, {.seed = 7}, pool);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(sorted_members(*two), numbers(1500));
  EXPECT_TRUE(two->train.empty());
  EXPECT_EQ(two->tune.size(), 500u);
  EXPECT_EQ(two->certify.size(), 1000u);
  EXPECT_FALSE(two->sampled());

  const auto three = split_queries(queries, 64, {.seed = 7, .with_train = true}, pool);
  ASSERT_TRUE(three.has_value());
  EXPECT_EQ(sorted_members(*three), numbers(1500));
  EXPECT_EQ(three->train.size(), 600u);
  EXPECT_EQ(three->tune.size(), 300u);
  EXPECT_EQ(three->certify.size(), 600u);
}

TEST(Split, TheSeedDecidesAndThreadsDoNot) {
  base::ThreadPool one(1), four(4);
  const auto queries = normal_rows(1100, 16, 2);
  const auto a = split_queries(queries, 16, {.seed = 1}, one);
  const auto b = split_queries(queries, 16, {.seed = 1}, four);
  const auto c = split_queries(queries, 16, {.seed = 2}, one);
  EXPECT_EQ(a->certify, b->certify);
  EXPECT_EQ(a->tune, b->tune);
  EXPECT_NE(a->certify, c->certify);
  EXPECT_FALSE(std::is_sorted(a->certify.begin(), a->certify.end())) << "the order of the log must not survive";
}

TEST(Split, NearDuplicatesStayTogether) {
  base::ThreadPool pool(3);
  constexpr std::uint32_t dims = 48;
  auto queries = normal_rows(600, dims, 3);
  // Queries 600 … 1199 repeat the first 600 at another length and with a little noise (cosine about 0.99).
  base::Random random(4);
  for (std::size_t i = 0; i < std::size_t{600} * dims; ++i)
    queries.push_back(2.5f * (queries[i] + 0.14f * static_cast<float>(random.normal())));
  const auto split = split_queries(queries, dims, {.seed = 5}, pool);
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(sorted_members(*split), numbers(1200));
  EXPECT_EQ(split->tune.size(), 200u);
  EXPECT_EQ(split->certify.size(), 400u);
  for (const Unit& unit : split->certify) {
    ASSERT_EQ(unit.size(), 2u);
    EXPECT_EQ(unit[1], unit[0] + 600);
  }
}

/// Unit vectors in the plane at these angles.
std::vector<float> at_angles(const std::vector<double>& angles) {
  std::vector<float> out;
  for (double angle : angles) {
    out.push_back(static_cast<float>(std::cos(angle)));
    out.push_back(static_cast<float>(std::sin(angle)));
  }
  return out;
}

TEST(NearDuplicates, TheBoundIsCosine095AndChainsConnect) {
  base::ThreadPool pool(1);
  const double limit = std::acos(0.95);
  EXPECT_EQ(near_duplicate_units(at_angles({0, limit * 0.999}), 2, pool)->size(), 1u);
  EXPECT_EQ(near_duplicate_units(at_angles({0, limit * 1.001}), 2, pool)->size(), 2u);
  const auto chain = near_duplicate_units(at_angles({0, 3, limit * 1.8, limit * 0.9}), 2, pool);
  EXPECT_EQ(*chain, (std::vector<Unit>{{0, 2, 3}, {1}}));
}

TEST(NearDuplicates, MatchesBruteForceAcrossTiles) {
  base::ThreadPool pool(4);
  // 1,300 directions in three dimensions, in clusters of many sizes: three tiles, connections within and between them.
  base::Random random(6);
  const auto centres = normal_rows(40, 3, 7);
  std::vector<float> queries;
  for (int i = 0; i < 1300; ++i) {
    const auto centre = random.below(40) * random.below(40) / 40;
    for (std::size_t d = 0; d < 3; ++d)
      queries.push_back(centres[centre * 3 + d] + 0.08f * static_cast<float>(random.normal()));
  }
  std::vector<std::uint32_t> label = numbers(1300);  // brute force: spread labels until nothing changes
  const auto cosine = [&](std::size_t a, std::size_t b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t d = 0; d < 3; ++d) {
      ab += static_cast<double>(queries[a * 3 + d]) * queries[b * 3 + d];
      aa += static_cast<double>(queries[a * 3 + d]) * queries[a * 3 + d];
      bb += static_cast<double>(queries[b * 3 + d]) * queries[b * 3 + d];
    }
    return ab / std::sqrt(aa * bb);
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t a = 0; a < 1300; ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (label[a] != label[b] && cosine(a, b) >= 0.95) {
          label[a] = label[b] = std::min(label[a], label[b]);
          changed = true;
        }
  }
  const auto units = near_duplicate_units(queries, 3, pool);
  ASSERT_TRUE(units.has_value());
  EXPECT_EQ(units->size(), std::set<std::uint32_t>(label.begin(), label.end()).size());
  EXPECT_GT(units->size(), 1u);
  for (const Unit& unit : *units)
    for (std::uint32_t query : unit) EXPECT_EQ(label[query], label[unit.front()]);
}

TEST(NearDuplicates, AllEqualIsOneUnitAndZerosAreAnother) {
  base::ThreadPool pool(2);
  std::vector<float> queries(std::size_t{1200} * 2, 1.0f);
  queries[100] = queries[101] = queries[2000] = queries[2001] = 0;  // queries 50 and 1000
  const auto units = near_duplicate_units(queries, 2, pool);
  ASSERT_TRUE(units.has_value());
  ASSERT_EQ(units->size(), 2u);
  EXPECT_EQ((*units)[0].size(), 1198u);
  EXPECT_EQ((*units)[1], (Unit{50, 1000}));
}

TEST(Split, SlowDrawsASampleOfAVeryLongLog) {
  base::ThreadPool pool(2);
  constexpr std::uint32_t given = most_split_queries + 5'000;
  const auto queries = normal_rows(given, 2, 8);  // two dimensions: few units, and quick
  const auto split = split_queries(queries, 2, {.seed = 9}, pool);
  ASSERT_TRUE(split.has_value());
  EXPECT_TRUE(split->sampled());
  EXPECT_EQ(split->given, given);
  EXPECT_EQ(split->considered, most_split_queries);
  const auto all = sorted_members(*split);
  EXPECT_EQ(all.size(), most_split_queries);
  EXPECT_EQ(std::set<std::uint32_t>(all.begin(), all.end()).size(), most_split_queries);
  EXPECT_GE(all.back(), most_split_queries) << "the end of the log is drawn from too";
}

TEST(Split, UnitMeansAverageMembers) {
  const std::vector<Unit> units{{0, 2}, {1}};
  EXPECT_EQ(unit_means(units, std::vector<double>{0.5, 0.9, 1.0}), (std::vector<double>{0.75, 0.9}));
  EXPECT_EQ(members(units), (std::vector<std::uint32_t>{0, 2, 1}));
}

TEST(Split, RefusesWhatIsNoQueryLog) {
  base::ThreadPool pool(1);
  EXPECT_EQ(split_queries(std::vector<float>(7), 2, {}, pool).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(split_queries({}, 2, {}, pool).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(split_queries(std::vector<float>(4), 0, {}, pool).error().code, ErrorCode::invalid_argument);
  const std::vector<float> bad{1, 2, std::numeric_limits<float>::infinity(), 1};
  EXPECT_EQ(split_queries(bad, 2, {}, pool).error().code, ErrorCode::invalid_data);
  const std::vector<float> one{1, 2};
  const auto split = split_queries(one, 2, {}, pool);
  EXPECT_EQ(split->certify.size(), 1u) << "a single query is left for the certificate";
}

}  // namespace
}  // namespace attar::certify
