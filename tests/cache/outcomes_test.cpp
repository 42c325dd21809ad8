// The model of outcomes, the allowance, the table of risks, and the nearest rows, each against a plain reference.
#include "cache/outcomes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "cache/policy.h"
#include "cache/rows.h"

namespace attar::cache {
namespace {

Features random_features(base::Random& random) {
  Features x{1};
  for (std::size_t i = 1; i < feature_count; ++i) x[i] = random.normal();
  return x;
}

TEST(OutcomeModel, LearnsTheLogisticThatOutcomesComeFrom) {
  const Features truth = {0.5, 1.5, -1, 0, 0.5, 0};
  base::Random random(1);
  OutcomeModel model;
  for (int i = 0; i < 20'000; ++i) {
    const Features x = random_features(random);
    double log_odds = 0;
    for (std::size_t j = 0; j < feature_count; ++j) log_odds += truth[j] * x[j];
    Offset fresh;
    model.learn(x, fresh, random.uniform() < 1 / (1 + std::exp(-log_odds)));
  }
  for (std::size_t j = 0; j < feature_count; ++j) EXPECT_NEAR(model.weights()[j], truth[j], 0.12) << j;
}

TEST(OutcomeModel, WhatAnEntryDoesMovesItsOwnThreshold) {
  OutcomeModel model;
  base::Random random(2);
  Offset bad, good;
  for (int i = 0; i < 40; ++i) {
    const Features x = random_features(random);
    model.learn(x, bad, false);
    model.learn(x, good, true);
  }
  const Features x = {1, 0.5, 0, 0, 0, 0};
  EXPECT_LT(model.judge(x, bad).probability() + 0.05, model.judge(x, Offset{}).probability());
  EXPECT_GT(model.judge(x, good).probability() - 0.05, model.judge(x, Offset{}).probability());
  EXPECT_LT(bad.variance, 0.1);
  EXPECT_GT(bad.variance, 0);
}

TEST(OutcomeModel, DoubtPullsProbabilitiesToTheMiddle) {
  const Belief sure{.mean = 3, .variance = 0.01}, unsure{.mean = 3, .variance = 4};
  EXPECT_GT(sure.probability(), unsure.probability());
  EXPECT_GT(unsure.probability(), 0.5);
}

TEST(Allowance, NothingIsServedThatItCouldNotPayFor) {
  RiskTable risks;
  for (int i = 0; i < 400; ++i) risks.begin_prompt();
  base::Random random(3);
  for (int i = 0; i < 5000; ++i) {
    Allowance allowance(0.001 + 0.2 * random.uniform());
    const std::uint64_t number = 1 + random.below(5000);
    allowance.charge(random.uniform() * 2 * allowance.error() * static_cast<double>(number));
    const Belief belief{.mean = 8 * random.normal(), .variance = random.uniform()};
    const Decision decision = decide(allowance, risks, belief, number);
    if (!decision.may_serve) continue;
    EXPECT_LE(decision.charge, allowance.left(number) * (1 + 1e-12));
    EXPECT_NEAR(decision.charge, (1 - decision.explore) / decision.explore, 1e-12);
    EXPECT_GT(decision.explore, 0);
    EXPECT_LE(decision.explore, 1);
  }
}

TEST(Allowance, WhatIsNoNumberIsNotServed) {
  RiskTable risks;
  for (int i = 0; i < 400; ++i) risks.begin_prompt();
  const Allowance allowance(0.5);
  EXPECT_TRUE(decide(allowance, risks, {.mean = 9, .variance = 0}, 1000).may_serve);
  EXPECT_FALSE(decide(allowance, risks, {.mean = std::nan(""), .variance = 0}, 1000).may_serve);
}

TEST(RiskTable, SumsTheRisksOfAllThatAreAsProbable) {
  RiskTable risks;
  for (int i = 0; i < 100; ++i) {
    risks.begin_prompt();
    risks.add(i % 2 == 0 ? 4.0 : -4.0, i % 2 == 0 ? 0.02 : 0.98);
  }
  EXPECT_NEAR(risks.risk_from(4.0, 0.02), 0.01, 0.002);
  EXPECT_NEAR(risks.risk_from(-4.0, 0.98), 0.5, 0.02);
  EXPECT_LT(risks.risk_from(7.9, 0.001), 0.001);
}

TEST(Coin, IsUniformAndItsOwnForEachPromptAndSeed) {
  double sum = 0, products = 0;
  constexpr int count = 20'000;
  for (std::uint64_t i = 0; i < count; ++i) {
    sum += coin(1, i);
    products += (coin(1, i) - 0.5) * (coin(1, i + 1) - 0.5);
    EXPECT_NE(coin(1, i), coin(2, i));
  }
  EXPECT_NEAR(sum / count, 0.5, 0.01);
  EXPECT_NEAR(products / count, 0, 0.003);
}

TEST(Features, FollowTheSpecification) {
  const std::vector<Neighbour> neighbours = {{1, 0.85}, {2, 0.75}, {1, 0.6}};
  const Features x = features_of(neighbours, 500);
  EXPECT_DOUBLE_EQ(x[1], (0.85 - 0.7) / 0.15);
  EXPECT_NEAR(x[2], 0, 1e-12);
  const double votes = 1 + std::exp(-1.2) + std::exp(-3.0);
  EXPECT_NEAR(x[3], ((1 + std::exp(-3.0)) / votes - 0.6) / 0.3, 1e-12);
  EXPECT_NEAR(x[4], 0, 1e-12);
  EXPECT_DOUBLE_EQ(x[5], 0);
}

TEST(ByteRows, FindWhatAPlainSearchFinds) {
  constexpr std::uint32_t dims = 48;
  base::Random random(4);
  ByteRows rows(dims);
  std::vector<std::vector<std::int8_t>> plain;
  const auto vector = [&] {
    std::vector<float> values(dims);
    for (float& value : values) value = static_cast<float>(random.normal());
    std::vector<std::int8_t> out(dims);
    round_to_bytes(values, out);
    return out;
  };
  for (int step = 0; step < 1500; ++step) {
    if (!plain.empty() && random.below(5) == 0) {
      const auto gone = static_cast<std::uint32_t>(random.below(plain.size()));
      rows.remove(gone);
      plain[gone] = plain.back();
      plain.pop_back();
    } else {
      plain.push_back(step % 97 == 0 ? std::vector<std::int8_t>(dims) : vector());
      rows.add(plain.back());
    }
  }
  const auto cosine = [&](const std::vector<std::int8_t>& a, const std::vector<std::int8_t>& b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::uint32_t i = 0; i < dims; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return ab / std::sqrt(aa * bb);
  };
  for (int round = 0; round < 20; ++round) {
    const auto query = vector();
    std::vector<double> all;
    for (const auto& row : plain)
      if (std::ranges::any_of(row, [](std::int8_t byte) { return byte != 0; })) all.push_back(cosine(query, row));
    std::ranges::sort(all, std::greater{});
    const auto near = rows.nearest(query, 16);
    ASSERT_EQ(near.size(), 16u);
    for (std::size_t i = 0; i < near.size(); ++i) {
      EXPECT_NEAR(near[i].similarity, all[i], 1e-5);
      EXPECT_NEAR(near[i].similarity, cosine(query, plain[near[i].row]), 1e-5);
    }
  }
  EXPECT_TRUE(rows.nearest(std::vector<std::int8_t>(dims), 16).empty());
}

}  // namespace
}  // namespace attar::cache
