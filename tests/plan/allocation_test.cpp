// The allocation of choices under a budget, against trying all of them.
#include "plan/allocation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace attar::plan {
namespace {

using Things = std::vector<std::vector<Choice>>;

std::uint64_t bytes_of(const Things& things, const std::vector<std::uint32_t>& chosen) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < things.size(); ++i) out += things[i][chosen[i]].bytes;
  return out;
}

double cost_of(const Things& things, const std::vector<std::uint32_t>& chosen) {
  double out = 0;
  for (std::size_t i = 0; i < things.size(); ++i) out += things[i][chosen[i]].cost;
  return out;
}

std::uint64_t least_bytes(const Things& things) {
  std::uint64_t out = 0;
  for (const auto& choices : things) out += std::ranges::min(choices, {}, &Choice::bytes).bytes;
  return out;
}

// The least cost of all that fit; infinite where none does.
double by_trying_all(const Things& things, std::uint64_t budget) {
  double best = INFINITY;
  std::vector<std::uint32_t> chosen(things.size());
  for (;;) {
    if (bytes_of(things, chosen) <= budget) best = std::min(best, cost_of(things, chosen));
    std::size_t i = 0;
    while (i < things.size() && ++chosen[i] == things[i].size()) chosen[i++] = 0;
    if (i == things.size()) return best;
  }
}

enum class Costs : std::uint8_t { any, falling, whole };

Things random_things(base::Random& random, std::size_t most_things, std::size_t most_choices, Costs costs,
                     std::uint64_t unit) {
  Things out(1 + random.below(most_things));
  for (auto& choices : out) {
    choices.resize(1 + random.below(most_choices));
    for (Choice& choice : choices) {
      const std::uint64_t steps = random.below(40);
      choice.bytes = unit * steps;
      choice.cost = random.uniform();
      if (costs == Costs::falling) choice.cost = std::exp(-0.2 * static_cast<double>(steps)) + 0.01 * choice.cost;
      if (costs == Costs::whole) choice.cost = static_cast<double>(random.below(6));
    }
  }
  return out;
}

TEST(Allocation, IsThatOfTryingAll) {
  base::Random random(1);
  for (int turn = 0; turn < 3000; ++turn) {
    const auto costs = static_cast<Costs>(turn % 3);
    const Things things = random_things(random, 6, 5, costs, turn % 2 == 0 ? 32 : 1);
    const std::uint64_t least = least_bytes(things), budget = least + random.below(40 * 32);
    const auto found = allocate(things, budget);
    ASSERT_TRUE(found);
    const double best = by_trying_all(things, budget);
    EXPECT_NEAR(found->cost, best, 1e-8 * best);
    EXPECT_TRUE(found->optimal);
    EXPECT_LE(found->bound, best * (1 + 1e-12));
    EXPECT_LE(found->bytes, budget);
    EXPECT_EQ(found->bytes, bytes_of(things, found->chosen));
    EXPECT_NEAR(found->cost, cost_of(things, found->chosen), 1e-12);
    if (least > 0) {
      EXPECT_FALSE(allocate(things, least - 1));
    }
  }
}

TEST(Allocation, KeepsTheBudgetAndItsBoundWhereItIsThinnedOut) {
  base::Random random(2);
  int thinned = 0;
  for (int turn = 0; turn < 60; ++turn) {
    // Bytes without a common divisor and costs without order: fronts grow quickly.
    Things things(24);
    for (auto& choices : things) {
      choices.resize(6);
      for (Choice& choice : choices) choice = {.bytes = random.below(1u << 20), .cost = random.uniform()};
    }
    const std::uint64_t budget = least_bytes(things) + random.below(5u << 20);
    const auto exact = allocate(things, budget), rough = allocate(things, budget, {.states = 4});
    ASSERT_TRUE(exact && rough);
    EXPECT_TRUE(exact->optimal);
    EXPECT_LE(rough->bytes, budget);
    EXPECT_EQ(rough->bytes, bytes_of(things, rough->chosen));
    EXPECT_LE(rough->bound, exact->cost * (1 + 1e-9));
    EXPECT_GE(rough->cost, exact->cost * (1 - 1e-9));
    thinned += rough->optimal ? 0 : 1;
  }
  EXPECT_GT(thinned, 10);
}

TEST(Allocation, OfNothingAndOfWhatCostsNothing) {
  const auto none = allocate({}, 0);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->chosen.empty());
  EXPECT_TRUE(none->optimal);
  const Things free = {{{.bytes = 10, .cost = 0}, {.bytes = 5, .cost = 0}}, {{.bytes = 7, .cost = 0}}};
  const auto found = allocate(free, 100);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->bytes, 12u);
  EXPECT_EQ(found->chosen, (std::vector<std::uint32_t>{1, 0}));
}

// Matrices of a model: whole blocks in the sizes of ggml's types, errors that fall by 6 dB a bit.
Things matrices(std::size_t count, std::uint64_t seed) {
  base::Random random(seed);
  Things out(count);
  for (auto& choices : out) {
    const double scale = std::exp(random.normal());
    const std::uint64_t blocks = 72 * (1 + random.below(4000));
    for (const std::uint64_t bytes : {18u, 20u, 22u, 24u, 34u, 64u})
      choices.push_back({.bytes = blocks * bytes, .cost = scale * std::exp2(-static_cast<double>(bytes) / 2)});
  }
  return out;
}

TEST(Allocation, OfHundredsOfMatricesIsExact) {
  const Things things = matrices(400, 3);
  const std::uint64_t least = least_bytes(things);
  for (const std::uint64_t share : {50u, 7u, 3u}) {
    const auto found = allocate(things, least + least / share);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->optimal) << share;
    EXPECT_LE(found->bytes, least + least / share);
  }
}

TEST(Allocation, OfThousandsOfMatricesIsNextToTheBound) {
  const Things things = matrices(10'000, 4);
  const std::uint64_t least = least_bytes(things);
  const auto found = allocate(things, least + least / 5);
  ASSERT_TRUE(found);
  EXPECT_LE(found->bytes, least + least / 5);
  EXPECT_LE(found->cost, found->bound * (1 + 1e-5));
}

}  // namespace
}  // namespace attar::plan
