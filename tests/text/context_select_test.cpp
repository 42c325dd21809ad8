#include "text/context/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"
#include "text/context/expectation.h"
#include "text/context/headings.h"
#include "text/context/relevance.h"
#include "text/context/relevance_model.h"

namespace attar::text::context {
namespace {

// Units in a row, some of them below others, with words and prices from a seed.
struct Problem {
  std::vector<Document> documents;
  std::vector<Worth> worths;
  Vocabulary vocabulary;
  std::vector<std::set<int>> words;

  explicit Problem(std::uint64_t seed, std::uint32_t units, bool nested) {
    base::Random random(seed);
    Document document;
    for (std::uint32_t i = 0; i < units; ++i) {
      Unit unit;
      std::set<int> own;
      std::string text;
      for (std::uint64_t w = 1 + random.below(4); w > 0; --w) own.insert(static_cast<int>(random.below(8)));
      for (const int word : own) text += "word" + std::to_string(word) + " ";
      vocabulary.add(text);
      words.push_back(own);
      if (nested && i > 0 && random.below(2) == 0) {
        const auto parent = static_cast<std::uint32_t>(random.below(i));
        if (document.units[parent].role != Role::closer) {
          unit.parent = parent;
          document.units[parent].role = Role::opener;
          if (random.below(4) == 0) unit.role = Role::closer;
        }
      }
      document.units.push_back(unit);
      Worth worth;
      worth.relevance = static_cast<float>(random.uniform());
      worth.tokens = static_cast<std::uint32_t>(1 + random.below(9));
      worth.candidate = unit.role != Role::closer;
      worths.push_back(worth);
    }
    documents.push_back(std::move(document));
  }

  // The objective of spec.md over a set: each word of a unit counts half as much each time that it was said.
  [[nodiscard]] double value(const std::vector<std::uint32_t>& order, double novelty) const {
    std::vector<int> said(8);
    double out = 0;
    for (const std::uint32_t unit : order) {
      double share = 0;
      for (const int word : words[unit]) share += std::ldexp(1.0, -said[static_cast<std::size_t>(word)]++);
      out += static_cast<double>(worths[unit].relevance) *
             (1 - novelty + novelty * share / static_cast<double>(words[unit].size()));
    }
    return out;
  }
};

TEST(ContextSelect, ItKeepsToTheBudgetAndKeepsNothingWithoutItsParent) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Problem problem(seed, 24, true);
    Selection selection(problem.documents, problem.worths, problem.vocabulary,
                        {.mark_tokens = static_cast<std::uint32_t>(seed % 4)});
    const auto& units = problem.documents[0].units;
    const std::int64_t budget = 10 + static_cast<std::int64_t>(seed % 60);
    selection.fill(budget);
    EXPECT_LE(selection.tokens(), budget);
    const auto expect_closed = [&] {
      for (std::uint32_t i = 0; i < units.size(); ++i) {
        if (units[i].parent == none) continue;
        EXPECT_TRUE(!selection.kept(i) || selection.kept(units[i].parent));
        EXPECT_TRUE(units[i].role != Role::closer || selection.kept(i) == selection.kept(units[i].parent));
      }
    };
    expect_closed();
    while (selection.give_up()) expect_closed();
    for (std::uint32_t i = 0; i < units.size(); ++i) EXPECT_FALSE(selection.kept(i));
    EXPECT_EQ(selection.tokens(), seed % 4);
  }
}

TEST(ContextSelect, GreedyComesNearTheBestThereIs) {
  double worst = 1;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Problem problem(seed, 10, false);
    constexpr double novelty = 0.5;
    constexpr std::int64_t budget = 25;
    Selection selection(problem.documents, problem.worths, problem.vocabulary, {.novelty = 0.5F, .mark_tokens = 0});
    selection.fill(budget);
    const auto in_order = [&](std::uint32_t mask) {  // as the objective counts: most relevant first
      std::vector<std::uint32_t> out;
      for (std::uint32_t i = 0; i < 10; ++i)
        if ((mask >> i & 1U) != 0) out.push_back(i);
      std::ranges::sort(out, [&](std::uint32_t a, std::uint32_t b) {
        return problem.worths[a].relevance > problem.worths[b].relevance;
      });
      return out;
    };
    std::uint32_t chosen = 0;
    for (std::uint32_t i = 0; i < 10; ++i) chosen |= selection.kept(i) ? 1U << i : 0U;
    double best = 0;
    for (std::uint32_t mask = 0; mask < 1024; ++mask) {
      std::int64_t tokens = 0;
      for (std::uint32_t i = 0; i < 10; ++i) tokens += (mask >> i & 1U) != 0 ? problem.worths[i].tokens : 0;
      if (tokens <= budget) best = std::max(best, problem.value(in_order(mask), novelty));
    }
    worst = std::min(worst, problem.value(in_order(chosen), novelty) / best);
  }
  EXPECT_GT(worst, 0.5 * (1 - std::exp(-1.0)));
}

TEST(ContextSelect, TiersGoFirst) {
  Problem problem(3, 12, false);
  for (std::size_t i = 0; i < 12; ++i)
    problem.worths[i] = {
        .relevance = i < 3 ? 0.01F : 1.0F, .tier = static_cast<std::uint8_t>(i < 3 ? 2 : 0), .tokens = 5};
  Selection selection(problem.documents, problem.worths, problem.vocabulary, {});
  selection.fill(15);
  for (std::uint32_t i = 0; i < 12; ++i) EXPECT_EQ(selection.kept(i), i < 3) << i;
}

