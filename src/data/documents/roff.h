// The text of roff: escapes and strings of manual pages, as UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attar::data {

/// The names and arguments of a line such as `.TP 4` or `.IP "a b" 2`.
struct RoffRequest {
  std::string_view name;
  std::string_view rest;  ///< behind the name and its blanks
};

/// Nothing in `name` where the line is text, or a lone dot.
[[nodiscard]] RoffRequest roff_request(std::string_view line) noexcept;

/// Without a comment at its end.
[[nodiscard]] std::string_view without_roff_comment(std::string_view line) noexcept;

/// Splits at blanks; quotes hold blanks, and two of them within quotes are one. Escapes stay.
[[nodiscard]] std::vector<std::string> roff_arguments(std::string_view rest);

/// What a line says.
struct RoffLine {
  std::string text;
  bool joined = false;  ///< the next line follows without a blank
};

class RoffText {
 public:
  RoffText();

  /// Defines a string. Beyond a few thousand, or where it is long, it is not kept, so that what comes out is not much
  /// larger than what goes in.
  void define(std::string_view name, std::string_view value);

  /// Fonts, sizes and motions dropped, glyphs as the characters that they are, strings filled in.
  [[nodiscard]] RoffLine resolve(std::string_view text) const;

 private:
  std::unordered_map<std::string, std::string> strings_;
};

}  // namespace attar::data
