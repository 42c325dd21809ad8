// The smaller places of text: lines, sentences, clauses, words, code points. All places are bytes from the text's
// beginning.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace attar::text::chunking {

struct Line {
  std::uint32_t begin = 0;
  std::uint32_t text = 0;    ///< its first byte that is neither space nor tab
  std::uint32_t end = 0;     ///< after its last byte that is not white space; `text` if there is none
  std::uint32_t next = 0;    ///< where the next line begins
  std::uint32_t indent = 0;  ///< columns before `text`; tabs go to multiples of four

  [[nodiscard]] bool blank() const noexcept { return text == end; }
  [[nodiscard]] std::uint32_t width() const noexcept { return end - begin; }
  [[nodiscard]] std::string_view in(std::string_view document) const noexcept {
    return document.substr(text, end - text);
  }
};
/// The line that begins at `at` < text.size().
[[nodiscard]] Line read_line(std::string_view text, std::uint32_t at) noexcept;

[[nodiscard]] inline bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
[[nodiscard]] inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
/// ASCII letters, digits, the underscore, and all bytes beyond ASCII.
[[nodiscard]] bool is_name(char c) noexcept;
/// The name that a text begins with; empty where it begins with none.
[[nodiscard]] std::string_view first_name(std::string_view text) noexcept;
[[nodiscard]] std::uint32_t skip_blanks(std::string_view text, std::uint32_t at, std::uint32_t end) noexcept;

/// Where a part ends, and what a cut there costs.
struct Cut {
  std::uint32_t end = 0;
  float seam = 0;
};
/// The end of the sentence that begins at `at`, with the white space that follows; never beyond `end`. `cased`:
/// capitals tell where sentences begin.
[[nodiscard]] Cut sentence_end(std::string_view text, std::uint32_t at, std::uint32_t end, bool cased) noexcept;
/// Whether a text has capitals at all, by its beginning.
[[nodiscard]] bool has_case(std::string_view text) noexcept;

/// The end of a clause of prose or of code.
[[nodiscard]] std::uint32_t clause_end(std::string_view text, std::uint32_t at, std::uint32_t end, bool code) noexcept;
/// The end of a word, with the white space before and after it.
[[nodiscard]] std::uint32_t word_end(std::string_view text, std::uint32_t at, std::uint32_t end) noexcept;
/// The end of a code point, or of a byte that belongs to none.
[[nodiscard]] std::uint32_t code_point_end(std::string_view text, std::uint32_t at) noexcept;
/// Whether a combining mark stands at a place, or what joins letters.
[[nodiscard]] bool is_mark_at(std::string_view text, std::uint32_t at) noexcept;
/// The last place in (at, limit] that cuts no code point and stands before no combining mark; where there is none, one
/// that cuts no code point, beyond `limit` if need be.
[[nodiscard]] std::uint32_t whole_code_points(std::string_view text, std::uint32_t at, std::uint32_t limit) noexcept;

}  // namespace attar::text::chunking
