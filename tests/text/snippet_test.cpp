#include "text/snippet/snippet.h"

#include <gtest/gtest.h>

namespace attar::text {
namespace {

WordSplitter english() { return WordSplitter::make("english").value(); }

std::string_view shown(std::string_view text, const Snippet& snippet) {
  return text.substr(snippet.shown.begin, snippet.shown.end - snippet.shown.begin);
}

std::vector<std::string> marked(std::string_view text, const Snippet& snippet) {
  std::vector<std::string> out;
  for (const Stretch& mark : snippet.marks) out.emplace_back(text.substr(mark.begin, mark.end - mark.begin));
  return out;
}

TEST(Snippet, ShowsTheBeginningWhereNothingMatches) {
  auto splitter = english();
  const std::string_view text = "One two three four five six seven eight.";
  const Snippet found = snippet(text, std::vector<WeighedTerm>{{"zebra", 1}}, 13, splitter);
  EXPECT_EQ(shown(text, found), "One two three");
  EXPECT_TRUE(found.marks.empty());
}

TEST(Snippet, FindsWhereTheRarestTermsStandTogether) {
  auto splitter = english();
  const std::string_view text =
      "Keys are listed here. Many pages later the manual says: rotate the keys every month. Nothing else is said about "
      "it.";
  const Snippet found = snippet(text, std::vector<WeighedTerm>{{"rotat", 3}, {"key", 1}, {"month", 2}}, 50, splitter);
  EXPECT_EQ(marked(text, found), (std::vector<std::string>{"rotate", "keys", "month"}));
  EXPECT_LE(found.shown.end - found.shown.begin, 51u);  // with the full stop
  EXPECT_NE(shown(text, found).find("rotate the keys every month."), std::string_view::npos);
}

TEST(Snippet, MarksWordsByTheirStems) {
  auto splitter = english();
  const std::string_view text = "Rotating, rotation and rotated";
  const Snippet found = snippet(text, std::vector<WeighedTerm>{{"rotat", 1}}, 100, splitter);
  EXPECT_EQ(marked(text, found), (std::vector<std::string>{"Rotating", "rotation", "rotated"}));
}

TEST(Snippet, TakesTheFirstOfEqualPlaces) {
  auto splitter = english();
  const std::string_view text = "alpha one two three four five six seven alpha";
  const Snippet found = snippet(text, std::vector<WeighedTerm>{{"alpha", 1}}, 10, splitter);
  EXPECT_EQ(found.shown.begin, 0u);
}

TEST(Snippet, NeverCutsAWordAndMayShowOneThatIsTooLong) {
  auto splitter = english();
  const std::string_view text = "pneumonoultramicroscopicsilicovolcanoconiosis";
  const Snippet found = snippet(text, std::vector<WeighedTerm>{}, 10, splitter);
  EXPECT_EQ(shown(text, found), text);
  EXPECT_TRUE(shown("...", snippet("...", {}, 10, splitter)).empty());
}

}  // namespace
}  // namespace attar::text
