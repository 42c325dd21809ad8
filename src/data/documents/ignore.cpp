#include "data/documents/ignore.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "data/utf8.h"

namespace attar::data {
namespace {

constexpr std::string_view special = "*?[\\";

/// The bytes of a named class, "[:digit:]" without its brackets; those of ASCII alone.
std::optional<std::bitset<256>> named_class(std::string_view name) {
  const auto between = [](int c, char low, char high) { return c >= low && c <= high; };
  const auto upper = [&](int c) { return between(c, 'A', 'Z'); };
  const auto lower = [&](int c) { return between(c, 'a', 'z'); };
  const auto digit = [&](int c) { return between(c, '0', '9'); };
  const auto letter = [&](int c) { return upper(c) || lower(c); };
  const auto graphic = [&](int c) { return between(c, '!', '~'); };
  std::bitset<256> out;
  const auto fill = [&](auto&& holds) {
    for (int c = 0; c < 128; ++c) out[static_cast<std::size_t>(c)] = holds(c);
    return out;
  };
  if (name == "alpha") return fill(letter);
  if (name == "digit") return fill(digit);
  if (name == "alnum") return fill([&](int c) { return letter(c) || digit(c); });
  if (name == "upper") return fill(upper);
  if (name == "lower") return fill(lower);
  if (name == "space") return fill([&](int c) { return c == ' ' || between(c, '\t', '\r'); });
  if (name == "blank") return fill([](int c) { return c == ' ' || c == '\t'; });
  if (name == "cntrl") return fill([](int c) { return c < 32 || c == 127; });
  if (name == "graph") return fill(graphic);
  if (name == "print") return fill([&](int c) { return c == ' ' || graphic(c); });
  if (name == "punct") return fill([&](int c) { return graphic(c) && !letter(c) && !digit(c); });
  if (name == "xdigit") return fill([&](int c) { return digit(c) || between(c, 'a', 'f') || between(c, 'A', 'F'); });
  return std::nullopt;
}

unsigned char byte_of(char c) noexcept { return static_cast<unsigned char>(c); }

}  // namespace

Glob::Glob(std::string_view pattern) {
  std::size_t at = 0;
  while (at < pattern.size()) {
    switch (pattern[at]) {
      case '*': at = add_stars(pattern, at); break;
      case '[': at = add_set(pattern, at); break;
      case '?':
        tokens_.push_back({.kind = Kind::any});
        ++at;
        break;
      case '\\':
        if (++at == pattern.size()) {
          tokens_.push_back({.kind = Kind::never});
          break;
        }
        [[fallthrough]];
      default: tokens_.push_back({.kind = Kind::byte, .byte = byte_of(pattern[at++])});
    }
  }
  std::size_t first = tokens_.size();
  while (first > 0 && tokens_[first - 1].kind == Kind::byte) --first;
  for (; first < tokens_.size(); ++first) ending_ += static_cast<char>(tokens_[first].byte);
  shortest_ = static_cast<std::size_t>(std::ranges::count_if(
      tokens_, [](Kind kind) { return kind == Kind::byte || kind == Kind::any || kind == Kind::set; }, &Token::kind));
}

/// Two stars and more cross folders where they stand alone between slashes; elsewhere they are one.
std::size_t Glob::add_stars(std::string_view pattern, std::size_t at) {
  const std::size_t end = std::min(pattern.find_first_not_of('*', at), pattern.size());
  const std::string_view behind = pattern.substr(end);
  const bool apart =
      (at == 0 || pattern[at - 1] == '/') && (behind.empty() || behind.starts_with('/') || behind.starts_with("\\/"));
  if (end - at < 2 || !apart) {
    tokens_.push_back({.kind = Kind::star});
  } else if (behind.starts_with('/')) {
    // "**/" twice is as good as once.
    if (!tokens_.empty() && tokens_.back().kind == Kind::folders) return end + 1;
    tokens_.push_back({.kind = Kind::no_folder});
    tokens_.push_back({.kind = Kind::folders});
    return end + 1;
  } else {
    tokens_.push_back({.kind = Kind::deep});
  }
  return end;
}

/// Reads "[…]"; without its end, or with a class of no known name, the pattern matches nothing.
std::size_t Glob::add_set(std::string_view pattern, std::size_t at) {
  const auto malformed = [&] {
    tokens_.push_back({.kind = Kind::never});
    return pattern.size();
  };
  Set set;
  ++at;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  std::size_t low = 0;  // where a range may begin; 0: nowhere
  for (bool first = true;; first = false) {
    if (at >= pattern.size()) return malformed();
    char c = pattern[at];
    if (c == ']' && !first) break;
    if (c == '-' && low != 0 && at + 1 < pattern.size() && pattern[at + 1] != ']') {
      if (pattern[++at] == '\\') ++at;
      if (at == pattern.size()) return malformed();
      for (std::size_t i = low; i <= byte_of(pattern[at]); ++i) set.set(i);
      low = 0;
    } else if (c == '[' && pattern.substr(at + 1).starts_with(':')) {
      const std::size_t begin = at + 2;
      const std::size_t end = pattern.find(']', begin);
      if (end == std::string_view::npos) return malformed();
      if (end > begin && pattern[end - 1] == ':') {
        const auto members = named_class(pattern.substr(begin, end - 1 - begin));
        if (!members) return malformed();
        set |= *members;
        low = 0;
        at = end;
      } else {
        set.set(low = byte_of(c));
      }
    } else {
      if (c == '\\') {
        if (++at == pattern.size()) return malformed();
        c = pattern[at];
      }
      set.set(low = byte_of(c));
    }
    ++at;
  }
  if (negated) set.flip();
  set.reset('/');
  tokens_.push_back({.kind = Kind::set, .index = static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(set);
  return at + 1;
}

/// Marks a state, and those that it leads to without reading anything.
void Glob::enter(std::vector<char>& states, std::size_t state) const {
  while (states[state] == 0) {
    states[state] = 1;
    if (state == tokens_.size()) return;
    const Kind kind = tokens_[state].kind;
    if (kind == Kind::no_folder) states[++state] = 1;
    if (kind != Kind::no_folder && kind != Kind::star && kind != Kind::deep) return;
    ++state;
  }
}

void Glob::step(std::vector<char>& next, std::size_t state, unsigned char byte) const {
  const Token& token = tokens_[state];
  switch (token.kind) {
    case Kind::byte:
      if (byte == token.byte) enter(next, state + 1);
      return;
    case Kind::any:
      if (byte != '/') enter(next, state + 1);
      return;
    case Kind::set:
      if (sets_[token.index].test(byte)) enter(next, state + 1);
      return;
    case Kind::star:
      if (byte != '/') enter(next, state);
      return;
    case Kind::deep: enter(next, state); return;
    case Kind::folders:
      next[state] = 1;
      if (byte == '/') enter(next, state + 1);
      return;
    case Kind::no_folder:
    case Kind::never: return;
  }
}

bool Glob::matches(std::string_view text) const {
  // Most patterns end like "*.o", and most paths do not.
  if (text.size() < shortest_ || !text.ends_with(ending_)) return false;
  std::vector<char> states(tokens_.size() + 1), next(tokens_.size() + 1);
  enter(states, 0);
  for (const char c : text) {
    std::ranges::fill(next, 0);
    for (std::size_t state = 0; state < tokens_.size(); ++state)
      if (states[state] != 0) step(next, state, byte_of(c));
    std::swap(states, next);
  }
  return states.back() != 0;
}

IgnorePatterns::IgnorePatterns(std::string_view text, std::string base) : base_(std::move(base)) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('#')) continue;
    if (line.ends_with('\r')) line.remove_suffix(1);
    add(line.substr(0, line.find('\0')));
  }
}

