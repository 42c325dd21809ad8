#include "text/context/mark.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "base/hash.h"

namespace attar::text::context {
namespace {

// Without i, l, o and u, which are misread, or make words.
constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr unsigned bits_of_sign = 5;
constexpr unsigned most_signs = 12;
constexpr unsigned least_check = 10;  // bits: a wrong id is taken for one of this document once in a thousand times

static_assert((std::uint64_t{most_units} * most_units + most_units) << least_check <
              std::uint64_t{1} << (bits_of_sign * most_signs));

// Cuts are numbered: of n units first the n groups, by their first unit, then the runs, by their first unit and length.
std::uint64_t cuts(std::uint64_t units) noexcept { return units + units * units; }

unsigned signs_of(std::uint64_t units) noexcept {
  unsigned signs = 1;
  while (signs < most_signs && (std::uint64_t{1} << (bits_of_sign * signs)) < (cuts(units) << least_check)) ++signs;
  return signs;
}

std::uint64_t check_of(std::string_view bytes, std::uint64_t modulus) noexcept {
  const std::uint64_t hash = base::checksum(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return hash % modulus;
}

std::string_view noun_name(Noun noun) noexcept {
  constexpr std::array<std::string_view, 4> names = {"sentence", "line", "row", "member"};
  return names[static_cast<std::size_t>(noun)];
}

}  // namespace

std::string bytes_of(const Document& document, const Cut& cut) {
  if (!cut.group) {
    const Unit& last = document.units[cut.first + cut.count - 1];
    return std::string(
        document.text.substr(document.units[cut.first].begin, last.end - document.units[cut.first].begin));
  }
  std::string out;
  for (std::uint32_t i = cut.first; i != none; i = document.units[i].next_alike)
    out += document.text.substr(document.units[i].begin, document.units[i].end - document.units[i].begin);
  return out;
}

std::string id_of(const Document& document, const Cut& cut) {
  const std::uint64_t units = document.units.size();
  const unsigned signs = signs_of(units);
  const std::uint64_t modulus = (std::uint64_t{1} << (bits_of_sign * signs)) / cuts(units);
  const std::uint64_t number = cut.group ? cut.first : units + std::uint64_t{cut.first} * units + (cut.count - 1);
  std::uint64_t value = number * modulus + check_of(bytes_of(document, cut), modulus);
  std::string out(signs, '0');
  for (unsigned i = signs; i > 0; --i, value >>= bits_of_sign)
    out[i - 1] = alphabet[static_cast<std::size_t>(value & 31U)];
  return out;
}

Result<Cut> find_cut(const Document& document, std::string_view id) {
  const auto refuse = [&] {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' marks no cut of this input; give the file, unchanged, that the mark was made from",
                            id.substr(0, 40)));
  };
  const std::uint64_t units = document.units.size();
  const unsigned signs = signs_of(units);
  if (units == 0 || id.size() != signs) return refuse();
  std::uint64_t value = 0;
  for (const char sign : id) {
    const std::size_t at = alphabet.find(sign);
    if (at == std::string_view::npos) return refuse();
    value = (value << bits_of_sign) | at;
  }
  const std::uint64_t modulus = (std::uint64_t{1} << (bits_of_sign * signs)) / cuts(units);
  const std::uint64_t number = value / modulus;
  if (number >= cuts(units)) return refuse();
  Cut out;
  if (number < units) {
    out = {.first = static_cast<std::uint32_t>(number), .count = 1, .group = true};
    if (document.units[out.first].group != out.first) return refuse();
  } else {
    out.first = static_cast<std::uint32_t>((number - units) / units);
    out.count = static_cast<std::uint32_t>((number - units) % units) + 1;
    if (out.first >= units || out.count > units - out.first) return refuse();
  }
  if (value % modulus != check_of(bytes_of(document, out), modulus)) return refuse();
  return out;
}

std::size_t first_statement(std::string_view lines) noexcept {
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t text = std::min(lines.find_first_not_of(" \t", at), lines.size());
    if (text < lines.size() && std::string_view("#\r\n").find(lines[text]) == std::string_view::npos) return text;
    at = std::min(lines.find('\n', text), lines.size() - 1) + 1;
  }
  return std::string_view::npos;
}

std::string count_in_words(const Document& document, const Cut& cut) {
  const std::span units = std::span(document.units).subspan(cut.first, cut.count);
  Noun noun = units.front().noun;
  std::uint64_t count = 0;
  // Headings and brackets go with what they are over.
  for (const Unit& unit : units) {
    if (unit.role != Role::leaf && units.size() > 1) continue;
    if (count == 0) noun = unit.noun;
    if (unit.noun == noun) ++count;
  }
  const bool lines = noun == Noun::line || std::ranges::any_of(units, [&](const Unit& unit) {
                       return unit.role == Role::leaf && unit.noun != noun;
                     });
  if (lines) {
    noun = Noun::line;
    const std::string bytes = bytes_of(document, cut);
    count = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n')) + (bytes.ends_with('\n') ? 0 : 1);
    std::string_view rest = bytes;  // empty lines at the end are no lines
    while (rest.ends_with("\n\n")) {
      rest.remove_suffix(1);
      --count;
    }
  }
  count = std::max<std::uint64_t>(count, 1);
  return fmt::format("{} {}{}", count, noun_name(noun), count == 1 ? "" : "s");
}

// The key of the one member of an object that a cut takes, with its quotes; empty where it takes several.
static std::string_view only_key(const Document& document, const Cut& cut) noexcept {
  const Unit& first = document.units[cut.first];
  for (std::uint32_t i = cut.first + 1; i < cut.first + cut.count; ++i)
    if (document.units[i].parent == first.parent) return {};
  const std::string_view member = document.text.substr(first.begin, first.end - first.begin);
  if (!member.starts_with('"')) return {};
  std::size_t end = 1;
  while (end < member.size() && member[end] != '"') end += member[end] == '\\' ? 2 : 1;
  return end < member.size() ? member.substr(0, end + 1) : std::string_view{};
}

std::string mark_of(const Document& document, const Cut& cut) {
  const std::span units = std::span(document.units).subspan(cut.first, cut.count);
  const bool again = std::ranges::all_of(units, &Unit::repeated);
  const std::string words = fmt::format("{}{}{} {}", again ? "" : "-", count_in_words(document, cut),
                                        again ? " again" : "", id_of(document, cut));
  switch (document.units[cut.first].style) {
    case MarkStyle::plain: return fmt::format("[{}]", words);
    case MarkStyle::braces: return fmt::format("/* {} */", words);
    case MarkStyle::statement:
      return fmt::format("{}# {}", first_statement(bytes_of(document, cut)) == std::string_view::npos ? "" : "...  ",
                         words);
    case MarkStyle::hash: return fmt::format("# {}", words);
    case MarkStyle::element: return fmt::format("\"[{}]\"", words);
    case MarkStyle::member: {
      const std::string_view key = only_key(document, cut);
      return key.empty() ? fmt::format("\"[{}]\":null", words) : fmt::format("{}:\"[{}]\"", key, words);
    }
  }
  return {};
}

std::string group_mark(const Document& document, std::uint32_t first, std::uint32_t others,
                       std::string_view differences) {
  const std::string id = id_of(document, {.first = first, .count = 1, .group = true});
  return fmt::format("[+{} alike{}{} {}]", others, differences.empty() ? "" : ", ", differences, id);
}

}  // namespace attar::text::context
