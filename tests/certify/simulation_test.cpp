// The certificate's own proof: how often it certifies what is not so, and how often it fails to certify what is.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "certify/bounds.h"
#include "certify/sequence.h"

namespace attar::certify {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int runs = 500;  // the sanitizers look for wrong memory, not for wrong statistics
#else
constexpr int runs = 10'000;
#endif

constexpr double delta = 0.05;

/// What a share may exceed δ by, in `runs` simulated runs, before it counts as more than δ.
double allowed() { return delta + 3 * std::sqrt(delta * (1 - delta) / runs); }

using Draw = std::function<double(base::Random&)>;

struct Law {
  std::string name;
  Draw draw;
};

/// 1 with the chance that gives the mean, else `low`: the most skewed law above a given value.
Draw two_point(double mean, double low) {
  return [=](base::Random& random) { return random.uniform() < (mean - low) / (1 - low) ? 1.0 : low; };
}

/// Hits of ten, each query with a chance of its own around the mean.
Draw tenths(double mean, double spread) {
  return [=](base::Random& random) {
    const double chance = mean + spread * (random.uniform() - 0.5);
    int hits = 0;
    for (int i = 0; i < 10; ++i) hits += random.uniform() < chance ? 1 : 0;
    return hits / 10.0;
  };
}

/// Most queries perfect, the others spread evenly below: heavy near 1.
Draw near_one(double mean) {
  const double poor = (1 - mean) / 0.6;  // the poor lie evenly in [0, 0.8], 0.4 on average
  return [=](base::Random& random) { return random.uniform() < poor ? 0.8 * random.uniform() : 1.0; };
}

std::vector<Law> laws(double mean) {
  return {{"zero or one", two_point(mean, 0)},
          {"one, or half", two_point(mean, 0.5)},
          {"one, or just below the mean", two_point(mean, mean - 0.02)},
          {"tenths", tenths(mean, 2 * std::min(mean, 1 - mean))},
          {"heavy near one", near_one(mean)},
          {"constant", [=](base::Random&) { return mean; }}};
}

std::vector<double> sample(std::size_t count, const Draw& draw, base::Random& random) {
  std::vector<double> out(count);
  for (double& value : out) value = draw(random);
  return out;
}

double pass_rate(const Draw& draw, double floor, std::size_t tune_count, std::size_t count, std::uint64_t seed) {
  int passed = 0;
  for (int run = 0; run < runs; ++run) {
    base::Random random(seed * 1'000'003 + static_cast<std::uint64_t>(run));
    const auto tune = sample(tune_count, draw, random);
    const auto observations = sample(count, draw, random);
    passed += mean_at_least(observations, tune, floor, delta) ? 1 : 0;
  }
  return static_cast<double>(passed) / runs;
}

TEST(Simulation, CertifiesFalselyAtMostAsOftenAsItSays) {
  double most = 0;
  for (const double floor : {0.90, 0.95, 0.97}) {
    std::uint64_t seed = 1;
    for (const auto& [name, draw] : laws(floor)) {
      const double rate = pass_rate(draw, floor, 100, 400, seed++);
      EXPECT_LE(rate, allowed()) << name << " at " << floor;
      most = std::max(most, rate);
    }
  }
  EXPECT_GT(most, 0.01) << "a test that never errs has no power";
}

TEST(Simulation, CertifiesFalselyAtMostAsOftenWithoutTuneData) {
  std::uint64_t seed = 100;
  for (const auto& [name, draw] : laws(0.95)) EXPECT_LE(pass_rate(draw, 0.95, 0, 100, seed++), allowed()) << name;
}

TEST(Simulation, TuneDataOfAnotherLawCostsNoValidity) {
  int passed = 0;
  for (int run = 0; run < runs; ++run) {
    base::Random random(7'000'000 + static_cast<std::uint64_t>(run));
    const std::vector<double> tune(200, 1.0);  // promises no spread at all, so that every stake is the highest allowed
    passed += mean_at_least(sample(400, two_point(0.95, 0), random), tune, 0.95, delta) ? 1 : 0;
  }
  EXPECT_LE(static_cast<double>(passed) / runs, allowed());
}

/// A law of mean `mean` and s.d. 0.08 on [0, 1].
std::vector<Law> laws_of_eight_hundredths(double mean) {
  const double variance = 0.0064;
  const double room = 1 - mean;
  const double chance = room * room / (variance + room * room);  // of the low point, when the high one is 1
  const double low = 1 - room / chance;
  std::vector<Law> out{{"two points", two_point(mean, low)}};
  if (mean + 0.08 <= 1)
    out.push_back({"symmetric", [=](base::Random& random) { return mean + (random.uniform() < 0.5 ? 0.08 : -0.08); }});
  return out;
}

TEST(Simulation, HasPowerAHundredthAboveTheFloor) {
  for (const double floor : {0.80, 0.90, 0.95, 0.97}) {
    for (const auto& [name, draw] : laws_of_eight_hundredths(floor + 0.01)) {
      base::Random random(3);
      const auto check = math::moments(sample(200'000, draw, random));
      ASSERT_NEAR(check.mean(), floor + 0.01, 0.001) << name;
      ASSERT_NEAR(check.standard_deviation(), 0.08, 0.001) << name;
      EXPECT_GE(pass_rate(draw, floor, 1000, 2000, 500), 0.95) << name << " at " << floor;
      EXPECT_GE(pass_rate(draw, floor, 0, 2000, 600), 0.95) << name << " at " << floor << ", no tune data";
    }
  }
}

TEST(Simulation, TheExpectedMarginGivesThePowerAskedFor) {
  constexpr double floor = 0.95;
  base::Random random(9);
  const auto draw_at = [](double mean) { return near_one(mean); };
  // The tune mean is the true mean here, so the margin's share for its error is spare: power above, yet not far above.
  const double margin = expected_margin(sample(2000, draw_at(0.965), random), 1000, floor, delta, 0.9);
  const double rate = pass_rate(draw_at(floor + margin), floor, 500, 1000, 700);
  EXPECT_GE(rate, 0.88);
  EXPECT_LE(rate, 0.999);
  EXPECT_LT(pass_rate(draw_at(floor + margin / 2), floor, 500, 1000, 800), 0.8);
}

TEST(Simulation, ClopperPearsonTailIsWrongAtMostAsOftenAsItSays) {
  int passed = 0;
  for (int run = 0; run < runs; ++run) {
    base::Random random(9'000'000 + static_cast<std::uint64_t>(run));
    // Exactly 95% of queries reach 0.9 in truth: showing "95% reach it" is allowed, showing more is the error.
    const auto observations = sample(500, two_point(0.975, 0.5), random);
    passed += tail(observations, 0.9, delta).lower_bound > 0.95 ? 1 : 0;
  }
  EXPECT_LE(static_cast<double>(passed) / runs, allowed());
}

/// A query's recall under each plan: one difficulty a query, shared by all plans, so that plans err together.
std::vector<double> recalls(const std::vector<double>& means, base::Random& random) {
  const double hard = random.uniform();
  std::vector<double> out(means.size());
  for (std::size_t plan = 0; plan < means.size(); ++plan) {
    const double share = 5 * (1 - means[plan]);  // a hard fifth of the queries bears all of the loss
    int hits = 10;
    if (hard < 0.2)
      for (int i = 0; i < 10; ++i) hits -= random.uniform() < share ? 1 : 0;
    out[plan] = hits / 10.0;
  }
  return out;
}

/// One run of a planner: order by tune data, test in sequence, ship the last that passed. True mean of the plan
/// shipped, or 1.
double shipped_mean(const std::vector<double>& means, double floor, std::size_t tune_count, std::size_t count,
                    std::uint64_t seed, std::size_t& shipped_runs) {
  base::Random random(seed);
  std::vector<std::vector<double>> tune(means.size()), certify(means.size());
  for (std::size_t i = 0; i < tune_count + count; ++i) {
    const auto values = recalls(means, random);
    for (std::size_t plan = 0; plan < means.size(); ++plan)
      (i < tune_count ? tune : certify)[plan].push_back(values[plan]);
  }
  std::vector<double> tune_means, costs;
  for (std::size_t plan = 0; plan < means.size(); ++plan) {
    tune_means.push_back(math::moments(tune[plan]).mean());
    costs.push_back(static_cast<double>(means.size() - plan));  // later plans are cheaper and worse
  }
  const auto order = safest_first(tune_means, costs);
  const auto result = sequence(order, {.floor = floor, .delta = delta}, tune,
                               [&](std::size_t plan) -> Result<std::vector<double>> { return certify[plan]; });
  if (!result || !result->shipped) return 1;
  ++shipped_runs;
  return means[result->trials[*result->shipped].plan];
}

TEST(Simulation, ThePlannersSequenceShipsAnUnfitPlanAtMostAsOftenAsItSays) {
  constexpr double floor = 0.95;
  const std::vector<std::vector<double>> families{
      {0.95, 0.95, 0.95, 0.95, 0.95, 0.95},        // every plan a hair from fit, each tested on the same queries
      {0.99, 0.97, 0.9499, 0.9498, 0.9497, 0.93},  // fit plans first, so that the sequence reaches unfit ones
      {0.9499, 0.949, 0.948, 0.947, 0.946, 0.945, 0.944, 0.943}};  // nothing fit at all
  std::uint64_t seed = 20'000'000;
  for (const auto& means : families) {
    int wrong = 0;
    std::size_t shipped = 0;
    for (int run = 0; run < runs; ++run)
      wrong += shipped_mean(means, floor, 100, 200, seed++, shipped) <= floor ? 1 : 0;
    const double rate = static_cast<double>(wrong) / runs;
    EXPECT_LE(rate, allowed()) << means.front();
    if (means.front() > floor) {
      EXPECT_GT(shipped, static_cast<std::size_t>(runs * 9 / 10));
    }
  }
}

}  // namespace
}  // namespace attar::certify
