// The pieces of the command line that a run of the binary shows badly.
#include <gtest/gtest.h>

#include "curve_svg.h"
#include "output.h"
#include "progress_bar.h"
#include "suggest.h"

namespace attar::cli {
namespace {

TEST(ProgressBar, ShowsShareRateAndTimeLeft) {
  const std::string bar = render_bar("encoding", 250, 1000, 10, 79);
  for (const char* word : {"encoding", " 25%", "25/s", "0:30 left", "##########-"})
    EXPECT_NE(bar.find(word), std::string::npos) << "no \"" << word << "\" in " << bar;
}

TEST(ProgressBar, FitsEveryWidthAndEveryNumber) {
  for (std::size_t width = 0; width < 200; ++width)
    for (const std::uint64_t done : {0ull, 1ull, 1000ull, 5'000'000'000ull, ~0ull})
      for (const std::uint64_t total : {0ull, 1ull, 1000ull, ~0ull})
        EXPECT_LE(render_bar("finding true neighbours", done, total, 2.5, width).size(), width);
}

TEST(ProgressBar, WithoutATotalTellsWhatIsDone) {
  EXPECT_EQ(render_bar("reading", 30'000, 0, 2, 79), "reading  30000  15.0k/s");
}

TEST(Output, Grouping) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567890), "1,234,567,890");
}

TEST(Output, ControlBytesAndBadUtf8AreShownAsNumbers) {
  EXPECT_EQ(printable("a b"), "a b");
  EXPECT_EQ(printable("Übung 数"), "Übung 数");
  EXPECT_EQ(printable("a\nb\x1b[0m"), "a\\x0ab\\x1b[0m");
  EXPECT_EQ(printable("\xc3"), "\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "abc"),
            "\\xe2\\x80\\xae"
            "abc")
      << "would write the name backwards";
}

TEST(Output, TablesAlignWithoutTabsAndTrailingBlanks) {
  Table table({"name", "bytes"});
  table.add({"é", "1"});
  table.add({"longer", "1000"});
  EXPECT_EQ(table.text(), "name    bytes\né           1\nlonger   1000\n");
}

TEST(Suggest, NearWordsOnly) {
  const std::vector<std::string> words{"search", "verify", "pack"};
  EXPECT_EQ(nearest_word("serach", words), "search");
  EXPECT_EQ(nearest_word("verfy", words), "verify");
  EXPECT_EQ(nearest_word("pakc", words), "pack");
  EXPECT_EQ(nearest_word("compress", words), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 's'), words), "");
}

TEST(CurveSvg, DrawsAnyPoints) {
  const std::string odd = draw_curves({{"one", {{"a", 100, 1, 1, 1}}}, {"two", {{"b", 0.01, 0, 0, 0}}}}, 10);
  EXPECT_EQ(odd.find("nan"), std::string::npos) << odd;
  EXPECT_EQ(odd.find("inf"), std::string::npos) << odd;
  const std::string same = draw_curves({{"one", {{"a", 64, 0.95, 0.95, 0.95}}}}, 10);
  EXPECT_EQ(same.find("nan"), std::string::npos) << same;
}

TEST(CurveSvg, EqualStepsHalveTheMisses) {
  const auto height = [](const std::string& svg, const std::string& name) {
    const std::size_t title = svg.find("<title>" + name);
    const std::size_t at = svg.rfind("cy=\"", title);
    return std::stod(svg.substr(at + 4));
  };
  const std::string svg =
      draw_curves({{"x", {{"a", 10, 0.9, 0.9, 0.9}, {"b", 20, 0.95, 0.95, 0.95}, {"c", 30, 0.975, 0.975, 0.975}}}}, 10);
  EXPECT_NEAR(height(svg, "a") - height(svg, "b"), height(svg, "b") - height(svg, "c"), 0.2);
  EXPECT_GT(height(svg, "a"), height(svg, "b")) << "more recall stands higher";
}

}  // namespace
}  // namespace attar::cli
