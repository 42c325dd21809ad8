#include "text/tokenizer/vocabulary.h"

#include <algorithm>
#include <span>

#include "base/hash.h"

namespace attar::text {

std::uint32_t Vocabulary::hash(std::string_view token) noexcept {
  return static_cast<std::uint32_t>(base::checksum(std::as_bytes(std::span(token.data(), token.size()))));
}

const Vocabulary::Entry* Vocabulary::entry_of(std::string_view token) const noexcept {
  if (token.size() > longest_) return nullptr;
  const std::uint32_t wanted = hash(token);
  for (std::size_t at = wanted & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at] == none) return nullptr;
    const Entry& entry = entries_[slots_[at]];
    if (entry.hash == wanted && text(entry) == token) return &entry;
  }
}

bool Vocabulary::add(std::string_view token, std::uint32_t number) {
  if (entry_of(token) != nullptr) return false;
  if (entries_.size() + 1 > slots_.size() / 2) grow();
  const std::uint32_t own = hash(token);
  std::size_t at = own & (slots_.size() - 1);
  while (slots_[at] != none) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back(
      {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(token.size()), number, own});
  bytes_.append(token);
  longest_ = std::max(longest_, token.size());
  return true;
}

void Vocabulary::grow() {
  slots_.assign(slots_.size() * 2, none);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & (slots_.size() - 1);
    while (slots_[at] != none) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = static_cast<std::uint32_t>(i);
  }
}

}  // namespace attar::text
