#include "text/question/question.h"

#include <gtest/gtest.h>

namespace attar::text {
namespace {

using Terms = std::vector<std::string>;

TEST(Question, TellsPhrasesFromWords) {
  auto splitter = WordSplitter::make("english").value();
  const Question found = read_question("how do I \"rotate the keys\" of \"backup server\"?", splitter);
  EXPECT_EQ(found.words, "how do I  rotate the keys  of  backup server ?");
  EXPECT_EQ(found.phrases, (std::vector<Terms>{{"rotat", "the", "key"}, {"backup", "server"}}));
  EXPECT_EQ(found.terms, (Terms{"how", "do", "i", "rotat", "the", "key", "of", "backup", "server"}));
}

TEST(Question, KeepsALoneQuoteAndForgetsEmptyPhrases) {
  auto splitter = WordSplitter::make("english").value();
  const Question lone = read_question("a 3\" disk", splitter);
  EXPECT_EQ(lone.words, "a 3\" disk");
  EXPECT_TRUE(lone.phrases.empty());
  const Question empty = read_question("\"\" \"...\" word", splitter);
  EXPECT_TRUE(empty.phrases.empty());
  EXPECT_EQ(empty.terms, Terms{"word"});
  EXPECT_TRUE(read_question("", splitter).terms.empty());
}

TEST(Question, FindsAPhraseOnlyWhereItsWordsFollowOneAnother) {
  auto splitter = WordSplitter::make("english").value();
  const Terms phrase = {"rotat", "the", "key"};
  EXPECT_TRUE(holds_phrase(splitter.split("When rotating the keys, wait."), phrase));
  EXPECT_FALSE(holds_phrase(splitter.split("Rotate all the keys."), phrase));
  EXPECT_FALSE(holds_phrase(splitter.split("the keys rotate"), phrase));
  EXPECT_FALSE(holds_phrase(splitter.split(""), phrase));
}

}  // namespace
}  // namespace attar::text
