#include "data/documents/roff.h"

#include <unicode/unorm2.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace attar::data {
namespace {

constexpr std::size_t most_strings = 4096;
constexpr std::size_t longest_string = 256;

using Glyph = std::pair<std::string_view, std::string_view>;

// groff_char(7): those that manual pages use, but for letters with accents and Greek.
constexpr std::array glyphs = std::to_array<Glyph>({
    {"!=", "≠"}, {"+-", "±"},       {"->", "→"},  {"/_", "∠"},  {"12", "½"},  {"14", "¼"}, {"34", "¾"},  {"<-", "←"},
    {"<=", "≤"}, {"==", "≡"},       {">=", "≥"},  {"AE", "Æ"},  {"Bq", "„"},  {"Cs", "¤"}, {"Do", "$"},  {"Eu", "€"},
    {"Fc", "»"}, {"Fo", "«"},       {"OE", "Œ"},  {"Po", "£"},  {"Sd", "ð"},  {"TP", "Þ"}, {"Tp", "þ"},  {"Ye", "¥"},
    {"ae", "æ"}, {"an", "¯"},       {"ap", "~"},  {"aq", "'"},  {"at", "@"},  {"ba", "|"}, {"bq", "‚"},  {"br", "|"},
    {"bu", "•"}, {"bv", "|"},       {"ci", "○"},  {"co", "©"},  {"cq", "’"},  {"ct", "¢"}, {"dA", "⇓"},  {"da", "↓"},
    {"de", "°"}, {"dg", "†"},       {"dd", "‡"},  {"di", "÷"},  {"dq", "\""}, {"em", "—"}, {"en", "–"},  {"eq", "="},
    {"es", "∅"}, {"ff", "ff"},      {"fi", "fi"}, {"fl", "fl"}, {"fm", "′"},  {"ga", "`"}, {"ha", "^"},  {"hy", "-"},
    {"if", "∞"}, {"integral", "∫"}, {"lB", "["},  {"lC", "{"},  {"la", "⟨"},  {"lh", "☜"}, {"lq", "“"},  {"lA", "⇐"},
    {"mc", "µ"}, {"mi", "−"},       {"mo", "∈"},  {"mu", "×"},  {"nb", "⊄"},  {"no", "¬"}, {"oe", "œ"},  {"or", "|"},
    {"oq", "‘"}, {"pc", "·"},       {"pd", "∂"},  {"pl", "+"},  {"pp", "⊥"},  {"ps", "¶"}, {"rA", "⇒"},  {"rB", "]"},
    {"rC", "}"}, {"ra", "⟩"},       {"rg", "®"},  {"rh", "☞"},  {"rn", "‾"},  {"rq", "”"}, {"rs", "\\"}, {"ru", "_"},
    {"sb", "⊂"}, {"sc", "§"},       {"sd", "″"},  {"sh", "#"},  {"sl", "/"},  {"sp", "⊃"}, {"sq", "□"},  {"sr", "√"},
    {"ss", "ß"}, {"sum", "∑"},      {"ti", "~"},  {"tm", "™"},  {"tf", "∴"},  {"ts", "ς"}, {"ua", "↑"},  {"uA", "⇑"},
    {"ul", "_"}, {"~=", "≅"},       {"~~", "≈"},
});

// Predefined strings of man(7) and mdoc(7), and of the tools that write pages.
constexpr std::array predefined = std::to_array<Glyph>({
    {"Aq", "'"},
    {"lq", "“"},
    {"rq", "”"},
    {"R", "®"},
    {"Tm", "™"},
    {"Lq", "“"},
    {"Rq", "”"},
    {"q", "\""},
    {"L\"", "\""},
    {"R\"", "\""},
    {"C`", ""},
    {"C'", ""},
    {"--", "-"},
    {"PI", "pi"},
    {"C+", "C++"},
});

// An accent as groff names it before a letter, and the combining character.
constexpr std::array accents = std::to_array<std::pair<char, UChar32>>({
    {'\'', 0x301},
    {'`', 0x300},
    {'^', 0x302},
    {'~', 0x303},
    {':', 0x308},
    {',', 0x327},
    {'v', 0x30c},
    {'o', 0x30a},
});

void append_character(std::string& out, UChar32 c) {
  if (c <= 0 || c > 0x10ffff || U_IS_SURROGATE(c)) return;
  std::array<char, U8_MAX_LENGTH> bytes{};
  std::int32_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, c);
  out.append(bytes.data(), static_cast<std::size_t>(size));
}

