#include "filter/nearest.h"

#include <fmt/format.h>

#include <algorithm>

namespace attar::filter {
namespace {

char lowered(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (lowered(a[i - 1]) == lowered(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_name(std::string_view text, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 64;
  if (text.size() > longest) return {};
  std::string best;
  std::size_t least = (text.size() + 2) / 3 + 1;
  for (const std::string& name : names) {
    if (name.size() > 2 * longest) continue;
    const std::size_t d = distance(text, name);
    if (d < least) least = d, best = name;
  }
  return best;
}

std::string names_in_words(const std::vector<std::string>& names) {
  constexpr std::size_t most = 24;
  if (names.empty()) return "there are none";
  const auto shown = names.begin() + static_cast<std::ptrdiff_t>(std::min(most, names.size()));
  return fmt::format("there are: {}{}", fmt::join(names.begin(), shown, ", "), names.size() > most ? ", …" : "");
}

}  // namespace attar::filter
