#include "text/words/words.h"

#include <gtest/gtest.h>

#include <string>

namespace attar::text {
namespace {

std::string terms(std::string_view text, std::string_view language = "none") {
  WordSplitter splitter = WordSplitter::make(language).value();
  std::string out;
  for (const Word& word : splitter.split(text)) out += (out.empty() ? "" : " ") + std::string(word.term);
  return out;
}

TEST(Words, AreRunsOfLettersDigitsAndUnderscores) {
  EXPECT_EQ(terms("Rotate the keys: rotate_keys(3, \"x-y\")."), "rotate the keys rotate_keys 3 x y");
  EXPECT_EQ(terms(""), "");
  EXPECT_EQ(terms(" \t\n.,;"), "");
}

TEST(Words, LettersAfterAnApostropheAreNone) {
  EXPECT_EQ(terms("don't it\u2019s l'eau rock'n'roll 'a"), "don it l eau rock roll a");
}

TEST(Words, CaseAndAccentsGo) {
  EXPECT_EQ(terms("\u00c9t\u00e9 \u00e9t\u00e9 e\u0301te\u0301 \u00c5ngstr\u00f6m"), "ete ete ete angstrom");
  EXPECT_EQ(terms("\u0301"), "") << "a mark alone leaves nothing";
}

TEST(Words, IdeographsAndKanaStandAlone) { EXPECT_EQ(terms("\u6f22\u5b57abc\u30ab"), "\u6f22 \u5b57 abc \u30ab"); }

TEST(Words, AreStemmedWhereTheyAreLetters) {
  EXPECT_EQ(terms("Running runs, generalization x86ing", "english"), "run run general x86ing");
  EXPECT_EQ(terms("H\u00e4user", "german"), terms("haus", "german"));
  const auto unknown = WordSplitter::make("klingon");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(unknown.error().message.find("english"), std::string::npos);
}

std::string indexed(std::string_view text, std::string_view language = "none") {
  WordSplitter splitter = WordSplitter::make(language).value();
  std::string out;
  for (const Word& word : splitter.split_with_parts(text)) {
    out += (out.empty() ? "" : " ") + std::string(word.term);
    EXPECT_LT(word.begin, word.end);
  }
  return out;
}

TEST(Words, AnIndexHoldsThePartsOfCompoundsToo) {
  EXPECT_EQ(indexed("HTML::FormHandler"), "html formhandler form handler");
  EXPECT_EQ(indexed("HTMLForm utf8 rotate_keys"), "htmlform html form utf8 utf rotate_keys rotate keys");
  EXPECT_EQ(indexed("runningTests", "english"), "runningtest run test");
  EXPECT_EQ(indexed("Plain words, x86 A1 __ _a_"), "plain words x86 86 a1 __ _a_") << "parts of one letter are none";
  EXPECT_EQ(indexed("\u00c9t\u00e9Grand e\u0301E\u0301e"), "etegrand ete grand eee ee");
  EXPECT_EQ(terms("FormHandler rotate_keys"), "formhandler rotate_keys") << "a question means what it says";
}

TEST(Words, LongOnesAreCut) {
  WordSplitter splitter = WordSplitter::make("none").value();
  const std::string text(150, 'q');
  const auto& words = splitter.split(text);
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[0].term.size(), 64u);
  EXPECT_EQ(words[2].term.size(), 22u);
}

TEST(Words, PlacesAreThoseOfTheInput) {
  WordSplitter splitter = WordSplitter::make("english").value();
  const std::string text =
      "\u00ab\u00c9t\u00e9s\u00bb running, \u6f22\xff"
      "x";
  const std::vector<std::string> expected = {"\u00c9t\u00e9s", "running", "\u6f22", "x"};
  for (int again = 0; again < 2; ++again) {
    const auto& words = splitter.split(text);
    ASSERT_EQ(words.size(), expected.size());
    for (std::size_t i = 0; i < words.size(); ++i)
      EXPECT_EQ(text.substr(words[i].begin, words[i].end - words[i].begin), expected[i]);
  }
}

}  // namespace
}  // namespace attar::text
