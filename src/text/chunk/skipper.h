// Strings and comments of program text, that brackets in them be none.
#pragma once

#include <cstdint>
#include <string_view>

namespace attar::text::chunking {

/// Which quotes and comments there are.
enum class Quoting : std::uint8_t {
  braces,       ///< // and /* */, "", '', ``, """ """, C++'s R"()" and Rust's r#""#
  indentation,  ///< # after white space, "", '', and both tripled
};

/// Finds where a string or comment ends. What nothing closes ends with its line; each kind is looked for to the end of
/// the text in vain at most once, so that all steps together take time in proportion to the text.
class Skipper {
 public:
  Skipper(std::string_view text, Quoting quoting) noexcept : text_(text), quoting_(quoting) {}

  struct Found {
    std::uint32_t end = 0;  ///< the place after it; the place asked about where nothing begins there
    bool comment = false;
  };
  /// What begins at `at`, in a line that ends at `line_end`.
  [[nodiscard]] Found skip(std::uint32_t at, std::uint32_t line_end) noexcept;

 private:
  [[nodiscard]] bool prefixed(std::uint32_t at) const noexcept;
  [[nodiscard]] Found slash(std::uint32_t at, std::uint32_t line_end) noexcept;
  [[nodiscard]] std::uint32_t double_quote(std::uint32_t at, std::uint32_t line_end) noexcept;
  [[nodiscard]] std::uint32_t raw_string(std::uint32_t at) noexcept;
  [[nodiscard]] std::uint32_t in_line(std::uint32_t at, std::uint32_t line_end) const noexcept;
  [[nodiscard]] std::uint32_t to_closing(std::string_view closing, std::uint32_t from, std::uint32_t otherwise,
                                         bool& vain) const noexcept;

  std::string_view text_;
  Quoting quoting_;
  // Looked for in vain already.
  bool no_comment_ = false, no_backtick_ = false, no_triple_ = false, no_single_triple_ = false, no_raw_ = false;
};

}  // namespace attar::text::chunking
