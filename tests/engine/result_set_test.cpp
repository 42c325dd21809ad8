#include "engine/result_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/random.h"
#include "engine/relevance_map.h"

namespace attar::engine {
namespace {

ReadTexts read(const std::vector<std::string>& texts) {
  text::WordSplitter splitter = text::WordSplitter::make("english").value();
  ReadTexts out;
  for (const std::string& text : texts) out.add(splitter.split(text));
  return out;
}

TEST(ResultSet, NearDuplicatesShareNineOfTenWords) {
  const std::string twenty = "a b c d e f g h i j k l m n o p q r s t";
  const ReadTexts texts = read({twenty, twenty + " u v", twenty + " u v w", "", "another text", "", twenty + " a a a"});
  EXPECT_TRUE(texts.near_duplicates(0, 1)) << "20 of 22";
  EXPECT_FALSE(texts.near_duplicates(0, 2)) << "20 of 23";
  EXPECT_TRUE(texts.near_duplicates(0, 6)) << "how often a word stands there says nothing";
  EXPECT_FALSE(texts.near_duplicates(3, 4));
  EXPECT_TRUE(texts.near_duplicates(3, 5)) << "texts without a word are alike";
}

TEST(ResultSet, SimilaritiesAreCosines) {
  const ReadTexts texts = read({"red apples", "red apples", "green pears", "red pears", ""});
  const auto all = texts.similarities();
  const auto at = [&](std::size_t a, std::size_t b) { return all[a * texts.size() + b]; };
  for (std::size_t a = 0; a < texts.size(); ++a)
    for (std::size_t b = 0; b < texts.size(); ++b) EXPECT_EQ(at(a, b), at(b, a));
  EXPECT_NEAR(at(0, 1), 1, 1e-6);
  EXPECT_EQ(at(0, 2), 0);
  EXPECT_GT(at(2, 3), at(0, 3)) << "fewer texts have pears than red";
  EXPECT_EQ(at(4, 4), 0) << "a text without a word is near to none";
}

TEST(ResultSet, TheSecondAnswerSaysSomethingElse) {
  // Two near ones at the top, and one that stands alone.
  const std::vector<float> scores = {0.9f, 0.89f, 0.88f};
  const std::vector<float> similarities = {1, 0.95f, 0, 0.95f, 1, 0, 0, 0, 1};
  const auto order = diverse_order(scores, similarities, 3);
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2}))
      << "a neighbour of the best is lifted more than the other covers";
  const std::vector<float> few = {1, 0.3f, 0, 0.3f, 1, 0, 0, 0, 1};
  const std::vector<float> close = {0.9f, 0.5f, 0.88f};
  EXPECT_EQ(diverse_order(close, few, 3)[1], 2u);
}

TEST(ResultSet, WhatSharesWordsWithTheBestIsLifted) {
  const std::vector<float> scores = {0.9f, 0.5f, 0.45f};
  const std::vector<float> similarities = {1, 0, 0.6f, 0, 1, 0, 0.6f, 0, 1};
  EXPECT_EQ(diverse_order(scores, similarities, 3), (std::vector<std::size_t>{0, 2, 1}));
}

TEST(ResultSet, AnOrderHasEveryTextOnce) {
  base::Random random(7);
  for (std::size_t size = 0; size < 20; ++size) {
    std::vector<float> scores(size), similarities(size * size);
    for (float& score : scores) score = static_cast<float>(random.below(100)) / 100;
    for (std::size_t a = 0; a < size; ++a)
      for (std::size_t b = 0; b <= a; ++b)
        similarities[a * size + b] = similarities[b * size + a] =
            a == b ? 1 : static_cast<float>(random.below(100)) / 100;
    for (const std::size_t wanted : {std::size_t{0}, std::size_t{3}, size, size + 5}) {
      auto order = diverse_order(scores, similarities, wanted);
      std::ranges::sort(order);
      ASSERT_EQ(order.size(), size);
      for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(order[i], i);
    }
  }
}

TEST(Relevance, IsAProbabilityThatRisesWithTheScore) {
  for (const float best : {0.0f, 0.1f, 0.5f, 1.0f})
    for (const std::size_t terms : {std::size_t{0}, std::size_t{3}, std::size_t{50}}) {
      float last = 0;
      for (float score = 0; score <= best; score += 0.05f) {
        const float own = relevance(score, {.best = best, .terms = terms});
        EXPECT_GE(own, last);
        EXPECT_GT(own, 0);
        EXPECT_LT(own, 1);
        last = own;
      }
    }
  EXPECT_GT(relevance(0.6f, {.best = 0.6f, .terms = 5}), relevance(0.6f, {.best = 0.9f, .terms = 5}))
      << "beside a much better answer the same score means less";
}

}  // namespace
}  // namespace attar::engine