void IgnorePatterns::add(std::string_view line) {
  // Blanks at the end are dropped, but for one behind a backslash.
  std::size_t end = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\')
      ++i;
    else if (line[i] == ' ')
      continue;
    end = std::min(i + 1, line.size());
  }
  line = line.substr(0, end);
  Pattern out;
  out.negated = line.starts_with('!');
  if (out.negated) line.remove_prefix(1);
  out.folders_only = line.ends_with('/');
  if (out.folders_only) line.remove_suffix(1);
  out.name_only = line.find('/') == std::string_view::npos;
  if (!out.name_only && line.starts_with('/')) line.remove_prefix(1);
  if (line.empty()) return;
  const std::size_t literal = std::min(line.find_first_of(special), line.size());
  out.literal = literal == line.size();
  out.prefix = line.substr(0, literal);
  // git, too, forgets what stands before the prefix's end: in "a**/b" the stars cross folders.
  out.rest = Glob(line.substr(literal));
  patterns_.push_back(std::move(out));
}

IgnorePatterns::Verdict IgnorePatterns::judge(std::string_view path, bool folder) const {
  const std::string_view below = path.substr(base_.size());
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (const Pattern& pattern : std::views::reverse(patterns_)) {
    if (pattern.folders_only && !folder) continue;
    const std::string_view text = pattern.name_only ? name : below;
    const bool hit = pattern.literal
                         ? text == pattern.prefix
                         : text.starts_with(pattern.prefix) && pattern.rest.matches(text.substr(pattern.prefix.size()));
    if (hit) return pattern.negated ? Verdict::kept : Verdict::ignored;
  }
  return Verdict::none;
}

}  // namespace attar::data
