// What was found out about words met before: texts repeat their words, and looking one up takes a fraction of cutting
// it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

namespace attar::text {

/// Of words of at most `Longest` bytes; a word takes the place of another with the same hash.
template <class Value, std::size_t Longest, std::size_t Places>
class WordMemory {
 public:
  static constexpr std::size_t longest = Longest;

  class Entry {
   public:
    Value value{};

    [[nodiscard]] bool holds(std::string_view word) const noexcept {
      return size_ == word.size() && std::memcmp(word_.data(), word.data(), size_) == 0;
    }
    /// The value is of this word from now on.
    void take(std::string_view word) noexcept {
      std::ranges::copy(word, word_.begin());
      size_ = static_cast<std::uint8_t>(word.size());
    }

   private:
    std::array<char, Longest> word_{};
    std::uint8_t size_ = 0;
  };

  /// This thread's, of one vocabulary at a time.
  [[nodiscard]] static WordMemory& of(std::uint64_t identity) {
    thread_local WordMemory memory;
    if (memory.identity_ != identity) {
      memory.entries_.assign(Places, Entry{});
      memory.identity_ = identity;
    }
    return memory;
  }

  [[nodiscard]] Entry& at(std::string_view word) noexcept {
    return entries_[std::hash<std::string_view>()(word) % Places];
  }

 private:
  std::uint64_t identity_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace attar::text
