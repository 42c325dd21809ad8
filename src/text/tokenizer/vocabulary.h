// The tokens of a vocabulary, as bytes, and their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attar::text {

/// Open addressing over one stretch of bytes: made once, asked often.
class Vocabulary {
 public:
  static constexpr std::uint32_t none = 0xffff'ffff;

  Vocabulary() : slots_(first_slots, none) {}
  /// False for a token that is there. At most 2³¹ tokens, 2³² − 1 bytes; the caller sees to it.
  bool add(std::string_view token, std::uint32_t number);

  /// Its number, or none.
  [[nodiscard]] std::uint32_t find(std::string_view token) const noexcept {
    const Entry* entry = entry_of(token);
    return entry == nullptr ? none : entry->number;
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The i-th that was added.
  [[nodiscard]] std::string_view token(std::size_t i) const noexcept { return text(entries_[i]); }
  [[nodiscard]] std::uint32_t number(std::size_t i) const noexcept { return entries_[i].number; }
  /// Bytes of the longest.
  [[nodiscard]] std::size_t longest() const noexcept { return longest_; }

 private:
  static constexpr std::size_t first_slots = 1024;
  struct Entry {
    std::uint32_t begin, size, number, hash;
  };

  [[nodiscard]] static std::uint32_t hash(std::string_view token) noexcept;
  [[nodiscard]] std::string_view text(const Entry& entry) const noexcept {
    return std::string_view(bytes_).substr(entry.begin, entry.size);
  }
  [[nodiscard]] const Entry* entry_of(std::string_view token) const noexcept;
  void grow();

  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // an entry's index, or none
  std::size_t longest_ = 0;
};

}  // namespace attar::text
