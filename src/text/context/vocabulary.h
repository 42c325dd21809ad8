// The words of units, by number: what selection counts to see what is said already.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attar::text::context {

/// Words are runs of at least four letters, digits, underscores and bytes beyond ASCII, in small letters.
class Vocabulary {
 public:
  /// Appends the next unit's distinct words.
  void add(std::string_view unit);
  /// Appends a unit that says nothing.
  void add_silent() { begins_.push_back(static_cast<std::uint32_t>(words_.size())); }

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(holders_.size()); }
  [[nodiscard]] std::span<const std::uint32_t> words(std::size_t unit) const noexcept {
    return std::span(words_).subspan(begins_[unit], begins_[unit + 1] - begins_[unit]);
  }
  /// Units that hold a word.
  [[nodiscard]] std::uint32_t holders(std::uint32_t word) const noexcept { return holders_[word]; }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // by hash
  std::vector<std::uint32_t> words_, begins_ = {0}, holders_;
};

}  // namespace attar::text::context
