// Texts to hashed units and shingles. spec.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attar::text {

struct ShingleKind {
  enum class Unit : std::uint8_t { words, characters };
  Unit unit = Unit::words;
  std::uint32_t size = 3;  ///< units a shingle, 1 to 64
};

/// Reads one text at a time: for one thread.
class Shingler {
 public:
  explicit Shingler(ShingleKind kind) : kind_(kind) {}

  /// Appends the hashes of a text's units, in order.
  void units(std::string_view text, std::vector<std::uint64_t>& out);

 private:
  void read_ascii(std::size_t size, std::vector<std::uint64_t>& out);
  void read_any(std::string_view text, std::vector<std::uint64_t>& out);
  void end_word(const char* word, std::size_t size, std::vector<std::uint64_t>& out);

  ShingleKind kind_;
  std::vector<char> folded_;            // the text or the word at hand; 16 bytes behind it may be read
  std::vector<unsigned char> in_word_;  // 1 a byte of a word
  bool any_ = false;                    // a word ended before
};

/// What tells texts apart but for case, blanks and punctuation.
[[nodiscard]] std::uint64_t name_of(std::span<const std::uint64_t> units, std::string_view text) noexcept;

/// Makes sets of shingles: each hash once, none is 0. For one thread.
class ShingleSet {
 public:
  /// The set of a text's shingles, in order of their first place; good until the next call.
  [[nodiscard]] std::span<const std::uint64_t> of(std::span<const std::uint64_t> units, std::uint32_t size);

 private:
  std::vector<std::uint64_t> all_, slots_;
};

/// A set that others are compared with, one after the other. For one thread.
class SetProbe {
 public:
  /// `set` holds each hash once, and none is 0.
  void take(std::span<const std::uint64_t> set);

  /// Whether the Jaccard similarity with another set is at least `threshold`, in (0, 1].
  [[nodiscard]] bool near(std::span<const std::uint64_t> other, double threshold) const noexcept;
  /// |A ∩ B| / |A ∪ B|; 0 of two empty sets.
  [[nodiscard]] double jaccard(std::span<const std::uint64_t> other) const noexcept;

 private:
  [[nodiscard]] bool holds(std::uint64_t hash) const noexcept;

  std::vector<std::uint64_t> slots_;  // open addressing by the upper bits
  unsigned shift_ = 63;
  std::size_t size_ = 0;
};

/// The least number of common members with which sets of these sizes reach the threshold.
[[nodiscard]] std::size_t least_common(std::size_t a, std::size_t b, double threshold) noexcept;

}  // namespace attar::text
