#include "text/chunk/skipper.h"

#include <algorithm>
#include <array>

#include "text/chunk/cuts.h"

namespace attar::text::chunking {

Skipper::Found Skipper::skip(std::uint32_t at, std::uint32_t line_end) noexcept {
  switch (text_[at]) {
    case '"': return {double_quote(at, line_end)};
    case '\'':
      if (at > 0 && is_name(text_[at - 1]) && !prefixed(at)) return {at};  // 1'000, don't
      if (quoting_ == Quoting::indentation && text_.substr(at).starts_with("'''"))
        return {to_closing("'''", at + 3, line_end, no_single_triple_)};
      return {in_line(at, line_end)};
    case '`': return {quoting_ == Quoting::braces ? to_closing("`", at + 1, at, no_backtick_) : at};
    case '/': return quoting_ == Quoting::braces ? slash(at, line_end) : Found{at};
    case '#':
      if (quoting_ == Quoting::indentation && (at == 0 || is_blank(text_[at - 1]))) return {line_end, true};
      return {at};
    default: return {at};
  }
}

// Whether a quote stands behind the letters of a string's prefix: r'', rb'', f''.
bool Skipper::prefixed(std::uint32_t at) const noexcept {
  if (quoting_ != Quoting::indentation) return false;
  std::uint32_t begin = at;
  while (begin > 0 && at - begin < 3 && is_name(text_[begin - 1])) --begin;
  return at - begin < 3 && text_.substr(begin, at - begin).find_first_not_of("rRbBfFuU") == std::string_view::npos;
}

Skipper::Found Skipper::slash(std::uint32_t at, std::uint32_t line_end) noexcept {
  const std::string_view rest = text_.substr(at, 2);
  if (rest == "//") return {line_end, true};
  if (rest == "/*") return {to_closing("*/", at + 2, line_end, no_comment_), true};
  return {at};
}

std::uint32_t Skipper::double_quote(std::uint32_t at, std::uint32_t line_end) noexcept {
  if (text_.substr(at).starts_with("\"\"\"")) return to_closing("\"\"\"", at + 3, line_end, no_triple_);
  if (quoting_ == Quoting::braces && at > 0)
    if (const std::uint32_t end = raw_string(at); end != at) return end;
  return in_line(at, line_end);
}

// A quote's end where it begins a raw string; the quote itself where it begins none, or one that nothing closes.
std::uint32_t Skipper::raw_string(std::uint32_t at) noexcept {
  constexpr std::uint32_t longest = 16;  // of C++'s delimiter, and taken for Rust's signs
  std::array<char, longest + 2> closing{};
  std::uint32_t size = 0, from = at + 1;
  if (text_[at - 1] == 'R') {
    closing[size++] = ')';
    while (size <= longest && from < text_.size() && text_[from] != '(' && text_[from] != '"' && !is_blank(text_[from]))
      closing[size++] = text_[from++];
    if (from >= text_.size() || text_[from] != '(') return at;
    closing[size++] = '"';
  } else {
    std::uint32_t signs = 0;
    while (signs < longest && signs + 1 < at && text_[at - 1 - signs] == '#') ++signs;
    if (text_[at - 1 - signs] != 'r') return at;
    closing[size++] = '"';
    for (; signs > 0; --signs) closing[size++] = '#';
  }
  return to_closing(std::string_view(closing.data(), size), from, at, no_raw_);
}

// A string that ends where it began, on one line: the place after its other quote, or the one after its first.
std::uint32_t Skipper::in_line(std::uint32_t at, std::uint32_t line_end) const noexcept {
  for (std::uint32_t i = at + 1; i < line_end; ++i) {
    if (text_[i] == '\\')
      ++i;
    else if (text_[i] == text_[at])
      return i + 1;
  }
  return text_[at] == '"' ? line_end : at;
}

std::uint32_t Skipper::to_closing(std::string_view closing, std::uint32_t from, std::uint32_t otherwise,
                                  bool& vain) const noexcept {
  const std::size_t found = vain ? std::string_view::npos : text_.find(closing, from);
  vain = vain || found == std::string_view::npos;
  return vain ? otherwise : static_cast<std::uint32_t>(found + closing.size());
}

}  // namespace attar::text::chunking
