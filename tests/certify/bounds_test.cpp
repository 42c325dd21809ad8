#include "certify/bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace attar::certify {
namespace {

/// Recalls in tenths: ten trials a query, whose chance varies between queries.
std::vector<double> tenths(std::size_t count, double mean, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<double> out(count);
  for (double& value : out) {
    const double chance = std::min(1.0, mean + 0.08 * (random.uniform() - 0.5));
    int hits = 0;
    for (int i = 0; i < 10; ++i) hits += random.uniform() < chance ? 1 : 0;
    value = hits / 10.0;
  }
  return out;
}

TEST(LeastQueries, FiguresOfTheDesign) {
  EXPECT_EQ(least_queries_mean(0.95, 0.05), 78u);
  EXPECT_EQ(least_queries_mean(0.99, 0.05), 397u);
  EXPECT_EQ(least_queries_tail(0.95, 0.05), 59u);
  EXPECT_EQ(least_queries_mean(0, 0.05), 0u);
  EXPECT_FALSE(least_queries_mean(1, 0.05).has_value());
  EXPECT_EQ(least_queries_tail(0, 0.05), 0u);
  EXPECT_FALSE(least_queries_tail(1, 0.05).has_value());
}

TEST(LeastQueries, IsExactForPerfectRecall) {
  for (const double floor : {0.5, 0.8, 0.9, 0.95, 0.97, 0.99, 0.995}) {
    for (const double delta : {0.1, 0.05, 0.01}) {
      const auto least = least_queries_mean(floor, delta).value();
      EXPECT_TRUE(mean_at_least(std::vector<double>(least, 1.0), {}, floor, delta)) << floor << ' ' << delta;
      EXPECT_FALSE(mean_at_least(std::vector<double>(least - 1, 1.0), {}, floor, delta)) << floor << ' ' << delta;
    }
  }
  for (const double share : {0.8, 0.9, 0.95, 0.99}) {
    const auto least = least_queries_tail(share, 0.05).value();
    EXPECT_GE(tail(std::vector<double>(least, 1.0), 0.9, 0.05).lower_bound, share) << share;
    EXPECT_LT(tail(std::vector<double>(least - 1, 1.0), 0.9, 0.05).lower_bound, share) << share;
  }
}

TEST(BettingTest, StakesObeyTheDesign) {
  // K multiplies 1 + λ(X − r), and λ never passes 0.75/r and never sees the observation that it is staked on.
  const auto values = tenths(300, 0.93, 11);
  const auto tune = tenths(100, 0.93, 12);
  constexpr double floor = 0.9;
  BettingTest test(floor, 0.05, values.size(), tune);
  double wealth = 1;
  double best = 1;
  for (double value : values) {
    const double bet = test.next_bet();
    EXPECT_GE(bet, 0);
    EXPECT_LE(bet, 0.75 / floor);
    BettingTest other = test;
    other.observe(0);
    test.observe(value);
    wealth *= 1 + bet * (value - floor);
    best = std::max(best, wealth);
    EXPECT_DOUBLE_EQ(test.wealth(), wealth);
    EXPECT_DOUBLE_EQ(test.best(), best);
    EXPECT_DOUBLE_EQ(other.wealth() / (wealth / (1 + bet * (value - floor))), 1 - bet * floor);
  }
  EXPECT_EQ(test.passed(), best >= 20);
}

TEST(BettingTest, TrivialFloorsAndForeignValues) {
  const std::vector<double> perfect(1000, 1.0);
  EXPECT_TRUE(mean_at_least({}, {}, 0, 0.05));
  EXPECT_FALSE(mean_at_least(perfect, {}, 1, 0.05));
  EXPECT_FALSE(mean_at_least({}, {}, 0.5, 0.05));
  EXPECT_FALSE(mean_at_least(perfect, {}, std::numeric_limits<double>::quiet_NaN(), 0.05));
  // Values above 1 earn no more than 1 does, and NaN counts as no recall at all.
  EXPECT_FALSE(mean_at_least(std::vector<double>(77, 50.0), {}, 0.95, 0.05));
  EXPECT_FALSE(mean_at_least(std::vector<double>(1000, std::numeric_limits<double>::quiet_NaN()), {}, 0.1, 0.05));
}

TEST(MeanLowerBound, InvertsTheTest) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto values = tenths(200 + 50 * seed, 0.9, seed);
    const auto tune = tenths(seed * 10, 0.9, 100 + seed);
    const double bound = mean_lower_bound(values, tune, 0.05);
    EXPECT_GT(bound, 0.8);
    EXPECT_LT(bound, 0.95);
    // Monotone: every floor up to the bound is shown, none above it.
    for (int step = 0; step <= 10'000; step += 7) {
      const double floor = step / 10'000.0;
      EXPECT_EQ(mean_at_least(values, tune, floor, 0.05), floor <= bound + 1e-9) << floor;
    }
  }
}

TEST(MeanLowerBound, ShrinksWithLessDataAndMoreConfidence) {
  const auto values = tenths(2000, 0.95, 5);
  const double bound = mean_lower_bound(values, {}, 0.05);
  EXPECT_GT(bound, math::moments(values).mean() - 0.008);
  EXPECT_LT(mean_lower_bound(std::span(values).first(200), {}, 0.05), bound);
  EXPECT_LT(mean_lower_bound(values, {}, 0.001), bound);
  EXPECT_EQ(mean_lower_bound({}, {}, 0.05), 0);
}

TEST(Tail, CountsUnitsThatReachTheRecall) {
  std::vector<double> values(100, 1.0);
  values[3] = 0.7;
  values[50] = 0.8 - 1e-12;  // 8/10 after rounding
  values[60] = 0.79;
  const Tail found = tail(values, 0.8, 0.05);
  EXPECT_EQ(found.units, 100u);
  EXPECT_EQ(found.reached, 98u);
  EXPECT_DOUBLE_EQ(found.share, 0.98);
  EXPECT_DOUBLE_EQ(found.lower_bound, math::clopper_pearson_lower(98, 100, 0.05));
  EXPECT_EQ(tail({}, 0.8, 0.05).lower_bound, 0);
}

TEST(ExpectedMargin, ShrinksWithQueriesAndNeedsTuneData) {
  const auto tune = tenths(500, 0.95, 1);
  EXPECT_LT(expected_margin(tune, 4000, 0.95, 0.05), expected_margin(tune, 1000, 0.95, 0.05));
  EXPECT_LT(expected_margin(tune, 1000, 0.95, 0.05), expected_margin(tune, 1000, 0.95, 0.05, 0.99));
  EXPECT_TRUE(std::isinf(expected_margin({}, 1000, 0.95, 0.05)));
  EXPECT_TRUE(std::isinf(expected_margin(tune, 0, 0.95, 0.05)));
}

}  // namespace
}  // namespace attar::certify
