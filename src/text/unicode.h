// Code points of UTF-8 text and what Unicode says of them, by ICU. ASCII is answered from a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace attar::text {

inline constexpr char32_t replacement = 0xFFFD;

/// The code point at `at`, which moves beyond it; U+FFFD for a byte that belongs to none. `at` < text.size().
[[nodiscard]] char32_t next_code_point_beyond_ascii(std::string_view text, std::size_t& at) noexcept;
[[nodiscard]] inline char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte >= 0x80) return next_code_point_beyond_ascii(text, at);
  ++at;
  return byte;
}

/// A code point's one to four bytes.
class Utf8 {
 public:
  explicit Utf8(char32_t c) noexcept;
  [[nodiscard]] const char* begin() const noexcept { return bytes_.data(); }
  [[nodiscard]] const char* end() const noexcept { return bytes_.data() + size_; }

 private:
  std::array<char, 4> bytes_{};
  std::size_t size_ = 0;
};
[[nodiscard]] inline Utf8 to_utf8(char32_t c) noexcept { return Utf8(c); }

/// What a WordPiece reader does with an ASCII character.
enum class AsciiKind : std::uint8_t { other, upper, space, punctuation, control };
extern const std::array<AsciiKind, 128> ascii_kinds;

/// U+0000, U+FFFD, and categories Cc, Cf, Co and Cs but for tab, line feed and carriage return.
[[nodiscard]] bool is_dropped(char32_t c) noexcept;
/// Tab, line feed, carriage return, and category Z.
[[nodiscard]] bool is_space(char32_t c) noexcept;
/// The 32 of ASCII that are no letters, digits, controls or space, and category P.
[[nodiscard]] bool is_punctuation(char32_t c) noexcept;
[[nodiscard]] bool is_ideograph(char32_t c) noexcept;
[[nodiscard]] bool is_nonspacing_mark(char32_t c) noexcept;
/// By the simple mapping.
[[nodiscard]] char32_t to_lower(char32_t c) noexcept;
/// Category Ll.
[[nodiscard]] bool is_lower_case(char32_t c) noexcept;
/// By the simple case folding.
[[nodiscard]] char32_t fold_beyond_ascii(char32_t c) noexcept;
[[nodiscard]] inline char32_t fold(char32_t c) noexcept {
  if (c >= 0x80) return fold_beyond_ascii(c);
  return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}
/// Categories L and M; with N and the underscore.
[[nodiscard]] bool is_letter_beyond_ascii(char32_t c) noexcept;
[[nodiscard]] bool is_word_beyond_ascii(char32_t c) noexcept;
[[nodiscard]] inline bool is_letter(char32_t c) noexcept {
  return c < 0x80 ? (c | 0x20) >= 'a' && (c | 0x20) <= 'z' : is_letter_beyond_ascii(c);
}
[[nodiscard]] inline bool is_word(char32_t c) noexcept {
  return c < 0x80 ? is_letter(c) || (c >= '0' && c <= '9') || c == '_' : is_word_beyond_ascii(c);
}
/// What \w is in regular expressions: Alphabetic, categories M, Nd and Pc, and the joiners of zero width.
[[nodiscard]] bool is_regex_word(char32_t c) noexcept;
/// Scripts Han, Hiragana and Katakana.
[[nodiscard]] bool is_own_word(char32_t c) noexcept;

/// What the patterns that cut texts into the pieces of byte pair encodings tell apart.
enum class PieceKind : std::uint8_t {
  newline,  ///< line feed and carriage return
  space,    ///< the rest of White_Space
  number,   ///< category N
  upper,    ///< Lu, Lt
  lower,    ///< Ll
  letter,   ///< Lm, Lo
  mark,     ///< M
  other,
};
[[nodiscard]] PieceKind piece_kind_beyond_ascii(char32_t c) noexcept;
extern const std::array<PieceKind, 128> ascii_piece_kinds;
[[nodiscard]] inline PieceKind piece_kind(char32_t c) noexcept {
  return c < 0x80 ? ascii_piece_kinds[c] : piece_kind_beyond_ascii(c);
}
/// Unicode's White_Space.
[[nodiscard]] inline bool is_white_space(char32_t c) noexcept { return piece_kind(c) <= PieceKind::space; }

/// A code point's full canonical decomposition: itself where it has none.
class Decomposition {
 public:
  explicit Decomposition(char32_t c) noexcept;
  [[nodiscard]] const char32_t* begin() const noexcept { return parts_.data(); }
  [[nodiscard]] const char32_t* end() const noexcept { return parts_.data() + size_; }

 private:
  std::array<char32_t, 8> parts_{};  // the longest has four
  std::size_t size_ = 0;
};
[[nodiscard]] inline Decomposition decomposition(char32_t c) noexcept { return Decomposition(c); }

}  // namespace attar::text
