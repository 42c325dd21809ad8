#include <algorithm>
#include <array>
#include <iterator>

#include "text/chunk/cuts.h"
#include "text/chunk/outline.h"
#include "text/unicode.h"

namespace attar::text::chunking {
namespace {

enum class Kind : std::uint8_t { other, stop, escape, brace, wide };

constexpr std::array<Kind, 256> kinds = [] {
  std::array<Kind, 256> out{};
  for (const char c : {'.', '!', '?'}) out[static_cast<unsigned char>(c)] = Kind::stop;
  out['\\'] = Kind::escape;
  out['}'] = Kind::brace;
  for (const unsigned lead : {0xD8u, 0xDBu, 0xE0u, 0xE1u, 0xE2u, 0xE3u, 0xEFu}) out[lead] = Kind::wide;
  return out;
}();

// What ends a sentence beyond ASCII. Han and kana are written without spaces after it.
struct WideStop {
  std::string_view text;
  bool needs_space;
};
constexpr std::array wide_stops = {
    WideStop{"\u3002", false}, WideStop{"\uff01", false}, WideStop{"\uff1f", false}, WideStop{"\uff61", false},
    WideStop{"\u2026", true},  WideStop{"\u061f", true},  WideStop{"\u06d4", true},  WideStop{"\u0964", true},
    WideStop{"\u0965", true},  WideStop{"\u1362", true},  WideStop{"\u17d4", true},
};
const WideStop* wide_stop_at(std::string_view text, std::uint32_t at) noexcept {
  const auto found =
      std::ranges::find_if(wide_stops, [&](const WideStop& stop) { return text.substr(at).starts_with(stop.text); });
  return found == wide_stops.end() ? nullptr : &*found;
}

constexpr std::array<std::string_view, 7> wide_closers = {"\u2019", "\u201d", "\u00bb", "\u300d",
                                                          "\u300f", "\uff09", "\u203a"};
constexpr std::array<std::string_view, 6> wide_openers = {"\u2018", "\u201c", "\u00ab", "\u300c", "\u300e", "\u2039"};

template <std::size_t n>
std::uint32_t length_of(const std::array<std::string_view, n>& marks, std::string_view text,
                        std::uint32_t at) noexcept {
  for (const std::string_view mark : marks)
    if (text.substr(at).starts_with(mark)) return static_cast<std::uint32_t>(mark.size());
  return 0;
}

// In order, lower case, without the last stop.
constexpr std::array<std::string_view, 82> abbreviations = {
    "al",   "approx", "apt",  "assn",   "asst", "ave",  "bldg", "blvd", "brig", "bros", "ca",   "capt", "cf",  "cmdr",
    "co",   "col",    "corp", "cpl",    "dept", "dist", "div",  "dr",   "ed",   "eds",  "eg",   "esp",  "est", "etc",
    "exp",  "fr",     "ft",   "gen",    "gov",  "hon",  "hr",   "hrs",  "ie",   "inc",  "inst", "intl", "jr",  "lit",
    "lt",   "ltd",    "maj",  "messrs", "mfg",  "mr",   "mrs",  "ms",   "mt",   "mts",  "natl", "orig", "ph",  "pres",
    "prof", "pty",    "rd",   "rep",    "repr", "resp", "rev",  "revd", "rs",   "sen",  "sgt",  "sr",   "ssp", "st",
    "ste",  "subsp",  "supt", "treas",  "univ", "var",  "vet",  "viz",  "vs",   "wk",   "wt",   "yr"};
constexpr std::array<std::string_view, 42> before_digits = {
    "app", "apr",  "art", "aug", "bk",  "ch",  "chap", "cl",  "dec",  "eq",  "eqs",  "ex",  "ext", "feb",
    "fig", "figs", "jan", "jul", "jun", "mar", "max",  "min", "no",   "nos", "nov",  "nr",  "oct", "op",
    "p",   "par",  "pl",  "pp",  "pt",  "ref", "refs", "sec", "sect", "sep", "sept", "tab", "vol", "vols"};
static_assert(std::ranges::is_sorted(abbreviations) && std::ranges::is_sorted(before_digits));

bool is_ascii_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A paragraph's bytes [at, end) being read.
class Reading {
 public:
  Reading(std::string_view text, std::uint32_t begin, std::uint32_t end, bool cased) noexcept
      : text_(text.substr(0, end)), begin_(begin), end_(end), cased_(cased) {}

  [[nodiscard]] Cut find() const noexcept {
    for (std::uint32_t at = begin_; at < end_;) {
      const Kind kind = kinds[static_cast<unsigned char>(text_[at])];
      if (kind == Kind::other) {
        ++at;
        continue;
      }
      std::uint32_t next = at + 1;  // from where to read on if this is no end
      const auto found = kind == Kind::escape  ? escaped_line(at, next)
                         : kind == Kind::brace ? record(at)
                                               : stop(at, next);
      if (found) return *found;
      at = next;
    }
    return {end_, seam::sentence};
  }

