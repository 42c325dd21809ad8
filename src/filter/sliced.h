// Sliced codes: 64 codes of w bits as w words, a word a bit. A comparison with a constant then takes a few operations
// on words for 64 rows, and gives its answer as a word of a bitmap. FORMAT.md, "Attributes section".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace attar::filter {

inline constexpr std::uint64_t group_codes = 64;

/// Number of bits that x takes; 0 for 0.
[[nodiscard]] std::uint32_t bits_of(std::uint64_t x) noexcept;

/// Codes from `first` to `last`, both included.
struct CodeRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  friend bool operator==(const CodeRange&, const CodeRange&) = default;
};

/// Sliced codes in memory that somebody else keeps. The bytes may lie anywhere.
class SlicedCodes {
 public:
  SlicedCodes() = default;
  /// `bytes` has bytes_for(count, width) bytes; width ≤ 64.
  SlicedCodes(const std::byte* bytes, std::uint64_t count, std::uint32_t width) noexcept
      : bytes_(bytes), count_(count), width_(width) {}

  /// Bytes of `count` codes; the caller sees to it that they fit 64 bits.
  [[nodiscard]] static std::uint64_t bytes_for(std::uint64_t count, std::uint32_t width) noexcept;
  [[nodiscard]] static std::vector<std::byte> encode(std::span<const std::uint64_t> codes, std::uint32_t width);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t groups() const noexcept { return (count_ + group_codes - 1) / group_codes; }
  /// Code `at`, below count().
  [[nodiscard]] std::uint64_t operator[](std::uint64_t at) const noexcept;
  /// All codes of a group; those past the last are 0 in a sound file.
  [[nodiscard]] std::array<std::uint64_t, group_codes> group(std::uint64_t index) const noexcept;

  /// Sets the bits of all codes in a range: bit i of word i/64. `out` has groups() words.
  void find(CodeRange range, std::span<std::uint64_t> out) const noexcept;
  /// The same for many ranges, ascending and apart. Each is a pass, or all together are one where that is quicker.
  void find(std::span<const CodeRange> ranges, std::span<std::uint64_t> out) const;

 private:
  void find_equal(std::uint64_t code, std::span<std::uint64_t> out) const noexcept;
  void find_each(std::span<const CodeRange> ranges, std::span<std::uint64_t> out) const;
  void clear_past_end(std::span<std::uint64_t> out) const noexcept;

  const std::byte* bytes_ = nullptr;
  std::uint64_t count_ = 0;
  std::uint32_t width_ = 0;
};

/// Transposes 64 × 64 bits in place: bit c of word r becomes bit r of word c.
void transpose(std::array<std::uint64_t, 64>& words) noexcept;

}  // namespace attar::filter
