#include "text/tokenizer/scan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "text/unicode.h"

namespace attar::text {
namespace {

using Kinds = std::uint32_t;  // a bit for each PieceKind

constexpr Kinds bit(PieceKind kind) { return Kinds{1} << static_cast<unsigned>(kind); }
constexpr Kinds spaces = bit(PieceKind::newline) | bit(PieceKind::space), numbers = bit(PieceKind::number),
                letters = bit(PieceKind::upper) | bit(PieceKind::lower) | bit(PieceKind::letter),
                signs = bit(PieceKind::mark) | bit(PieceKind::other),
                caseless = bit(PieceKind::letter) | bit(PieceKind::mark), uppers = bit(PieceKind::upper) | caseless,
                lowers = bit(PieceKind::lower) | caseless;

constexpr char32_t long_s = 0x17F;

struct Character {
  std::size_t end;
  char32_t code;
  Kinds kind;  // none at the text's end
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : text_(text) {}

  // ' ?L+| ?N+| ?[^sLN]+' of GPT-2, and its contractions in lower case.
  [[nodiscard]] std::size_t gpt2(std::size_t at) const noexcept {
    const Character first = read(at);
    if (first.code == '\'')
      if (const std::size_t end = contraction(at, false); end != at) return end;
    const std::size_t begin = first.code == ' ' ? first.end : at;
    const Kinds kind = read(begin).kind;
    for (const Kinds kinds : {letters, numbers, signs})
      if ((kind & kinds) != 0) return run(begin, kinds);
    return blanks(at, false, false);
  }

  [[nodiscard]] std::size_t cl100k(std::size_t at, std::size_t digits, bool end_first) const noexcept {
    const Character first = read(at);
    if (first.code == '\'')
      if (const std::size_t end = contraction(at, true); end != at) return end;
    if ((first.kind & letters) != 0) return run(first.end, letters);
    if (may_lead(first) && (read(first.end).kind & letters) != 0) return run(first.end, letters);
    if ((first.kind & numbers) != 0) return few(at, digits);
    if (const std::size_t end = sign_run(at, first, false); end != at) return end;
    return blanks(at, true, end_first);
  }

  [[nodiscard]] std::size_t o200k(std::size_t at) const noexcept {
    const Character first = read(at);
    if (const std::size_t end = cased_word(at, first); end != at) return contraction(end, true);
    if ((first.kind & numbers) != 0) return few(at, 3);
    if (const std::size_t end = sign_run(at, first, true); end != at) return end;
    return blanks(at, true, false);
  }

 private:
  [[nodiscard]] Character read(std::size_t at) const noexcept {
    if (at >= text_.size()) return {at, 0, 0};
    const char32_t code = next_code_point(text_, at);
    return {at, code, bit(piece_kind(code))};
  }

  // The end of the run of these kinds; `at` where there is none.
  [[nodiscard]] std::size_t run(std::size_t at, Kinds kinds) const noexcept {
    for (Character c = read(at); (c.kind & kinds) != 0; c = read(at)) at = c.end;
    return at;
  }

  [[nodiscard]] std::size_t few(std::size_t at, std::size_t most) const noexcept {
    for (Character c = read(at); most != 0 && (c.kind & numbers) != 0; c = read(at), --most) at = c.end;
    return at;
  }

  [[nodiscard]] std::size_t run_of(std::size_t at, std::string_view bytes) const noexcept {
    return std::min(text_.find_first_not_of(bytes, at), text_.size());
  }

  // [^\r\n\p{L}\p{N}]
  [[nodiscard]] static bool may_lead(const Character& c) noexcept {
    return (c.kind & (bit(PieceKind::space) | signs)) != 0;
  }

  // 's, 't, 'm, 'd, 're, 've, 'll; `at` where none stands there.
  [[nodiscard]] std::size_t contraction(std::size_t at, bool any_case) const noexcept {
    if (at >= text_.size() || text_[at] != '\'') return at;
    const Character first = read(at + 1);
    const char32_t a = first.code == long_s && any_case ? U's' : folded(first.code, any_case);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return first.end;
    const Character second = read(first.end);
    const char32_t b = folded(second.code, any_case);
    return ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l') ? second.end : at;
  }
  [[nodiscard]] static char32_t folded(char32_t c, bool any_case) noexcept {
    return any_case && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  }