/// "*a" is alpha.
std::optional<UChar32> greek(std::string_view name) {
  if (name.size() != 2 || name[0] != '*') return std::nullopt;
  const bool upper = name[1] >= 'A' && name[1] <= 'Z';
  const std::size_t at = std::string_view("abgdezyhiklmncoprstufxqw").find(static_cast<char>(name[1] | 0x20));
  if (at == std::string_view::npos) return std::nullopt;
  // One place behind rho stands the sigma that ends words.
  return static_cast<UChar32>((upper ? 0x391 : 0x3b1) + at + (at >= 17 ? 1 : 0));
}

/// "'e" is e with an acute accent.
std::optional<UChar32> accented(std::string_view name) {
  if (name.size() != 2) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* composer = unorm2_getNFCInstance(&status);
  for (const auto& [accent, mark] : accents) {
    if (name[0] != accent || U_FAILURE(status)) continue;
    const UChar32 composed = unorm2_composePair(composer, static_cast<unsigned char>(name[1]), mark);
    if (composed >= 0) return composed;
  }
  return std::nullopt;
}

/// "u00E9", or several joined by "_".
bool append_by_number(std::string& out, std::string_view name) {
  if (name.size() < 5 || name[0] != 'u') return false;
  name.remove_prefix(1);
  std::string found;
  while (!name.empty()) {
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, 16);
    if (error != std::errc{} || code > 0x10ffff) return false;
    append_character(found, static_cast<UChar32>(code));
    name.remove_prefix(static_cast<std::size_t>(end - name.data()));
    if (!name.empty() && name.front() != '_') return false;
    name.remove_prefix(std::min<std::size_t>(1, name.size()));
  }
  out += found;
  return true;
}

/// "39", a character's number in decimal.
void append_numbered(std::string& out, std::string_view digits) {
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code);
  if (error == std::errc{} && end == digits.data() + digits.size() && code <= 0x10ffff)
    append_character(out, static_cast<UChar32>(code));
}

void append_glyph(std::string& out, std::string_view name) {
  const auto found = std::ranges::find(glyphs, name, &Glyph::first);
  if (found != glyphs.end()) {
    out += found->second;
  } else if (const auto letter = greek(name)) {
    append_character(out, *letter);
  } else if (const auto composed = accented(name)) {
    append_character(out, *composed);
  } else if (!append_by_number(out, name) && name.size() == 1 && U8_IS_SINGLE(static_cast<std::uint8_t>(name[0]))) {
    out += name;
  }
}

