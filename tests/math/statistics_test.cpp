#include "math/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace attar::math {
namespace {

// Reference values: binomial sums and quadrature in 30-digit arithmetic.
TEST(IncompleteBeta, MatchesKnownValues) {
  struct Case {
    double a, b, x, value;
  };
  for (const auto& [a, b, x, value] : std::vector<Case>{{2, 3, 0.25, 0.26171875},
                                                        {0.5, 0.5, 0.1, 0.20483276469913345},
                                                        {10, 1, 0.9, 0.3486784401},
                                                        {100, 5, 0.95, 0.40094101404909224},
                                                        {1900, 101, 0.9425, 0.079671265184267999},
                                                        {19000, 1001, 0.952, 0.90919869578396303},
                                                        {0.5, 30, 0.02, 0.72710173476532317},
                                                        {3, 200, 0.001, 0.0011665631531165756},
                                                        {50000, 3, 0.9999, 0.12462254236174392}})
    EXPECT_NEAR(incomplete_beta(a, b, x), value, 1e-12) << a << ' ' << b << ' ' << x;
}

TEST(IncompleteBeta, EndsAndReflection) {
  EXPECT_EQ(incomplete_beta(3, 4, 0), 0);
  EXPECT_EQ(incomplete_beta(3, 4, 1), 1);
  base::Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const double a = std::exp(8 * random.uniform() - 1);
    const double b = std::exp(8 * random.uniform() - 1);
    const double x = random.uniform();
    EXPECT_NEAR(incomplete_beta(a, b, x) + incomplete_beta(b, a, 1 - x), 1, 1e-10) << a << ' ' << b << ' ' << x;
  }
}

TEST(InverseIncompleteBeta, MatchesKnownValues) {
  struct Case {
    double a, b, p, x;
  };
  for (const auto& [a, b, p, x] : std::vector<Case>{{2, 3, 0.05, 0.09761146288641434},
                                                    {0.5, 0.5, 0.975, 0.99845866686656399},
                                                    {1900, 101, 0.05, 0.94122968576932756},
                                                    {59, 1, 0.05, 0.95049239011177305},
                                                    {1, 59, 0.95, 0.049507609888226947},
                                                    {7, 40000, 0.01, 5.824924800306717e-5}})
    EXPECT_NEAR(inverse_incomplete_beta(a, b, p), x, 1e-12) << a << ' ' << b << ' ' << p;
}

TEST(InverseIncompleteBeta, UndoesTheFunction) {
  base::Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const double a = std::exp(9 * random.uniform() - 1);
    const double b = std::exp(9 * random.uniform() - 1);
    const double p = random.uniform();
    EXPECT_NEAR(incomplete_beta(a, b, inverse_incomplete_beta(a, b, p)), p, 1e-9) << a << ' ' << b << ' ' << p;
  }
}

TEST(ClopperPearson, MatchesKnownBounds) {
  EXPECT_NEAR(clopper_pearson_lower(1942, 2000, 0.05), 0.964040077823032, 1e-11);
  EXPECT_NEAR(clopper_pearson_upper(1942, 2000, 0.05), 0.976903002910377, 1e-11);
  EXPECT_NEAR(clopper_pearson_upper(0, 59, 0.05), 0.0495076098882269, 1e-12);
  EXPECT_NEAR(clopper_pearson_lower(5, 10, 0.05), 0.222441101008129, 1e-12);
  EXPECT_EQ(clopper_pearson_lower(0, 10, 0.05), 0);
  EXPECT_EQ(clopper_pearson_upper(10, 10, 0.05), 1);
  EXPECT_EQ(clopper_pearson_lower(0, 0, 0.05), 0);
  EXPECT_EQ(clopper_pearson_upper(0, 0, 0.05), 1);
}

