#include "text/reading/reading.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace attar::text {
namespace {

struct Fixture {
  const StaticEncoder& table = *embedded_encoder().value();
  WordSplitter splitter = WordSplitter::make("english").value();
  Reader reader{table, splitter};
  std::vector<WeighedTerm> terms;

  void ask(std::string_view question) {
    terms.clear();
    for (const Word& word : splitter.split(question)) terms.push_back({std::string(word.term), 1});
    reader.ask(question, terms);
  }
};

TEST(Reader, ATextThatIsTheQuestionHasEverything) {
  Fixture at;
  at.ask("rotate the signing keys");
  const Impression own = at.reader.read("Rotate the signing keys");
  EXPECT_NEAR(own.words, 1, 1e-4);
  EXPECT_GT(own.passage, 0.9f);
  EXPECT_FLOAT_EQ(own.lead, 1);
}

TEST(Reader, NearWordsCountForMoreThanFarOnes) {
  Fixture at;
  at.ask("automobile insurance");
  const Impression near = at.reader.read("Cover for your car after an accident."),
                   far = at.reader.read("A recipe for onion soup.");
  EXPECT_GT(near.words, far.words + 0.1f);
  EXPECT_GT(near.passage, far.passage + 0.1f);
  EXPECT_EQ(near.lead, 0) << "no word of the question stands there";
}

TEST(Reader, ThePassageIsOneSentenceAndNotAll) {
  Fixture at;
  at.ask("how fast does a cheetah run");
  const std::string answer = "The cheetah runs at 110 kilometres an hour.";
  const std::string around = " Bread is baked of flour and water. Banks lend money at interest. ";
  const float alone = at.reader.read(answer).passage;
  EXPECT_NEAR(at.reader.read(around + answer + around).passage, alone, 1e-5);
  EXPECT_NEAR(at.reader.read("* Bread and butter\n* " + answer).passage, alone, 0.05);
}

TEST(Reader, TheLeadIsTheBeginning) {
  Fixture at;
  at.ask("cheetah speed");
  std::string late;
  for (int i = 0; i < 40; ++i) late += "bread and butter ";
  EXPECT_FLOAT_EQ(at.reader.read("The cheetah at speed. " + late).lead, 1);
  EXPECT_FLOAT_EQ(at.reader.read("The cheetah. " + late).lead, 0.5f);
  EXPECT_FLOAT_EQ(at.reader.read(late + "cheetah speed").lead, 0);
}

TEST(Reader, WhatWasReadBeforeChangesNothing) {
  Fixture first, second;
  const std::vector<std::string> texts = {
      "Keys are rotated once a year.", "", "\xff\xfe", std::string(100'000, 'q'), "\u6f22\u5b57 and others",
      "Keys are rotated once a year."};
  first.ask("bread and butter");
  for (const std::string& text : texts) static_cast<void>(first.reader.read(text));
  first.ask("rotate keys");
  second.ask("rotate keys");
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) static_cast<void>(first.reader.read(*text));
  for (const std::string& text : texts) {
    const Impression a = first.reader.read(text), b = second.reader.read(text);
    EXPECT_EQ(a.words, b.words);
    EXPECT_EQ(a.passage, b.passage);
    EXPECT_EQ(a.lead, b.lead);
    for (const float part : {a.words, a.passage, a.lead}) {
      EXPECT_GE(part, 0);
      EXPECT_LE(part, 1);
    }
  }
}

TEST(Reader, AQuestionOfNoWordsFindsNothing) {
  Fixture at;
  at.ask("");
  const Impression own = at.reader.read("Keys are rotated once a year.");
  EXPECT_EQ(own.words, 0);
  EXPECT_EQ(own.passage, 0);
  EXPECT_EQ(own.lead, 0);
}

}  // namespace
}  // namespace attar::text
