#include "text/context/expectation.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "text/chunk/cuts.h"
#include "text/unicode.h"

namespace attar::text::context {
namespace {

constexpr std::size_t looked_at = 512;  // bytes of a question

// The first that the question holds, between its words, decides.
constexpr std::array<std::pair<std::string_view, Expectation::Kind>, 30> phrases = {{
    {" how many ", Expectation::Kind::quantity},
    {" how much ", Expectation::Kind::quantity},
    {" how old ", Expectation::Kind::quantity},
    {" how long ", Expectation::Kind::quantity},
    {" how tall ", Expectation::Kind::quantity},
    {" how far ", Expectation::Kind::quantity},
    {" how large ", Expectation::Kind::quantity},
    {" how big ", Expectation::Kind::quantity},
    {" how often ", Expectation::Kind::quantity},
    {" how fast ", Expectation::Kind::quantity},
    {" what number ", Expectation::Kind::quantity},
    {" population ", Expectation::Kind::quantity},
    {" what percent", Expectation::Kind::quantity},
    {" when ", Expectation::Kind::time},
    {" what year ", Expectation::Kind::time},
    {" which year ", Expectation::Kind::time},
    {" what date ", Expectation::Kind::time},
    {" what day ", Expectation::Kind::time},
    {" what month ", Expectation::Kind::time},
    {" what century ", Expectation::Kind::time},
    {" what decade ", Expectation::Kind::time},
    {" who ", Expectation::Kind::name},
    {" whom ", Expectation::Kind::name},
    {" whose ", Expectation::Kind::name},
    {" where ", Expectation::Kind::name},
    {" what country ", Expectation::Kind::name},
    {" which country ", Expectation::Kind::name},
    {" what city ", Expectation::Kind::name},
    {" which city ", Expectation::Kind::name},
    {" what state ", Expectation::Kind::name},
}};
constexpr std::array<std::string_view, 15> number_words = {"one",   "two",     "three",    "four",    "five",
                                                           "six",   "seven",   "eight",    "nine",    "ten",
                                                           "dozen", "hundred", "thousand", "million", "billion"};
constexpr std::array<std::string_view, 13> time_words = {"January",  "February", "March",  "April",     "May",
                                                         "June",     "July",     "August", "September", "October",
                                                         "November", "December", "century"};

using chunking::is_digit;
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
char lower(char c) noexcept { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower(std::string_view text) {
  std::string out;
  std::ranges::transform(text, std::back_inserter(out), [](char c) { return lower(c); });
  return out;
}

// Calls `take` with each run of letters, digits and what lies beyond ASCII, and with whether a sentence begins there,
// until it returns true; whether it did.
template <class Take>
bool any_word(std::string_view text, Take take) {
  bool start = true;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() &&
           (static_cast<unsigned char>(text[end]) >= 0x80 || is_word(static_cast<unsigned char>(text[end]))))
      ++end;
    if (end > at) {
      if (take(text.substr(at, end - at), start)) return true;
      start = false;
      at = end;
      continue;
    }
    if (text[at] == '.' || text[at] == '!' || text[at] == '?' || text[at] == ':') start = true;
    ++at;
  }
  return false;
}

bool has_year(std::string_view word) noexcept { return word.size() == 4 && std::ranges::all_of(word, is_digit); }

bool has_time(std::string_view text) {
  return any_word(text, [](std::string_view word, bool) {
    return has_year(word) || std::ranges::find(time_words, word) != time_words.end();
  });
}

bool has_quantity(std::string_view text) {
  return std::ranges::any_of(text, is_digit) || any_word(text, [](std::string_view word, bool) {
           return std::ranges::find(number_words, word) != number_words.end();
         });
}

}  // namespace

Expectation::Expectation(std::string_view question) {
  question = question.substr(0, looked_at);
  std::string spaced = " ";
  any_word(question, [&](std::string_view word, bool) {
    known_.push_back(lower(word));
    spaced += known_.back() + " ";
    return false;
  });
  const auto found = std::ranges::find_if(phrases, [&](const auto& phrase) { return spaced.contains(phrase.first); });
  if (found != phrases.end()) kind_ = found->second;
}

bool Expectation::has_new_name(std::string_view text) const {
  return any_word(text, [&](std::string_view word, bool start) {
    if (start || word.size() < 2 || !is_upper(word[0])) return false;
    return std::ranges::find(known_, lower(word)) == known_.end();
  });
}

int Expectation::fit(std::string_view text) const {
  switch (kind_) {
    case Expectation::Kind::nothing: return 0;
    case Expectation::Kind::name: return has_new_name(text) ? 1 : -1;
    case Expectation::Kind::time: return has_time(text) ? 1 : -1;
    case Expectation::Kind::quantity: return has_quantity(text) ? 1 : -1;
  }
  return 0;
}

}  // namespace attar::text::context
