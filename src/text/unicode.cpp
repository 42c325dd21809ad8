#include "text/unicode.h"

#include <algorithm>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

namespace attar::text {
namespace {

constexpr std::array<AsciiKind, 128> make_kinds() {
  std::array<AsciiKind, 128> out{};
  for (std::size_t c = 0; c < out.size(); ++c) {
    const bool digit = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
    out[c] = c == ' ' || c == '\t' || c == '\n' || c == '\r' ? AsciiKind::space
             : c < ' ' || c == 0x7f                          ? AsciiKind::control
             : upper                                         ? AsciiKind::upper
             : digit || lower                                ? AsciiKind::other
                                                             : AsciiKind::punctuation;
  }
  return out;
}

constexpr std::array<PieceKind, 128> make_piece_kinds() {
  std::array<PieceKind, 128> out{};
  for (std::size_t c = 0; c < out.size(); ++c)
    out[c] = c == '\n' || c == '\r'                 ? PieceKind::newline
             : c == ' ' || (c >= '\t' && c <= '\f') ? PieceKind::space
             : c >= '0' && c <= '9'                 ? PieceKind::number
             : c >= 'A' && c <= 'Z'                 ? PieceKind::upper
             : c >= 'a' && c <= 'z'                 ? PieceKind::lower
                                                    : PieceKind::other;
  return out;
}

bool in_category(char32_t c, std::uint32_t mask) noexcept {
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & mask) != 0;
}

struct Span {
  char32_t first, last;
};
constexpr std::array<Span, 8> ideographs = {{{0x4E00, 0x9FFF},
                                             {0x3400, 0x4DBF},
                                             {0x20000, 0x2A6DF},
                                             {0x2A700, 0x2B73F},
                                             {0x2B740, 0x2B81F},
                                             {0x2B820, 0x2CEAF},
                                             {0xF900, 0xFAFF},
                                             {0x2F800, 0x2FA1F}}};

// Null where ICU's data are missing: then nothing is decomposed.
const UNormalizer2* decomposer() noexcept {
  static const UNormalizer2* found = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2* out = unorm2_getNFDInstance(&error);
    return U_SUCCESS(error) ? out : nullptr;
  }();
  return found;
}

}  // namespace

const std::array<AsciiKind, 128> ascii_kinds = make_kinds();
const std::array<PieceKind, 128> ascii_piece_kinds = make_piece_kinds();

PieceKind piece_kind_beyond_ascii(char32_t c) noexcept {
  const std::uint32_t category = U_MASK(u_charType(static_cast<UChar32>(c)));
  if ((category & (U_GC_LM_MASK | U_GC_LO_MASK)) != 0) return PieceKind::letter;
  if ((category & U_GC_LL_MASK) != 0) return PieceKind::lower;
  if ((category & (U_GC_LU_MASK | U_GC_LT_MASK)) != 0) return PieceKind::upper;
  if ((category & U_GC_M_MASK) != 0) return PieceKind::mark;
  if ((category & U_GC_N_MASK) != 0) return PieceKind::number;
  return (category & U_GC_Z_MASK) != 0 || c == 0x85 ? PieceKind::space : PieceKind::other;
}

char32_t next_code_point_beyond_ascii(std::string_view text, std::size_t& at) noexcept {
  // ICU counts in 32 bits; a sequence has four bytes at the most.
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data() + at);
  const auto left = static_cast<std::int32_t>(std::min<std::size_t>(text.size() - at, 4));
  std::int32_t step = 0;
  UChar32 c = 0;
  U8_NEXT_OR_FFFD(bytes, step, left, c);
  at += static_cast<std::size_t>(step);
  return static_cast<char32_t>(c);
}

Utf8::Utf8(char32_t c) noexcept {
  std::int32_t size = 0;
  U8_APPEND_UNSAFE(bytes_.data(), size, c);
  size_ = static_cast<std::size_t>(size);
}

bool is_dropped(char32_t c) noexcept {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == replacement || in_category(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK);
}

bool is_space(char32_t c) noexcept { return c == '\t' || c == '\n' || c == '\r' || in_category(c, U_GC_Z_MASK); }

bool is_punctuation(char32_t c) noexcept {
  return c < 0x80 ? ascii_kinds[c] == AsciiKind::punctuation : in_category(c, U_GC_P_MASK);
}

bool is_ideograph(char32_t c) noexcept {
  for (const Span& span : ideographs)
    if (c >= span.first && c <= span.last) return true;
  return false;
}

bool is_nonspacing_mark(char32_t c) noexcept { return c >= 0x300 && in_category(c, U_GC_MN_MASK); }

char32_t to_lower(char32_t c) noexcept { return static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))); }

bool is_lower_case(char32_t c) noexcept { return in_category(c, U_GC_LL_MASK); }

char32_t fold_beyond_ascii(char32_t c) noexcept {
  return static_cast<char32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
}

bool is_letter_beyond_ascii(char32_t c) noexcept { return in_category(c, U_GC_L_MASK | U_GC_M_MASK); }

bool is_word_beyond_ascii(char32_t c) noexcept { return in_category(c, U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK); }

bool is_regex_word(char32_t c) noexcept {
  const auto point = static_cast<UChar32>(c);
  return u_hasBinaryProperty(point, UCHAR_ALPHABETIC) != 0 || u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL) != 0 ||
         in_category(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK);
}

bool is_own_word(char32_t c) noexcept {
  if (c < 0x2E80) return false;
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &error);
  return script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA;
}

Decomposition::Decomposition(char32_t c) noexcept {
  std::array<char16_t, 16> units{};
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* found = decomposer();
  const std::int32_t length = found == nullptr
                                  ? -1
                                  : unorm2_getDecomposition(found, static_cast<UChar32>(c), units.data(),
                                                            static_cast<std::int32_t>(units.size()), &error);
  if (length < 0 || U_FAILURE(error)) {
    parts_[size_++] = c;
    return;
  }
  for (std::int32_t at = 0; at < length && size_ < parts_.size();) {
    UChar32 part = 0;
    U16_NEXT(units.data(), at, length, part);
    parts_[size_++] = static_cast<char32_t>(part);
  }
}

}  // namespace attar::text
