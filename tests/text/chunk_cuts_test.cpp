#include "text/chunk/cuts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attar::text::chunking {
namespace {

std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> out;
  const auto end = static_cast<std::uint32_t>(text.size());
  for (std::uint32_t at = 0, next = 0; at < end; at = next) {
    next = sentence_end(text, at, end, has_case(text)).end;
    out.emplace_back(text.substr(at, next - at));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(ChunkCuts, SentencesEndAtStopsBeforeWhiteSpace) {
  EXPECT_EQ(sentences("It is 3.14. Is it? Yes! (\"Really.\") Well\u2026 No."),
            (Texts{"It is 3.14. ", "Is it? ", "Yes! ", "(\"Really.\") ", "Well\u2026 ", "No."}));
  EXPECT_EQ(sentences("See attar.cpp for it. \u00c9t\u00e9 begins. \u00abOui.\u00bb"),
            (Texts{"See attar.cpp for it. ", "\u00c9t\u00e9 begins. ", "\u00abOui.\u00bb"}));
}

TEST(ChunkCuts, AbbreviationsAndInitialsEndNone) {
  for (const char* text :
       {"Dr. Who met J. R. Hartley at St. Mary's.", "Cells, e.g. Neurons, and U.S. Companies vs. Others.",
        "See Fig. 3 and no. 5.", "1. The first", "He said \"Oh!\" and left.", "It is Yahoo! , a firm.",
        "Wait ... what is it", "Ver lit . Valkyria of N. Africa"})
    EXPECT_EQ(sentences(text).size(), 1u) << text;
  EXPECT_EQ(sentences("She said no. The rest was silence.").size(), 2u) << "an abbreviation before digits only";
  EXPECT_EQ(sentences("It grew in 2017. The next year not.").size(), 2u);
}

TEST(ChunkCuts, TextWithoutCapitalsIsReadWithoutThem) {
  EXPECT_EQ(sentences("sales rose in 2017. the company inc. paid. it ended."),
            (Texts{"sales rose in 2017. ", "the company inc. paid. ", "it ended."}));
}

TEST(ChunkCuts, ScriptsWithOtherStops) {
  EXPECT_EQ(sentences("\u6f22\u5b57\u3002\u5b57\uff01\u300d\u6f22"),
            (Texts{"\u6f22\u5b57\u3002", "\u5b57\uff01\u300d", "\u6f22"}));
  EXPECT_EQ(sentences("\u0928\u092e\u0964 \u0928\u092e").size(), 2u);
}

TEST(ChunkCuts, LinesKnowTheirTextAndIndent) {
  const std::string text = " \ta b \r\n\n  ";
  const Line first = read_line(text, 0);
  EXPECT_EQ(first.in(text), "a b");
  EXPECT_EQ(first.indent, 4u);
  EXPECT_EQ(first.next, 8u);
  EXPECT_TRUE(read_line(text, 8).blank());
  EXPECT_EQ(read_line(text, 9).next, text.size());
}

TEST(ChunkCuts, PlacesBetweenCodePoints) {
  const std::string text = "a\u6f22e\u0301\u0302x";
  EXPECT_EQ(whole_code_points(text, 0, 3), 1u) << "not in the midst";
  EXPECT_EQ(whole_code_points(text, 0, 7), 4u) << "nor before marks";
  EXPECT_EQ(whole_code_points(text, 1, 2), 4u) << "at least one";
  EXPECT_EQ(whole_code_points(text, 4, 7), 7u) << "marks alone, where nothing else is left";
  EXPECT_EQ(whole_code_points(text, 4, static_cast<std::uint32_t>(text.size())), text.size());
  const std::string broken = "\xe6\xbc\xe6\x80\x80\x80";
  EXPECT_EQ(code_point_end(broken, 0), 1u);
  EXPECT_EQ(code_point_end(broken, 2), 5u);
  EXPECT_EQ(whole_code_points(broken, 0, 2), 2u) << "bytes of no code point stand for themselves";
  EXPECT_EQ(whole_code_points(broken, 0, 4), 2u);
  EXPECT_EQ(code_point_end("\ufffd", 0), 3u);
}

TEST(ChunkCuts, ClausesAndWords) {
  EXPECT_EQ(clause_end("a,b, c", 0, 6, false), 5u);
  EXPECT_EQ(clause_end("a,b, c", 0, 6, true), 2u);
  EXPECT_EQ(clause_end("a:b {c", 0, 6, true), 5u);
  EXPECT_EQ(clause_end("\u6f22\u3001\u5b57", 0, 9, false), 6u);
  EXPECT_EQ(word_end("  ab  c", 0, 7), 6u);
}

}  // namespace
}  // namespace attar::text::chunking
