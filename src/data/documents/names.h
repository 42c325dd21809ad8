// Small things about the names of files and the words in them, in ASCII.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace attar::data {

[[nodiscard]] constexpr char lower_ascii(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] inline std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower_ascii);
  return out;
}

/// True for equal texts but for the case of ASCII letters.
[[nodiscard]] inline bool equal_ascii(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower_ascii, lower_ascii);
}

/// "c" of "a/b/c".
[[nodiscard]] inline std::string_view file_name(std::string_view path) noexcept {
  return path.substr(path.rfind('/') + 1);
}

/// Without blanks, tabs and line ends around it.
[[nodiscard]] inline std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

}  // namespace attar::data