  // ' ?[^\s\p{L}\p{N}]+[\r\n]*', with '/' among the last; `at` where it does not match.
  [[nodiscard]] std::size_t sign_run(std::size_t at, const Character& first, bool slashes) const noexcept {
    const std::size_t begin = first.code == ' ' ? first.end : at;
    const std::size_t end = run(begin, signs);
    return end == begin ? at : run_of(end, slashes ? "\r\n/" : "\r\n");
  }

  // White space: to its last line end, or all of it where nothing follows, or all but the character before a word.
  [[nodiscard]] std::size_t blanks(std::size_t at, bool to_line_end, bool end_first) const noexcept {
    std::size_t end = at, before = at, line_end = at;
    for (Character c = read(at); (c.kind & spaces) != 0; c = read(end)) {
      before = end;
      end = c.end;
      if (c.kind == bit(PieceKind::newline)) line_end = end;
    }
    if (end_first && end == text_.size()) return end;
    if (to_line_end && line_end != at) return line_end;
    return end == text_.size() || before == at ? end : before;
  }

  // The two first branches of o200k without the contraction, tried as they stand: with a character before and without;
  // `at` where none matches.
  [[nodiscard]] std::size_t cased_word(std::size_t at, const Character& first) const noexcept {
    if (may_lead(first))
      if (const std::size_t end = ending_low(first.end); end != first.end) return end;
    if (const std::size_t end = ending_low(at); end != at) return end;
    if (may_lead(first))
      if (const std::size_t end = run(first.end, uppers); end != first.end) return end;
    return run(at, uppers);
  }

  // U*D+: where no lower case follows the run of U, its last character without case must serve as D.
  [[nodiscard]] std::size_t ending_low(std::size_t at) const noexcept {
    std::size_t end = at, last_caseless = at;
    for (Character c = read(at); (c.kind & uppers) != 0; c = read(end)) {
      end = c.end;
      if ((c.kind & caseless) != 0) last_caseless = end;
    }
    const std::size_t low = run(end, lowers);
    return low != end ? low : last_caseless;
  }

  std::string_view text_;
};

struct Name {
  std::string_view name;
  Pattern pattern;
};
constexpr std::array<Name, 9> names = {{{"cl100k_base", Pattern::cl100k},
                                        {"o200k_base", Pattern::o200k},
                                        {"p50k_base", Pattern::gpt2},
                                        {"r50k_base", Pattern::gpt2},
                                        {"gpt2", Pattern::gpt2},
                                        {"llama3", Pattern::llama3},
                                        {"qwen2", Pattern::qwen2},
                                        {"qwen", Pattern::qwen2},
                                        {"o200k_harmony", Pattern::o200k}}};

// As the files of models write them.
constexpr std::array<Name, 8> regexes = {{
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Pattern::gpt2},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Pattern::gpt2},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)", Pattern::gpt2},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s)",
     Pattern::cl100k},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
     Pattern::llama3},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::llama3},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::qwen2},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::o200k},
}};

std::optional<Pattern> find(const auto& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Name::name);
  if (found == table.end()) return std::nullopt;
  return found->pattern;
}

}  // namespace

std::size_t scan_piece(Pattern pattern, std::string_view text, std::size_t at) noexcept {
  const Scanner scanner(text);
  switch (pattern) {
    case Pattern::gpt2: return scanner.gpt2(at);
    case Pattern::cl100k: return scanner.cl100k(at, 3, true);
    case Pattern::llama3: return scanner.cl100k(at, 3, false);
    case Pattern::qwen2: return scanner.cl100k(at, 1, false);
    case Pattern::o200k: return scanner.o200k(at);
  }
  std::unreachable();
}

std::optional<Pattern> pattern_of_regex(std::string_view regex) { return find(regexes, regex); }

std::optional<Pattern> pattern_of_name(std::string_view name) { return find(names, name); }

std::string pattern_names() {
  std::vector<std::string_view> out(names.size());
  std::ranges::transform(names, out.begin(), &Name::name);
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace attar::text
