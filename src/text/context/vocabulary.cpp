#include "text/context/vocabulary.h"

#include <algorithm>

namespace attar::text::context {
namespace {

constexpr std::size_t least = 4;  // characters of a word

constexpr std::uint64_t seed = 0xCBF29CE484222325ULL, factor = 0x100000001B3ULL;  // FNV-1a

// The small letter of a word's byte; 0 for what belongs to no word.
unsigned char folded(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 'A' && byte <= 'Z') return static_cast<unsigned char>(byte + ('a' - 'A'));
  const bool own = byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
  return own ? byte : 0;
}

}  // namespace

void Vocabulary::add(std::string_view unit) {
  const std::size_t first = words_.size();
  for (std::size_t at = 0; at < unit.size();) {
    std::uint64_t hash = seed;
    const std::size_t begin = at;
    for (unsigned char c = 0; at < unit.size() && (c = folded(unit[at])) != 0; ++at) hash = (hash ^ c) * factor;
    if (at - begin >= least)
      words_.push_back(numbers_.try_emplace(hash, static_cast<std::uint32_t>(numbers_.size())).first->second);
    if (at == begin) ++at;
  }
  std::sort(words_.begin() + static_cast<std::ptrdiff_t>(first), words_.end());
  words_.erase(std::unique(words_.begin() + static_cast<std::ptrdiff_t>(first), words_.end()), words_.end());
  holders_.resize(numbers_.size());
  for (std::size_t i = first; i < words_.size(); ++i) ++holders_[words_[i]];
  add_silent();
}

}  // namespace attar::text::context
