#include "text/context/headings.h"

#include <algorithm>
#include <span>

#include "base/hash.h"

namespace attar::text::context {
namespace {

constexpr std::size_t most_alike = 64;  // names that begin with one term, such as "Part 1", "Part 2": each is looked at
constexpr std::size_t most_terms = 12;  // of a name; longer headings are sentences, which nobody repeats

std::string_view without_brackets(std::string_view heading) noexcept {
  while (heading.ends_with(' ')) heading.remove_suffix(1);
  if (!heading.ends_with(')')) return heading;
  const std::size_t open = heading.rfind('(');
  return open == std::string_view::npos || open == 0 ? heading : heading.substr(0, open);
}

}  // namespace

std::uint64_t term_hash(std::string_view term) noexcept {
  return base::checksum(std::as_bytes(std::span(term.data(), term.size())));
}

bool is_marked(std::string_view word) noexcept {
  return std::ranges::any_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

std::uint32_t Headings::add(std::string_view heading, bool tells, WordSplitter& splitter) {
  const auto [entry, added] = known_.try_emplace(heading, static_cast<std::uint32_t>(names_.size()));
  if (!added) return entry->second;
  const std::string_view text = without_brackets(heading);
  Name name{.marked = is_marked(text)};
  for (const Word& word : splitter.split(text, most_terms + 1)) name.terms.push_back(term_hash(word.term));
  if (!tells || name.terms.size() > most_terms) name.terms.clear();
  if (!name.terms.empty()) {
    std::vector<std::uint32_t>& alike = by_first_[name.terms.front()];
    if (alike.size() < most_alike) alike.push_back(entry->second);
  }
  names_.push_back(std::move(name));
  return entry->second;
}

bool Headings::begins(const Name& name, std::span<const std::uint64_t> terms, std::size_t at) noexcept {
  return !name.terms.empty() && terms.size() - at >= name.terms.size() &&
         std::ranges::equal(name.terms, terms.subspan(at, name.terms.size()));
}

void Headings::named_at(std::span<const std::uint64_t> terms, std::size_t at, bool marked,
                        std::vector<std::uint32_t>& out) const {
  const auto found = by_first_.find(terms[at]);
  if (found == by_first_.end()) return;
  for (const std::uint32_t heading : found->second) {
    const Name& name = names_[heading];
    if ((name.terms.size() > 1 || marked || !name.marked) && begins(name, terms, at)) out.push_back(heading);
  }
}

bool Headings::within(std::uint32_t heading, std::span<const std::uint64_t> terms) const noexcept {
  for (std::size_t at = 0; at < terms.size(); ++at)
    if (begins(names_[heading], terms, at)) return true;
  return false;
}

}  // namespace attar::text::context
