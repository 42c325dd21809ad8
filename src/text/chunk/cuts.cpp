#include "text/chunk/cuts.h"

#include <algorithm>

#include "text/unicode.h"

namespace attar::text::chunking {
namespace {

constexpr std::uint32_t tab = 4;

// Dashes and the marks of scripts that write no space after them.
bool is_wide_clause(std::string_view text) noexcept {
  return text == "\u3001" || text == "\uff0c" || text == "\uff1a" || text == "\uff1b" || text == "\u2014";
}

// Whether a place after `at`, where a unit begins, lies inside another one.
bool cuts_unit(std::string_view text, std::uint32_t at, std::uint32_t place) noexcept {
  for (std::uint32_t back = 1; back <= 3 && place - back >= at && place >= back; ++back)
    if (code_point_end(text, place - back) > place) return true;
  return false;
}

}  // namespace

Line read_line(std::string_view text, std::uint32_t at) noexcept {
  Line out{.begin = at};
  const std::size_t found = text.find('\n', at);
  const auto stop = static_cast<std::uint32_t>(std::min(found, text.size()));
  out.next = found == std::string_view::npos ? stop : stop + 1;
  for (out.text = at; out.text < stop && (text[out.text] == ' ' || text[out.text] == '\t'); ++out.text)
    out.indent = text[out.text] == ' ' ? out.indent + 1 : (out.indent / tab + 1) * tab;
  out.end = stop;
  while (out.end > out.text && is_blank(text[out.end - 1])) --out.end;
  return out;
}

bool is_name(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string_view first_name(std::string_view text) noexcept {
  std::size_t end = 0;
  while (end < text.size() && is_name(text[end])) ++end;
  return text.substr(0, end);
}

std::uint32_t skip_blanks(std::string_view text, std::uint32_t at, std::uint32_t end) noexcept {
  while (at < end && is_blank(text[at])) ++at;
  return at;
}

std::uint32_t clause_end(std::string_view text, std::uint32_t at, std::uint32_t end, bool code) noexcept {
  while (at < end) {
    const char c = text[at++];
    const bool mark = c == ',' || c == ';';
    if (mark || c == ':' || (code && (c == '{' || c == '}'))) {
      const std::uint32_t next = skip_blanks(text, at, end);
      if (next > at || (code && c != ':')) return next;
    } else if (static_cast<unsigned char>(c) >= 0xE2 && at + 2 <= end && is_wide_clause(text.substr(at - 1, 3))) {
      return skip_blanks(text, at + 2, end);
    }
  }
  return end;
}

std::uint32_t word_end(std::string_view text, std::uint32_t at, std::uint32_t end) noexcept {
  at = skip_blanks(text, at, end);
  while (at < end && !is_blank(text[at])) ++at;
  return skip_blanks(text, at, end);
}

std::uint32_t code_point_end(std::string_view text, std::uint32_t at) noexcept {
  if (static_cast<unsigned char>(text[at]) < 0x80) return at + 1;
  std::size_t next = at;
  const bool none = next_code_point(text, next) == replacement && text.substr(at, 3) != "\ufffd";
  return none ? at + 1 : static_cast<std::uint32_t>(next);
}

bool is_mark_at(std::string_view text, std::uint32_t at) noexcept {
  if (static_cast<unsigned char>(text[at]) < 0x80) return false;
  std::size_t next = at;
  const char32_t c = next_code_point(text, next);
  return is_nonspacing_mark(c) || c == 0x200D;
}

std::uint32_t whole_code_points(std::string_view text, std::uint32_t at, std::uint32_t limit) noexcept {
  constexpr int most_marks = 8;  // after one letter; more are no language
  const auto back_to_unit = [&](std::uint32_t place) {
    while (place > at && place < text.size() && cuts_unit(text, at, place)) --place;
    return place;
  };
  const std::uint32_t whole = back_to_unit(limit);
  if (whole <= at) return code_point_end(text, at);
  std::uint32_t place = whole;
  for (int marks = 0; place > at && place < text.size() && marks < most_marks; ++marks) {
    if (!is_mark_at(text, place)) return place;
    place = back_to_unit(place - 1);
  }
  return place == text.size() ? place : whole;
}

}  // namespace attar::text::chunking
