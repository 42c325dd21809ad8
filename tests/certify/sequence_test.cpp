#include "certify/sequence.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "certify/bounds.h"

namespace attar::certify {
namespace {

std::vector<double> values(std::size_t count, double value) { return std::vector<double>(count, value); }

TEST(SafestFirst, OrdersByRecallAndDropsWhatIsNoCheaper) {
  const std::vector<double> means{0.95, 0.99, 0.97, 0.96, 0.99, 0.95};
  const std::vector<double> costs{100, 300, 200, 250, 280, 90};
  // Plan 4 beats plan 1 at the same recall, plan 3 costs more than the better plan 2, plan 5 beats plan 0.
  EXPECT_EQ(safest_first(means, costs), (std::vector<std::size_t>{4, 2, 5}));
  EXPECT_TRUE(safest_first({}, {}).empty());
}

TEST(Sequence, StopsAtTheFirstFailureAndShipsTheLastThatPassed) {
  const std::vector<std::vector<double>> observations{values(500, 1.0), values(500, 0.99), values(500, 0.9),
                                                      values(500, 1.0)};
  std::vector<std::size_t> asked;
  const std::vector<std::size_t> order{0, 1, 2, 3};
  const auto result = sequence(order, {.floor = 0.95}, {}, [&](std::size_t plan) -> Result<std::vector<double>> {
    asked.push_back(plan);
    return observations[plan];
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(asked, (std::vector<std::size_t>{0, 1, 2}));
  ASSERT_EQ(result->shipped, 1u);
  EXPECT_EQ(result->trials.size(), 3u);
  EXPECT_EQ(result->trials[1].finding.lower_bound, 0.95) << "several tests: the floor is all that is certified";
  EXPECT_FALSE(result->trials[2].finding.passed);
}

TEST(Sequence, OnePlanKeepsItsOwnBound) {
  const std::vector<std::size_t> order{0};
  const auto result = sequence(order, {.floor = 0.9}, {},
                               [](std::size_t) -> Result<std::vector<double>> { return values(2000, 0.99); });
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->shipped, 0u);
  EXPECT_GT(result->trials[0].finding.lower_bound, 0.97);
}

TEST(Sequence, NothingShipsWhenTheSafestFailsAndErrorsPass) {
  const std::vector<std::size_t> order{0, 1};
  const auto failed =
      sequence(order, {.floor = 0.99}, {}, [](std::size_t) -> Result<std::vector<double>> { return values(100, 1.0); });
  ASSERT_TRUE(failed.has_value());
  EXPECT_FALSE(failed->shipped.has_value());
  EXPECT_EQ(failed->trials.size(), 1u);
  EXPECT_EQ(failed->trials[0].finding.queries_needed, 397u);

  const auto broken = sequence(order, {.floor = 0.9}, {}, [](std::size_t) -> Result<std::vector<double>> {
    return fail(ErrorCode::io, "the disk is gone");
  });
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, ErrorCode::io);
}

TEST(Examine, TailClaims) {
  const auto found = examine({.floor = 0.8, .share = 0.95}, values(59, 1.0), {});
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->passed);
  EXPECT_GE(found->lower_bound, 0.95);
  EXPECT_EQ(found->estimate, 1);
  EXPECT_FALSE(examine({.floor = 0.8, .share = 0.95}, values(58, 1.0), {})->passed);
}

TEST(Examine, AFloorThatIsShownIsTheLeastBound) {
  // Between two points of the bound's grid.
  const auto observations = values(2000, 0.97);
  const double bound = mean_lower_bound(observations, {}, 0.05);
  double floor = bound;
  while (mean_at_least(observations, {}, floor + 1e-6, 0.05)) floor += 1e-6;
  const auto found = examine({.floor = floor}, observations, {});
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->passed);
  EXPECT_EQ(found->lower_bound, floor);
}

TEST(Examine, RefusesWhatIsNoClaim) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Claim& claim :
       {Claim{.floor = 1.5}, Claim{.floor = nan}, Claim{.floor = 0.9, .share = 1}, Claim{.floor = 0.9, .delta = 0},
        Claim{.floor = 0.9, .delta = 1}, Claim{.floor = 0.9, .share = -0.1}}) {
    const auto found = examine(claim, values(10, 1.0), {});
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, ErrorCode::invalid_argument);
  }
  const auto unreachable = examine({.floor = 1}, values(10, 1.0), {});
  ASSERT_TRUE(unreachable.has_value());
  EXPECT_EQ(unreachable->queries_needed, std::numeric_limits<std::uint64_t>::max());
}

// Good answers first: the wealth passes 1/δ early and the running maximum keeps it, whatever comes later.
TEST(Examine, ABoundIsNotShownAboveTheEstimate) {
  std::vector<double> observations(200, 1.0);
  observations.resize(230, 0.0);
  const double estimate = 200.0 / 230, delta = 0.4;
  ASSERT_GT(mean_lower_bound(observations, {}, delta), estimate) << "what this is about";
  const Finding plain = estimate_mean(observations, {}, delta);
  EXPECT_DOUBLE_EQ(plain.estimate, estimate);
  EXPECT_EQ(plain.lower_bound, plain.estimate);
  const Finding modest = examine({.floor = 0.8, .delta = delta}, observations, {}).value();
  EXPECT_TRUE(modest.passed);
  EXPECT_EQ(modest.lower_bound, modest.estimate);
  // A claim that was shown stands, even there.
  const Finding bold = examine({.floor = 0.9, .delta = delta}, observations, {}).value();
  EXPECT_TRUE(bold.passed);
  EXPECT_EQ(bold.lower_bound, 0.9);
  const Finding late = estimate_mean(std::vector<double>(observations.rbegin(), observations.rend()), {}, delta);
  EXPECT_LT(late.lower_bound, late.estimate);
}

}  // namespace
}  // namespace attar::certify
