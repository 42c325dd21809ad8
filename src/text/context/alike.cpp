#include "text/context/alike.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/hash.h"

namespace attar::text::context {
namespace {

constexpr std::size_t least_repeated = 40;    // bytes
constexpr std::size_t hexadecimal_word = 8;   // signs, of which one is a digit
constexpr std::size_t most_values = 3;        // of a variable, listed; more are a range
constexpr std::size_t compared_lines = 4096;  // of a group
constexpr std::uint64_t mixer = 0x9E3779B97F4A7C15ULL;

enum Sign : std::uint8_t { other = 0, digit = 1, hex_letter = 2, letter = 4 };
constexpr std::array<std::uint8_t, 256> signs = [] {
  std::array<std::uint8_t, 256> out{};
  for (int c = '0'; c <= '9'; ++c) out[static_cast<std::size_t>(c)] = digit;
  for (int c = 'a'; c <= 'z'; ++c) out[static_cast<std::size_t>(c)] = c <= 'f' ? hex_letter : letter;
  for (int c = 'A'; c <= 'Z'; ++c) out[static_cast<std::size_t>(c)] = c <= 'F' ? hex_letter : letter;
  return out;
}();
std::uint8_t sign_of(char c) noexcept { return signs[static_cast<unsigned char>(c)]; }

// Calls `variable(begin, end)` for each variable of a line, in order.
template <class Take>
void each_variable(std::string_view line, Take variable) {
  bool identifier = false;  // the word before was a hexadecimal one, as in the groups of a UUID
  for (std::size_t at = 0; at < line.size();) {
    if (sign_of(line[at]) == other) {
      identifier = identifier && line[at] == '-';
      ++at;
      continue;
    }
    std::size_t end = at;
    std::uint8_t all = 0;
    while (end < line.size() && sign_of(line[end]) != other) all |= sign_of(line[end++]);
    const std::size_t size = end - at;
    const bool prefixed =
        size > 2 && line[at] == '0' && (line[at + 1] == 'x' || line[at + 1] == 'X') &&
        line.substr(at + 2, size - 2).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    const bool word = (all & letter) == 0 &&
                      (((all & digit) != 0 && size >= hexadecimal_word) || (identifier && (size == 4 || size == 12)));
    const bool hexadecimal = prefixed || word;
    if (hexadecimal) {
      variable(at, end);
    } else if ((all & digit) != 0) {
      for (std::size_t i = at; i < end;) {
        std::size_t stop = i;
        while (stop < end && sign_of(line[stop]) == digit) ++stop;
        if (stop > i) variable(i, stop);
        i = std::max(stop, i + 1);
      }
    }
    identifier = hexadecimal;
    at = end;
  }
}

std::uint64_t hash(std::string_view text) noexcept {
  return base::checksum(std::as_bytes(std::span(text.data(), text.size())));
}

std::string_view without_end(std::string_view line) noexcept {
  while (line.ends_with('\n') || line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

// The time of day in a line's first bytes, from its first digit to the end of its word.
std::string_view time_of(std::string_view line) noexcept {
  const std::string_view head = line.substr(0, 64);
  for (std::size_t at = 1; at + 2 < head.size(); ++at) {
    if (head[at] != ':' || sign_of(head[at - 1]) != digit || sign_of(head[at + 1]) != digit ||
        sign_of(head[at + 2]) != digit)
      continue;
    std::size_t begin = at, end = at;
    while (begin > 0 && sign_of(head[begin - 1]) == digit) --begin;
    while (end < head.size() &&
           (sign_of(head[end]) == digit || head[end] == ':' || head[end] == '.' || head[end] == ','))
      ++end;
    while (end > begin && sign_of(head[end - 1]) != digit) --end;
    return head.substr(begin, end - begin);
  }
  return {};
}

// "status: 200", "len=1893": the word before a variable, which a colon or an equals sign parts from it.
std::string_view name_before(std::string_view line, std::size_t at) noexcept {
  std::size_t end = at;
  while (end > 0 && line[end - 1] == ' ') --end;
  if (end == 0 || (line[end - 1] != ':' && line[end - 1] != '=')) return {};
  --end;
  std::size_t begin = end;
  while (begin > 0 && ((sign_of(line[begin - 1]) & (hex_letter | letter)) != 0 || line[begin - 1] == '_')) --begin;
  return end - begin <= 24 ? line.substr(begin, end - begin) : std::string_view{};
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return std::nullopt;
  return out;
}

// The values of one variable over all lines: listed, or as a range of numbers; empty where neither says much.
std::string values_in_words(const std::vector<std::string_view>& values) {
  std::vector<std::string_view> distinct;
  for (const std::string_view value : values) {
    if (std::ranges::find(distinct, value) == distinct.end()) distinct.push_back(value);
    if (distinct.size() > most_values) break;
  }
  if (distinct.size() == 1) return {};
  if (distinct.size() <= most_values) return fmt::format("{}", fmt::join(distinct, " "));
  std::uint64_t least = ~std::uint64_t{0}, most = 0;
  for (const std::string_view value : values) {
    const auto own = number(value);
    if (!own) return {};
    least = std::min(least, *own);
    most = std::max(most, *own);
  }
  return fmt::format("{}..{}", least, most);
}

void find_templates(Document& document) {
  struct Group {
    std::uint32_t first = 0, last = 0;
  };
  std::unordered_map<std::uint64_t, Group> groups;
  for (std::uint32_t i = 0; i < document.units.size(); ++i) {
    Unit& unit = document.units[i];
    if (unit.kind != Kind::log) continue;
    const auto [entry, added] = groups.try_emplace(template_hash(without_end(document.shown(unit))), Group{i, i});
    if (added) continue;
    Group& group = entry->second;
    unit.group = document.units[group.first].group = group.first;
    document.units[group.last].next_alike = i;
    group.last = i;
  }
}

void find_repeated(Document& document) {
  std::unordered_map<std::uint64_t, std::uint32_t> first;
  for (std::uint32_t i = 0; i < document.units.size(); ++i) {
    Unit& unit = document.units[i];
    const std::string_view shown = document.shown(unit);
    if (unit.kind == Kind::log || unit.role != Role::leaf || shown.size() < least_repeated) continue;
    const auto [entry, added] = first.try_emplace(hash(without_end(shown)), i);
    if (!added && without_end(document.shown(document.units[entry->second])) == without_end(shown))
      unit.repeated = true;
  }
}

}  // namespace

std::uint64_t template_hash(std::string_view line) noexcept {
  std::uint64_t out = line.empty() ? 0 : mixer;
  std::size_t from = 0;
  const auto constant = [&](std::size_t to) {
    if (to > from) out = (out ^ hash(line.substr(from, to - from))) * mixer;
    out = (out ^ (out >> 29)) + 1;
  };
  each_variable(line, [&](std::size_t begin, std::size_t end) {
    constant(begin);
    from = end;
  });
  constant(line.size());
  return out;
}

std::vector<std::string_view> variables(std::string_view line) {
  std::vector<std::string_view> out;
  each_variable(line, [&](std::size_t begin, std::size_t end) { out.push_back(line.substr(begin, end - begin)); });
  return out;
}

void find_alike(Document& document) {
  find_templates(document);
  find_repeated(document);
}

std::string differences(const std::vector<std::string_view>& lines, std::size_t most) {
  std::string out;
  if (lines.size() < 2) return out;
  const auto add = [&](const std::string& part) {
    if (part.empty() || out.size() + part.size() + 2 > most) return;
    out += (out.empty() ? "" : "; ") + part;
  };
  if (const std::string_view last = time_of(lines.back()); !last.empty() && last != time_of(lines.front()))
    add(fmt::format("until {}", last));
  std::vector<std::vector<std::string_view>> all;
  for (std::size_t i = 0; i < std::min(lines.size(), compared_lines); ++i) all.push_back(variables(lines[i]));
  std::vector<std::string_view> names;
  each_variable(lines.front(),
                [&](std::size_t begin, std::size_t) { names.push_back(name_before(lines.front(), begin)); });
  for (std::size_t slot = 0; slot < names.size(); ++slot) {
    if (names[slot].empty()) continue;
    std::vector<std::string_view> values;
    for (const auto& own : all)
      if (slot < own.size()) values.push_back(own[slot]);
    if (const std::string words = values_in_words(values); !words.empty())
      add(fmt::format("{} {}", names[slot], words));
  }
  return out;
}

}  // namespace attar::text::context
