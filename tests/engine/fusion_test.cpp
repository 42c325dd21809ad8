#include "engine/fusion.h"

#include <gtest/gtest.h>

namespace attar::engine {
namespace {

using codec::Hit;

TEST(Fusion, WeighsBothLegsAndKeepsTheirScores) {
  const std::vector<Hit> semantic = {{0.8f, 1}, {0.6f, 2}}, lexical = {{5, 2}, {10, 3}};
  const auto found = fuse(semantic, lexical, {.weights = {.semantic = 0.5f}, .most_lexical = 10});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].row, 2u);
  EXPECT_FLOAT_EQ(found[0].score, 0.55f);
  EXPECT_EQ(found[0].semantic, 0.6f);
  EXPECT_EQ(found[0].lexical, 5.0f);
  EXPECT_EQ(found[1].row, 3u);
  EXPECT_FALSE(found[1].semantic);
  EXPECT_EQ(found[2].row, 1u);
  EXPECT_FLOAT_EQ(found[2].score, 0.4f);
}

TEST(Fusion, OfOneLegIsItsOrderFromZeroToOne) {
  const std::vector<Hit> semantic = {{1.5f, 4}, {0.25f, 9}, {-0.5f, 2}};
  const auto by_meaning = fuse(semantic, std::nullopt, {});
  ASSERT_EQ(by_meaning.size(), 3u);
  EXPECT_EQ(by_meaning[0].score, 1.0f);
  EXPECT_EQ(by_meaning[1].score, 0.25f);
  EXPECT_EQ(by_meaning[2].score, 0.0f);
  const std::vector<Hit> lexical = {{20, 4}, {5, 9}};
  const auto by_words = fuse(std::nullopt, lexical, {.most_lexical = 20});
  EXPECT_EQ(by_words[0].score, 1.0f);
  EXPECT_EQ(by_words[1].score, 0.25f);
  EXPECT_TRUE(fuse(std::nullopt, std::nullopt, {}).empty());
}

TEST(Fusion, OfRanksKnowsNoScores) {
  const std::vector<Hit> semantic = {{0.2f, 2}, {0.9f, 1}}, lexical = {{5, 2}, {10, 3}};
  const FusionScale scale = {.weights = {.semantic = 0.5f}, .rule = FusionRule::ranks, .most_lexical = 10};
  const auto found = fuse(semantic, lexical, scale);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].row, 2u);
  EXPECT_FLOAT_EQ(found[0].score, 61.0f / 62);
  EXPECT_EQ(found[0].semantic, 0.2f) << "the legs' own scores are kept";
  EXPECT_EQ(found[0].lexical, 5.0f);
  EXPECT_FLOAT_EQ(found[1].score, 0.5f);
  const std::vector<Hit> larger = {{0.3f, 2}, {0.4f, 1}};
  EXPECT_EQ(fuse(larger, lexical, scale)[0].score, found[0].score);
}

TEST(Fusion, TheShareOfMeaningLeavesTheReadingAlone) {
  constexpr FusionWeights weights = FusionWeights{}.with_meaning(0.6f);
  EXPECT_FLOAT_EQ(weights.legs(), FusionWeights{}.legs());
  EXPECT_FLOAT_EQ(weights.semantic / weights.legs(), 0.6f);
  EXPECT_FLOAT_EQ(weights.reading(), FusionWeights{}.reading());
}

TEST(Fusion, WhatWasReadComesFirstAndIsAdded) {
  const std::vector<Hit> lexical = {{9, 1}, {8, 2}, {7, 3}, {6, 4}};
  auto rows = fuse(std::nullopt, lexical, {.most_lexical = 10});
  const FusionWeights weights = {.semantic = 0.2f, .lexical = 0.2f, .words = 0.3f, .passage = 0.2f, .lead = 0.1f};
  add_readings(rows, std::vector<text::Impression>{{}, {.words = 0.5f, .passage = 1, .lead = 1}}, weights);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].row, 2u);
  EXPECT_FLOAT_EQ(rows[0].score, 0.8f * 0.4f + 0.45f);
  EXPECT_FLOAT_EQ(*rows[0].reading, 0.75f);
  EXPECT_EQ(rows[1].row, 1u);
  EXPECT_FLOAT_EQ(rows[1].score, 0.9f * 0.4f);
  EXPECT_EQ(rows[1].reading, 0.0f);
  EXPECT_EQ(rows[2].row, 3u) << "not read: only what is known of it";
  EXPECT_FLOAT_EQ(rows[2].score, 0.7f * 0.4f);
  EXPECT_FALSE(rows[2].reading);
}

TEST(Fusion, RanksEqualScoresByRow) {
  const std::vector<Hit> lexical = {{3, 7}, {3, 5}, {3, 6}};
  const auto found = fuse(std::nullopt, lexical, {.most_lexical = 3});
  EXPECT_EQ(found[0].row, 5u);
  EXPECT_EQ(found[1].row, 6u);
  EXPECT_EQ(found[2].row, 7u);
}

}  // namespace
}  // namespace attar::engine