 private:
  [[nodiscard]] std::optional<Cut> stop(std::uint32_t at, std::uint32_t& next) const noexcept {
    const WideStop* wide = nullptr;
    std::uint32_t after = at + 1;
    if (kinds[static_cast<unsigned char>(text_[at])] == Kind::wide) {
      wide = wide_stop_at(text_, at);
      if (wide == nullptr) return std::nullopt;
      after = at + static_cast<std::uint32_t>(wide->text.size());
    }
    after = past_closers(after);
    next = skip_blanks(text_, after, end_);
    if (next == end_ || (wide != nullptr && !wide->needs_space)) return Cut{next, seam::sentence};
    if (next == after || goes_on(next) || (text_[at] == '.' && abbreviates(at, next))) return std::nullopt;
    return Cut{next, seam::sentence};
  }

  // After stops, quotes, brackets and emphasis that close.
  [[nodiscard]] std::uint32_t past_closers(std::uint32_t at) const noexcept {
    while (at < end_) {
      if (std::string_view(".!?)]\"'*_`").find(text_[at]) != std::string_view::npos) {
        ++at;
      } else if (const std::uint32_t size = length_of(wide_closers, text_, at); size != 0) {
        at += size;
      } else if (const WideStop* stop = wide_stop_at(text_, at)) {
        at += static_cast<std::uint32_t>(stop->text.size());
      } else {
        break;
      }
    }
    return at;
  }

  // Whether what stands at `at` is in the midst of a sentence.
  [[nodiscard]] bool goes_on(std::uint32_t at) const noexcept {
    if (std::string_view(",;:)]").find(text_[at]) != std::string_view::npos) return true;
    if (!cased_) return false;
    for (int openers = 0; openers < 4 && at < end_; ++openers) {
      const std::uint32_t size = std::string_view("([{\"'*_`").find(text_[at]) != std::string_view::npos
                                     ? 1
                                     : length_of(wide_openers, text_, at);
      if (size == 0) break;
      at += size;
    }
    if (at == end_) return false;
    std::size_t next = at;
    return is_lower_case(next_code_point(text_, next));
  }

  [[nodiscard]] bool abbreviates(std::uint32_t stop, std::uint32_t next) const noexcept {
    if (stop + 1 < end_ && kinds[static_cast<unsigned char>(text_[stop + 1])] == Kind::stop) return false;
    constexpr std::uint32_t longest = 12;
    std::uint32_t end = stop;
    if (end > begin_ && text_[end - 1] == ' ') --end;  // tokens with spaces between
    std::uint32_t begin = end;
    while (begin > begin_ && end - begin < longest && (is_name(text_[begin - 1]) || text_[begin - 1] == '.')) --begin;
    const std::string_view word = text_.substr(begin, end - begin);
    if (word.empty() || word.size() == longest) return false;
    if (word.size() == 1 && is_ascii_letter(word[0])) return true;
    if (word.size() > 2 && word[word.size() - 2] == '.' && is_ascii_letter(word.back())) return true;  // e.g., U.S.
    if (std::ranges::all_of(word, is_digit)) return word.size() <= 3 && begin == skip_blanks(text_, begin_, end_);
    std::array<char, longest> lower{};
    std::ranges::transform(word, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::string_view name(lower.data(), word.size());
    return std::ranges::binary_search(abbreviations, name) ||
           (is_digit(text_[next]) && std::ranges::binary_search(before_digits, name));
  }

  // A run of \n, \r and \t written with backslashes.
  [[nodiscard]] std::optional<Cut> escaped_line(std::uint32_t at, std::uint32_t& next) const noexcept {
    int lines = 0;
    while (at < end_) {
      const char c = text_[at] == '\\' && at + 1 < end_ ? text_[at + 1] : '\0';
      if (c == 'n' || c == 'r' || c == 't') {
        lines += c == 'n' ? 1 : 0;
        at += 2;
      } else if (is_blank(text_[at])) {
        ++at;
      } else {
        break;
      }
    }
    next = std::max(next, at);
    const bool low = at < end_ && text_[at] >= 'a' && text_[at] <= 'z';
    if (lines == 0 || (lines == 1 && low)) return std::nullopt;
    return Cut{at, lines == 1 ? seam::line : seam::paragraph};
  }

  // Between "}," and "{".
  [[nodiscard]] std::optional<Cut> record(std::uint32_t at) const noexcept {
    const std::uint32_t comma = skip_blanks(text_, at + 1, std::min(end_, at + 4));
    if (comma >= end_ || text_[comma] != ',') return std::nullopt;
    const std::uint32_t next = skip_blanks(text_, comma + 1, end_);
    if (next >= end_ || text_[next] != '{') return std::nullopt;
    return Cut{next, seam::paragraph};
  }

  std::string_view text_;
  std::uint32_t begin_, end_;
  bool cased_;
};

}  // namespace

Cut sentence_end(std::string_view text, std::uint32_t at, std::uint32_t end, bool cased) noexcept {
  return Reading(text, at, end, cased).find();
}

bool has_case(std::string_view text) noexcept {
  constexpr std::size_t looked_at = 1 << 16;
  text = text.substr(0, looked_at);
  const auto upper = std::ranges::count_if(text, [](char c) { return c >= 'A' && c <= 'Z'; });
  const auto lower = std::ranges::count_if(text, [](char c) { return c >= 'a' && c <= 'z'; });
  return lower == 0 || upper * 200 >= lower;
}

}  // namespace attar::text::chunking
