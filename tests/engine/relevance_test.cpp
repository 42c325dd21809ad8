// Hit rate, nDCG and reciprocal rank against values worked out by hand.
#include "engine/relevance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace attar::engine {
namespace {

constexpr std::uint32_t ks[] = {1, 3, 10};

std::map<std::string, double> measured(const Judged& judged, const std::vector<std::uint32_t>& returned) {
  return relevance_of(judged, returned, ks);
}

TEST(Relevance, OneRelevantRowAtRankTwo) {
  const auto values = measured({{7, 1}}, {4, 7, 9});
  EXPECT_EQ(values.size(), 7u);
  EXPECT_DOUBLE_EQ(values.at("mrr"), 0.5);
  EXPECT_DOUBLE_EQ(values.at("hit@1"), 0);
  EXPECT_DOUBLE_EQ(values.at("hit@3"), 1);
  EXPECT_DOUBLE_EQ(values.at("ndcg@1"), 0);
  EXPECT_NEAR(values.at("ndcg@3"), 0.6309297535714575, 1e-15);  // 1 / log2(3)
  EXPECT_NEAR(values.at("ndcg@10"), 0.6309297535714575, 1e-15);
}

TEST(Relevance, GradesWeighAndTheIdealOrderDivides) {
  // Gains 3, 0, 1 at ranks 1 to 3; ideally 3, 2, 1.
  const auto values = measured({{1, 3}, {2, 2}, {3, 1}}, {1, 50, 3});
  const double gain = 3 + 1 / std::log2(4.0), ideal = 3 + 2 / std::log2(3.0) + 1 / std::log2(4.0);
  EXPECT_NEAR(gain / ideal, 0.7350, 5e-5);
  EXPECT_NEAR(values.at("ndcg@3"), gain / ideal, 1e-15);
  EXPECT_DOUBLE_EQ(values.at("ndcg@1"), 1);
  EXPECT_DOUBLE_EQ(values.at("mrr"), 1);
}

TEST(Relevance, TheIdealHasNoMoreRowsThanK) {
  const auto values = measured({{1, 1}, {2, 1}, {3, 1}, {4, 1}}, {4, 3, 2});
  EXPECT_DOUBLE_EQ(values.at("ndcg@1"), 1);
  EXPECT_DOUBLE_EQ(values.at("ndcg@3"), 1);
  // 1 + 0.6309 + 0.5 of 1 + 0.6309 + 0.5 + 0.4307
  EXPECT_NEAR(values.at("ndcg@10"), 0.8318724637288826, 1e-12);
}

TEST(Relevance, NothingRelevantReturned) {
  for (const auto& values : {measured({{1, 1}}, {5, 6, 7}), measured({{1, 1}}, {}), measured({}, {1, 2})})
    for (const auto& [name, value] : values) EXPECT_EQ(value, 0) << name;
}

TEST(Relevance, GradesOfZeroAndBelowAreIrrelevant) {
  const auto values = measured({{1, 0}, {2, -3}, {3, 2}}, {1, 2, 3});
  EXPECT_DOUBLE_EQ(values.at("hit@1"), 0);
  EXPECT_DOUBLE_EQ(values.at("mrr"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(values.at("ndcg@3"), 0.5);  // 2/log2(4) of 2
}

TEST(Relevance, RanksBeyondKCountForTheReciprocalRankOnly) {
  std::vector<std::uint32_t> returned(20);
  for (std::uint32_t i = 0; i < 20; ++i) returned[i] = i;
  const auto values = measured({{15, 1}}, returned);
  EXPECT_DOUBLE_EQ(values.at("hit@10"), 0);
  EXPECT_DOUBLE_EQ(values.at("ndcg@10"), 0);
  EXPECT_DOUBLE_EQ(values.at("mrr"), 1.0 / 16);
}

}  // namespace
}  // namespace attar::engine