/// Reads what stands behind an escape's letter.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const noexcept { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const noexcept { return done() ? '\0' : text_[at_]; }
  char take() noexcept { return done() ? '\0' : text_[at_++]; }
  /// Up to the next backslash.
  std::string_view plain() noexcept {
    const std::size_t end = std::min(text_.find('\\', at_), text_.size());
    const std::string_view out = text_.substr(at_, end - at_);
    at_ = end;
    return out;
  }
  /// "x", "(xy" or "[xyz]".
  std::string_view name() noexcept {
    const char first = peek();
    if (first == '(' || first == '[') ++at_;
    return first == '[' ? until(']') : take(first == '(' ? 2 : 1);
  }
  /// Between two of the character that stands here.
  std::string_view quoted() noexcept {
    const char quote = take();
    return quote == '\0' ? std::string_view{} : until(quote);
  }
  /// So many bytes, and what belongs to the last one's character.
  std::string_view take(std::size_t count) noexcept {
    std::size_t end = std::min(at_ + count, text_.size());
    while (end < text_.size() && U8_IS_TRAIL(static_cast<std::uint8_t>(text_[end]))) ++end;
    const std::string_view out = text_.substr(at_, end - at_);
    at_ = end;
    return out;
  }
  /// A size: "3", "+2", "10", "(12", "[12]", "'12'".
  void size() noexcept {
    if (peek() == '+' || peek() == '-') ++at_;
    const char first = peek();
    take(1);
    if (first == '(') take(2);
    if (first == '[') until(']');
    if (first == '\'') until('\'');
    if (first >= '1' && first <= '3' && peek() >= '0' && peek() <= '9') ++at_;
  }
  /// Up to a character, which is taken as well.
  std::string_view until(char end) noexcept {
    const std::size_t stop = std::min(text_.find(end, at_), text_.size());
    const std::string_view out = text_.substr(at_, stop - at_);
    at_ = stop;
    take(1);
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

RoffRequest roff_request(std::string_view line) noexcept {
  if (line.empty() || (line.front() != '.' && line.front() != '\'')) return {};
  line.remove_prefix(std::min(line.find_first_not_of(" \t", 1), line.size()));
  const std::string_view name = line.substr(0, line.find_first_of(" \t\\"));
  line.remove_prefix(name.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return {name, line};
}

std::string_view without_roff_comment(std::string_view line) noexcept {
  for (std::size_t at = line.find('\\'); at != std::string_view::npos && at + 1 < line.size();
       at = line.find('\\', at + 2))
    if (line[at + 1] == '"' || line[at + 1] == '#') return line.substr(0, at);
  return line;
}

std::vector<std::string> roff_arguments(std::string_view rest) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (;;) {
    at = std::min(rest.find_first_not_of(" \t", at), rest.size());
    if (at == rest.size()) return out;
    std::string& word = out.emplace_back();
    const bool quoted = rest[at] == '"';
    if (quoted) ++at;
    while (at < rest.size()) {
      const char c = rest[at++];
      if (c == '\\') {
        word += c;
        if (at < rest.size()) word += rest[at++];
      } else if (quoted && c == '"') {
        if (at == rest.size() || rest[at] != '"') break;
        word += rest[at++];
      } else if (!quoted && (c == ' ' || c == '\t')) {
        break;
      } else {
        word += c;
      }
    }
  }
}

RoffText::RoffText() {
  for (const auto& [name, value] : predefined) strings_.emplace(name, value);
}

void RoffText::define(std::string_view name, std::string_view value) {
  std::string text = resolve(value).text;
  if (text.size() > longest_string || strings_.size() >= most_strings) return;
  strings_.insert_or_assign(std::string(name), std::move(text));
}

RoffLine RoffText::resolve(std::string_view text) const {
  RoffLine out;
  Cursor cursor(text);
  while (!cursor.done()) {
    out.text += cursor.plain();
    if (cursor.done()) break;
    cursor.take();
    if (cursor.done()) {
      out.joined = true;  // the line goes on in the next one
      break;
    }
    switch (const char escape = cursor.take()) {
      case '"':
      case '#': return out;
      case 'f':
      case 'F':
      case 'g':
      case 'k':
      case 'm':
      case 'M':
      case 'O':
      case 'V':
      case 'Y':
      case '$': cursor.name(); break;
      case 'n':
        if (cursor.peek() == '+' || cursor.peek() == '-') cursor.take();
        cursor.name();
        break;
      case 's': cursor.size(); break;
      case '*': {
        const auto found = strings_.find(std::string(cursor.name()));
        if (found != strings_.end()) out.text += found->second;
        break;
      }
      case '(': append_glyph(out.text, cursor.take(2)); break;
      case '[': append_glyph(out.text, cursor.until(']')); break;
      case 'C': append_glyph(out.text, cursor.quoted()); break;
      case 'N': append_numbered(out.text, cursor.quoted()); break;
      case 'A':
      case 'b':
      case 'B':
      case 'D':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'o':
      case 'R':
      case 'S':
      case 'v':
      case 'w':
      case 'x':
      case 'X':
      case 'Z': cursor.quoted(); break;
      case 'e':
      case '\\': out.text += '\\'; break;
      case '~':
      case '0':
      case ' ': out.text += ' '; break;
      case 't': out.text += '\t'; break;
      case 'c': out.joined = true; break;
      case '&':
      case '|':
      case '^':
      case '%':
      case '/':
      case ',':
      case ':':
      case ')':
      case '{':
      case '}':
      case '!':
      case 'a':
      case 'd':
      case 'E':
      case 'p':
      case 'r':
      case 'u':
      case 'z': break;
      default: out.text += escape;
    }
  }
  return out;
}

}  // namespace attar::data