TEST(ContextSelect, AGapShorterThanItsMarkIsNone) {
  Problem problem(3, 5, false);
  for (Worth& worth : problem.worths) worth = {.relevance = 1, .tokens = 2};
  problem.worths[2].candidate = false;
  Selection selection(problem.documents, problem.worths, problem.vocabulary, {.mark_tokens = 4});
  selection.fill(12);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(selection.kept(i)) << i;
}

TEST(ContextExpectation, QuestionsAskForKindsOfThings) {
  const Expectation who("Who wrote the Iron Lady?");
  EXPECT_EQ(who.fit("It was written by Hugo Young."), 1);
  EXPECT_EQ(who.fit("The Iron Lady is a book."), -1);
  const Expectation when("When did the deploy fail");
  EXPECT_EQ(when.fit("It failed in 1999."), 1);
  EXPECT_EQ(when.fit("It failed in March."), 1);
  EXPECT_EQ(when.fit("It failed at once."), -1);
  const Expectation many("How many planets are there?");
  EXPECT_EQ(many.fit("There are eight."), 1);
  EXPECT_EQ(many.fit("There are some."), -1);
  EXPECT_EQ(Expectation("Is it so?").fit("It is."), 0);
  EXPECT_EQ(Expectation("").fit(""), 0);
}

TEST(ContextHeadings, TextNamesThem) {
  auto splitter = WordSplitter::make("english").value();
  Headings headings;
  const auto apple = headings.add("Apple (company)", true, splitter),
             two = headings.add("Guido van Rossum", true, splitter), the = headings.add("The", false, splitter);
  EXPECT_EQ(headings.add("Apple (company)", true, splitter), apple);
  const auto named = [&](std::string_view text) {
    std::vector<std::uint64_t> terms;
    std::vector<std::uint32_t> out;
    const auto words = splitter.split(text);
    terms.reserve(words.size());
    for (const Word& word : words) terms.push_back(term_hash(word.term));
    for (std::size_t i = 0; i < words.size(); ++i)
      headings.named_at(terms, i, is_marked(text.substr(words[i].begin, words[i].end - words[i].begin)), out);
    return out;
  };
  EXPECT_EQ(named("It was bought by Apple for its parts"), std::vector<std::uint32_t>{apple});
  EXPECT_EQ(named("an apple a day"), std::vector<std::uint32_t>{});
  EXPECT_EQ(named("written by guido van rossum in The year"), std::vector<std::uint32_t>{two});
  EXPECT_EQ(named("Guido van"), std::vector<std::uint32_t>{});
  EXPECT_EQ(std::ranges::count(named("The end"), the), 0);
}

float feature(const Features& features, Feature which) { return features[static_cast<std::size_t>(which)]; }

TEST(ContextRelevance, WhatIsNamedByWhatIsAskedIsRelevant) {
  auto splitter = WordSplitter::make("english").value();
  Relevance relevance(**embedded_encoder(), splitter);
  const std::vector<Passage> passages = {
      {.text = "Python was begun in 1989.", .heading = "Python", .paragraph = 0},
      {.text = "It was created by Guido van Rossum.", .heading = "Python", .paragraph = 0},
      {.text = "He was born in Haarlem.", .heading = "Guido van Rossum", .paragraph = 1},
      {.text = "The town has a harbour.", .heading = "Bergen", .paragraph = 2},
  };
  relevance.ask("Where was the creator of Python born?");
  const auto seen = relevance.look_at(passages);
  EXPECT_EQ(feature(seen[0], Feature::asked), 1);
  EXPECT_EQ(feature(seen[2], Feature::asked), 0);
  EXPECT_GT(feature(seen[2], Feature::linked), 0);
  EXPECT_EQ(feature(seen[3], Feature::linked), 0);
  EXPECT_GT(feature(seen[1], Feature::naming), 0);
  EXPECT_EQ(feature(seen[0], Feature::first), 1);
  EXPECT_EQ(feature(seen[1], Feature::first), 0);
  EXPECT_EQ(feature(seen[2], Feature::fitting), 1);
  EXPECT_GT(probability(seen[2]), probability(seen[3]));
  EXPECT_GT(probability(seen[1]), probability(seen[3]));
  for (const Features& features : seen)
    for (const float value : features) EXPECT_TRUE(std::isfinite(value));
}

TEST(ContextRelevance, AQuestionOfNothingIsNoFailure) {
  auto splitter = WordSplitter::make("english").value();
  Relevance relevance(**embedded_encoder(), splitter);
  const std::vector<Passage> passages = {
      {.text = "", .heading = ""}, {.text = "\xff\xfe", .heading = "\xff"}, {.text = "words", .heading = ""}};
  for (const std::string_view question : {"", "?", "\xff", "the of and"}) {
    relevance.ask(question);
    for (const Features& features : relevance.look_at(passages)) EXPECT_TRUE(std::isfinite(probability(features)));
    EXPECT_TRUE(relevance.look_at({}).empty());
  }
}

}  // namespace
}  // namespace attar::text::context
