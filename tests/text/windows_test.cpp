#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "base/random.h"
#include "text/windows/best_fit.h"
#include "text/windows/cut.h"

namespace attar::text {
namespace {

std::vector<std::uint32_t> sizes_of(base::Random& random, std::size_t count, std::uint32_t capacity) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto most = random.below(3) == 0 ? capacity : std::max(capacity / 8, 1U);
    out.push_back(static_cast<std::uint32_t>(random.below(most + 1)));
  }
  return out;
}

/// Windows of the plain algorithms, which look at every window for every document.
std::size_t plain_windows(std::vector<std::uint32_t> sizes, std::uint32_t capacity, bool best) {
  if (best) std::ranges::stable_sort(sizes, std::greater{});
  std::vector<std::uint32_t> spaces;
  for (const std::uint32_t size : sizes) {
    std::size_t found = spaces.size();
    for (std::size_t i = 0; i < spaces.size(); ++i)
      if (spaces[i] >= size && (found == spaces.size() || (best && spaces[i] < spaces[found]))) found = i;
    if (found == spaces.size()) spaces.push_back(capacity);
    spaces[found] -= size;
  }
  return spaces.size();
}

TEST(Windows, NoneIsOverfullAndNoDocumentIsLost) {
  base::Random random(1);
  for (int round = 0; round < 400; ++round) {
    const auto capacity = static_cast<std::uint32_t>(1 + random.below(round % 2 == 0 ? 50 : 9000));
    const auto sizes = sizes_of(random, random.below(300), capacity);
    const WindowPlan plan = best_fit_decreasing(sizes, capacity);
    ASSERT_EQ(plan.window_of.size(), sizes.size());
    std::vector<std::uint64_t> full(plan.windows);
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      ASSERT_LE(plan.window_of[i], next) << "windows are numbered by their first document";
      next = std::max(next, plan.window_of[i] + 1);
      full[plan.window_of[i]] += sizes[i];
    }
    EXPECT_EQ(next, plan.windows);
    for (const std::uint64_t tokens : full) ASSERT_LE(tokens, capacity);
    EXPECT_EQ(plan.windows, plain_windows(sizes, capacity, true));
    EXPECT_EQ(first_fit_windows(sizes, capacity), plain_windows(sizes, capacity, false));
    const std::uint64_t tokens = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    EXPECT_LE(plan.windows, 11 * plain_windows(sizes, capacity, false) / 9 + 1);
    EXPECT_EQ(concatenate_and_cut(sizes, capacity).windows, (tokens + capacity - 1) / capacity);
  }
}

TEST(Windows, CuttingCutsWhatLiesAcrossAnEnd) {
  EXPECT_EQ(concatenate_and_cut(std::vector<std::uint32_t>{6, 4, 5, 6, 0}, 10).cut, 1u);
  EXPECT_EQ(concatenate_and_cut(std::vector<std::uint32_t>{25}, 10).cut, 1u);
  EXPECT_EQ(best_fit_decreasing(std::vector<std::uint32_t>{6, 4, 5, 6, 0}, 10).windows, 3u);
  EXPECT_EQ(best_fit_decreasing({}, 10).windows, 0u);
  EXPECT_EQ(first_fit_windows({}, 10), 0u);
}

/// A token a code point, and one more for every text.
class Letters final : public Tokenizer {
 public:
  Letters() : Tokenizer("letters", false) {}
  [[nodiscard]] std::size_t count(std::string_view text) const override {
    return 1 + static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
  }
  [[nodiscard]] Joins joins() const noexcept override { return Joins::anywhere; }
};

TEST(WindowPieces, MakeTheTextAndFit) {
  base::Random random(2);
  const auto four = open_tokenizer("characters/4").value();
  const Letters letters;
  const std::vector<std::string> alphabet = {"a", "b", " ", "\n", "\u00e9", "\u6f22", "\U0001f600", "word"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const std::size_t size = 1 + random.below(3000);
    while (text.size() < size) text += alphabet[random.below(alphabet.size())];
    const auto room = static_cast<std::uint32_t>(2 + random.below(60));
    for (const Tokenizer* tokenizer : std::initializer_list<const Tokenizer*>{four.get(), &letters}) {
      const auto pieces = cut_text(text, *tokenizer, room);
      std::size_t end = 0;
      for (const TextPiece& piece : pieces) {
        ASSERT_EQ(piece.begin, end);
        ASSERT_GT(piece.size(), 0u);
        end = piece.end;
        ASSERT_LE(piece.tokens, room);
        ASSERT_EQ(piece.tokens, tokenizer->count(std::string_view(text).substr(piece.begin, piece.size())));
        ASSERT_TRUE(end == text.size() || (text[end] & 0xC0) != 0x80) << "a code point is whole";
      }
      ASSERT_EQ(end, text.size());
    }
  }
}

TEST(WindowPieces, AreAsLongAsTheyMayBe) {
  const Letters letters;
  const std::string text(1000, 'a');
  const auto pieces = cut_text(text, letters, 101);
  ASSERT_EQ(pieces.size(), 10u);
  for (const TextPiece& piece : pieces) EXPECT_EQ(piece.size(), 100u);
  EXPECT_EQ(cut_text("aaaa bbbb cccc", letters, 8).at(0).end, 5u) << "behind a blank";
  EXPECT_TRUE(cut_text("aaaa", letters, 1).empty()) << "no room for one character";
  EXPECT_EQ(cut_text("\x80\x80\x80\x80\x80\x80", letters, 3).at(0).size(), 6u)
      << "bytes that begin nothing are no tokens here";
}

}  // namespace
}  // namespace attar::text
