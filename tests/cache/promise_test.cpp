// The promise, by simulation: over thousands of streams wrong answers are at most δ of the prompts in expectation,
// whoever chooses the outcomes; and where the model fits, hits grow.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "base/random.h"
#include "cache/policy.h"
#include "math/statistics.h"

namespace attar::cache {
namespace {

struct Prompt {
  Features x{};
  bool wrong = false;
};

struct Streams {
  math::Moments error, charged, hits;
  double late_hits = 0;  // in the last quarter, a prompt

  [[nodiscard]] double standard_error() const { return error.standard_deviation() / std::sqrt(count()); }
  [[nodiscard]] double count() const { return static_cast<double>(error.count()); }
};

// What chooses prompts and outcomes: it sees all that the cache knows, but not the coin.
using Chooser = std::function<Prompt(base::Random&, int, const OutcomeModel&, const Allowance&, const RiskTable&)>;

struct Circumstances {
  double error = 0.02;
  int prompts = 1500, streams = 3000;
  bool outcomes_told = true;
};

void play(const Circumstances& of, std::uint64_t seed, const Chooser& choose, Streams& out) {
  Allowance allowance(of.error);
  RiskTable risks;
  OutcomeModel model;
  base::Random random(seed);
  int wrong = 0, hits = 0, late = 0;
  for (int i = 0; i < of.prompts; ++i) {
    const auto number = static_cast<std::uint64_t>(i) + 1;
    const Prompt prompt = choose(random, i, model, allowance, risks);
    const Belief belief = model.judge(prompt.x, {});
    const Decision decision = decide(allowance, risks, belief, number);
    const bool served = decision.may_serve && coin(seed, number) >= decision.explore;
    risks.begin_prompt();
    risks.add(belief.moderated(), 1 - belief.probability());
    if (served) {
      ++hits;
      if (4 * i >= 3 * of.prompts) ++late;
      if (prompt.wrong) ++wrong;
      continue;
    }
    if (decision.may_serve && (prompt.wrong || !of.outcomes_told)) allowance.charge(decision.charge);
    ASSERT_LE(allowance.charged(), of.error * static_cast<double>(number) + 1e-9) << "on every path";
    Offset fresh;
    if (of.outcomes_told) model.learn(prompt.x, fresh, !prompt.wrong);
  }
  out.error.add(static_cast<double>(wrong) / of.prompts);
  out.charged.add(allowance.charged() / of.prompts);
  out.hits.add(static_cast<double>(hits) / of.prompts);
  out.late_hits += 4.0 * late / of.prompts / of.streams;
}

Streams simulate(const Circumstances& of, const Chooser& choose) {
  Streams out;
  for (int i = 0; i < of.streams; ++i) play(of, static_cast<std::uint64_t>(1000 + i), choose, out);
  return out;
}

void expect_kept(const Streams& streams, double error) {
  EXPECT_LE(streams.error.mean(), error + 3 * streams.standard_error());
}

Prompt random_prompt(base::Random& random) {
  Prompt out{.x = {1}};
  for (std::size_t i = 1; i < feature_count; ++i) out.x[i] = random.normal();
  return out;
}

// A logistic of the features decides, as the model has it.
Prompt logistic(base::Random& random, int, const OutcomeModel&, const Allowance&, const RiskTable&) {
  Prompt out = random_prompt(random);
  out.wrong = random.uniform() > 1 / (1 + std::exp(-(1 + 2 * out.x[1] + out.x[2])));
  return out;
}

// Features tell nothing.
Prompt blind(base::Random& random, int, const OutcomeModel&, const Allowance&, const RiskTable&) {
  Prompt out = random_prompt(random);
  out.wrong = random.uniform() < 0.3;
  return out;
}

// What was right becomes wrong.
Prompt turning(base::Random& random, int i, const OutcomeModel&, const Allowance&, const RiskTable&) {
  Prompt out = random_prompt(random);
  out.wrong = i > 600 ? out.x[1] > 0 : out.x[1] < 0;
  return out;
}

// Teaches that all is right, and is wrong whenever the cache is about to serve.
Prompt adversary(base::Random& random, int i, const OutcomeModel& model, const Allowance& allowance,
                 const RiskTable& risks) {
  Prompt out = random_prompt(random);
  out.wrong = decide(allowance, risks, model.judge(out.x, {}), static_cast<std::uint64_t>(i) + 1).may_serve;
  return out;
}

// Always wrong, and near.
Prompt tempting(base::Random& random, int, const OutcomeModel&, const Allowance&, const RiskTable&) {
  Prompt out = random_prompt(random);
  out.x[1] = 5;
  out.wrong = true;
  return out;
}

class Promise : public testing::TestWithParam<double> {};

TEST_P(Promise, HoldsForWhoeverChoosesInAHundredStreams) {
  for (const Chooser& choose : {Chooser(logistic), Chooser(blind), Chooser(turning), Chooser(adversary)})
    expect_kept(simulate({.error = GetParam(), .streams = 100}, choose), GetParam());
}

TEST_P(Promise, SlowHoldsWhereTheModelFits) {
  const Streams streams = simulate({.error = GetParam()}, logistic);
  expect_kept(streams, GetParam());
  // What was charged tells how many were wrong, without bias.
  EXPECT_NEAR(streams.error.mean(), streams.charged.mean(),
              4 * streams.standard_error() + 4 * streams.charged.standard_deviation() / std::sqrt(streams.count()));
}

TEST_P(Promise, SlowHoldsWhereFeaturesTellNothing) { expect_kept(simulate({.error = GetParam()}, blind), GetParam()); }

TEST_P(Promise, SlowHoldsWhereTheWorldTurns) { expect_kept(simulate({.error = GetParam()}, turning), GetParam()); }

TEST_P(Promise, SlowHoldsAgainstAnAdversary) { expect_kept(simulate({.error = GetParam()}, adversary), GetParam()); }

TEST_P(Promise, SlowHoldsWhereOutcomesAreNeverTold) {
  expect_kept(simulate({.error = GetParam(), .outcomes_told = false}, tempting), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Errors, Promise, testing::Values(0.01, 0.02, 0.05));

// The share that is served by who knows the logistic: the most probable, until their risks sum up to what is allowed.
double most_hits(double error) {
  base::Random random(3);
  std::vector<double> risks(100'000);
  for (double& risk : risks) {
    const Features x = random_prompt(random).x;
    risk = 1 / (1 + std::exp(1 + 2 * x[1] + x[2]));
  }
  std::ranges::sort(risks);
  double sum = 0;
  const auto end = std::ranges::find_if(
      risks, [&](double risk) { return (sum += risk) > error * static_cast<double>(risks.size()); });
  return static_cast<double>(end - risks.begin()) / static_cast<double>(risks.size());
}

TEST(Power, HitsGrowAndComeNearToWhatTheErrorAllows) {
  const Streams few = simulate({.error = 0.02, .prompts = 500, .streams = 200}, logistic);
  const Streams many = simulate({.error = 0.02, .prompts = 6000, .streams = 100}, logistic);
  EXPECT_GT(many.hits.mean(), few.hits.mean() + 0.05);
  EXPECT_GT(many.late_hits, many.hits.mean());
  EXPECT_GT(many.late_hits, 0.75 * most_hits(0.02)) << most_hits(0.02);
  EXPECT_GT(many.error.mean(), 0.6 * 0.02) << "most of what is allowed is used";
}

}  // namespace
}  // namespace attar::cache
