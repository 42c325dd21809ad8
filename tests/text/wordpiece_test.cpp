#include "text/wordpiece/wordpiece.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attar::text {
namespace {

constexpr std::string_view vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"
    "un\n##aff\n##able\nthe\n,\n.\nhello\n##s\ncafe\n\u6f22\n\u5b57\na\n##b\nab\nabc\n##d\nstraße\n!\n'\n";

WordPiece tokenizer() { return WordPiece::make(vocabulary).value(); }

std::vector<Token> tokens(const WordPiece& t, std::string_view text, std::size_t most = 100) {
  std::vector<Token> out;
  t.tokenize(text, most, out);
  return out;
}

// Tokens as they stand in the vocabulary, spaces between.
std::string names(std::string_view text) {
  static const std::vector<std::string> lines = [] {
    std::vector<std::string> out;
    for (std::string_view rest = vocabulary; !rest.empty();) {
      out.emplace_back(rest.substr(0, rest.find('\n')));
      rest.remove_prefix(out.back().size() + 1);
    }
    return out;
  }();
  std::string out;
  for (const Token& token : tokens(tokenizer(), text)) out += (out.empty() ? "" : " ") + lines[token.id];
  return out;
}

TEST(WordPiece, TakesTheLongestPieceFirst) {
  EXPECT_EQ(names("unaffable"), "un ##aff ##able");
  EXPECT_EQ(names("abcd abd"), "abc ##d ab ##d");
  EXPECT_EQ(names("The  HELLOs"), "the hello ##s");
}

TEST(WordPiece, AWordThatCannotBeCutIsUnknownAsAWhole) {
  EXPECT_EQ(names("unx the"), "[UNK] the");
  EXPECT_EQ(names(std::string(101, 'a') + " a"), "[UNK] a");
  EXPECT_EQ(tokens(tokenizer(), std::string(100, 'b')).size(), 1u);
}

TEST(WordPiece, PunctuationAndIdeographsAreWordsOfTheirOwn) {
  EXPECT_EQ(names("hello,the."), "hello , the .");
  EXPECT_EQ(names("\u6f22\u5b57the"), "\u6f22 \u5b57 the");
  EXPECT_EQ(names("\u00a1the\u2019the"), "[UNK] the [UNK] the") << "category P beyond ASCII";
}

TEST(WordPiece, AccentsAndCaseAndInvisibleCharactersGo) {
  EXPECT_EQ(names("Caf\u00e9 cafe\u0301 CAF\u00c9"), "cafe cafe cafe");
  EXPECT_EQ(names("the\u200d\u00ad\u0007\ufeff"), "the");
  EXPECT_EQ(names("a\u00a0a\u3000a\ta\u2028a"), "a a a a a") << "all sorts of white space";
  EXPECT_EQ(names(std::string_view("a\0b", 3)), "ab");
}

TEST(WordPiece, BytesThatAreNoTextAreLeftOut) {
  EXPECT_EQ(names("a\xff\xfe"
                  "b"),
            "ab");
  EXPECT_EQ(names("\xe6\xbc"), "");
  EXPECT_EQ(names("the\xf0\x9f"), "the");
}

TEST(WordPiece, PlacesAreThoseOfTheInput) {
  const std::string text = "  Unaffable, Caf\u00e9 \u6f22xyz";
  const auto found = tokens(tokenizer(), text);
  const std::vector<std::string> expected = {"Un", "aff", "able", ",", "Caf\u00e9", "\u6f22", "xyz"};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(text.substr(found[i].begin, found[i].end - found[i].begin), expected[i]);
}

TEST(WordPiece, NoMoreThanAskedForAndAppended) {
  const WordPiece t = tokenizer();
  const auto all = tokens(t, "unaffable the hello");
  for (std::size_t most = 0; most <= all.size(); ++most) {
    std::vector<Token> out = {{7, 8, 9}};
    t.tokenize("unaffable the hello", most, out);
    ASSERT_EQ(out.size(), most + 1);
    EXPECT_EQ(out[0], (Token{7, 8, 9}));
    for (std::size_t i = 0; i < most; ++i) EXPECT_EQ(out[i + 1], all[i]);
  }
}

TEST(WordPiece, RefusesWhatIsNoVocabulary) {
  EXPECT_EQ(WordPiece::make("the\na\n").error().code, ErrorCode::invalid_data);
  EXPECT_EQ(WordPiece::make("").error().code, ErrorCode::invalid_data);
  EXPECT_EQ(WordPiece::make("[UNK]\n" + std::string(300, 'x')).error().code, ErrorCode::over_limit);
  const WordPiece windows = WordPiece::make("[UNK]\r\nthe\r\n").value();
  EXPECT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows.id_of("the"), 1u);
  EXPECT_FALSE(windows.id_of("thee"));
}

}  // namespace
}  // namespace attar::text