TEST(ClopperPearson, IsWrongNoMoreOftenThanItSays) {
  // Exactly: the chance that the lower bound exceeds the true share, summed over the binomial distribution.
  for (const double share : {0.5, 0.9, 0.97}) {
    constexpr int trials = 200;
    double wrong = 0;
    for (int successes = 0; successes <= trials; ++successes) {
      const double chance =
          std::exp(std::lgamma(trials + 1) - std::lgamma(successes + 1) - std::lgamma(trials - successes + 1) +
                   successes * std::log(share) + (trials - successes) * std::log1p(-share));
      if (clopper_pearson_lower(static_cast<unsigned>(successes), trials, 0.05) > share) wrong += chance;
    }
    EXPECT_LE(wrong, 0.05) << share;
    EXPECT_GT(wrong, 0.005) << share << ": a bound that is never wrong says too little";
  }
}

TEST(Quantiles, MatchKnownValues) {
  EXPECT_NEAR(normal_quantile(0.975), 1.9599639845400542, 1e-13);
  EXPECT_NEAR(normal_quantile(0.05), -1.6448536269514727, 1e-13);
  EXPECT_NEAR(normal_quantile(0.999), 3.0902323061678135, 1e-12);
  EXPECT_NEAR(normal_quantile(1e-10), -6.3613409024040562, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_NEAR(student_quantile(0.975, 1), 12.706204736174705, 1e-9);
  EXPECT_NEAR(student_quantile(0.975, 9), 2.2621571627982055, 1e-11);
  EXPECT_NEAR(student_quantile(0.975, 1999), 1.961151420170562, 1e-10);
  EXPECT_NEAR(student_quantile(0.6, 5), 0.26718086570414513, 1e-12);
  EXPECT_NEAR(student_quantile(0.01, 3), -4.5407028585681336, 1e-11);
  EXPECT_TRUE(std::isinf(normal_quantile(0)));
  EXPECT_TRUE(std::isinf(student_quantile(1, 4)));
}

TEST(Moments, MeanAndVariance) {
  const std::vector<double> values{0.5, 1.0, 0.75, 0.25};
  const Moments sample = moments(values);
  EXPECT_EQ(sample.count(), 4u);
  EXPECT_DOUBLE_EQ(sample.mean(), 0.625);
  EXPECT_NEAR(sample.variance(), 0.3125 / 3, 1e-15);
  EXPECT_EQ(moments({}).variance(), 0);
}

TEST(PairedDifference, KnownInterval) {
  const std::vector<double> a{0.9, 0.8, 1.0, 0.7, 0.9};
  const std::vector<double> b{0.8, 0.8, 0.9, 0.8, 0.7};
  const Interval interval = paired_difference(a, b);  // differences 0.1, 0, 0.1, −0.1, 0.2
  EXPECT_NEAR(interval.mean, 0.06, 1e-15);
  EXPECT_NEAR(interval.standard_error, std::sqrt(0.013 / 5), 1e-12);
  EXPECT_NEAR(interval.high - interval.mean, 2.7764451051977987 * std::sqrt(0.013 / 5), 1e-10);
  EXPECT_NEAR(interval.high + interval.low, 2 * interval.mean, 1e-12);
  EXPECT_EQ(interval.count, 5u);
}

TEST(PairedDifference, OnePairBoundsNothing) {
  const std::vector<double> one{0.5};
  EXPECT_TRUE(std::isinf(paired_difference(one, one).high));
}

TEST(MeanInterval, CoversTheMeanAsOftenAsItSays) {
  base::Random random(3);
  constexpr int runs = 4000;
  int covered = 0;
  std::vector<double> values(12);
  for (int run = 0; run < runs; ++run) {
    for (double& value : values) value = 2 + random.normal();
    const Interval interval = mean_interval(values);
    covered += interval.low <= 2 && 2 <= interval.high ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(runs), 0.95, 4 * std::sqrt(0.95 * 0.05 / runs));
}

}  // namespace
}  // namespace attar::math
