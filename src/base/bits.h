// Bits from the lowest of each byte on, and the codes of whole numbers made of them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"

namespace attar::base {

/// Appends codes to a buffer of bytes.
class BitWriter {
 public:
  /// The lowest `count` bits of a value, 0 … 57 of them; the others must be 0.
  void put(std::uint64_t value, unsigned count) {
    pending_ |= value << filled_;
    filled_ += count;
    while (filled_ >= 8) {
      bytes_.push_back(static_cast<std::byte>(pending_ & 0xff));
      pending_ >>= 8;
      filled_ -= 8;
    }
  }
  /// Elias gamma: value ≥ 1 as so many zeros as it has bits after the first, a one, and these bits.
  void put_gamma(std::uint32_t value) {
    const auto more = static_cast<unsigned>(std::bit_width(value)) - 1;
    put(std::uint64_t{1} << more, more + 1);
    put(value & ((std::uint64_t{1} << more) - 1), more);
  }
  /// Rice: value >> shift as so many zeros and a one, then the lowest `shift` bits.
  void put_rice(std::uint32_t value, unsigned shift) {
    std::uint32_t zeros = value >> shift;
    for (; zeros > 32; zeros -= 32) put(0, 32);
    put(std::uint64_t{1} << zeros, zeros + 1);
    put(value & ((std::uint64_t{1} << shift) - 1), shift);
  }
  [[nodiscard]] std::uint64_t bits() const noexcept { return bytes_.size() * 8 + filled_; }
  /// What was written, zeros up to a whole byte.
  [[nodiscard]] std::vector<std::byte> finish() && {
    if (filled_ != 0) put(0, 8 - filled_);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t pending_ = 0;
  unsigned filled_ = 0;
};

/// Reads codes of untrusted bytes. Past the end there are zeros, and sound() is false from then on.
class BitReader {
 public:
  explicit BitReader(ByteView bytes, std::uint64_t at = 0) noexcept : bytes_(bytes), at_(at) {}

  /// 0 … 57 bits.
  [[nodiscard]] std::uint64_t get(unsigned count) noexcept {
    const std::uint64_t out = peek() & ((std::uint64_t{1} << count) - 1);
    at_ += count;
    return out;
  }
  /// 0 where there is none of 32 bits; then sound() is false.
  [[nodiscard]] std::uint32_t get_gamma() noexcept {
    const auto more = static_cast<unsigned>(std::countr_zero(peek()));
    if (more > 31) return fail();
    at_ += more + 1;
    return static_cast<std::uint32_t>(std::uint64_t{1} << more | get(more));
  }
  /// shift ≤ 31. 0 where there is none of 32 bits; then sound() is false.
  [[nodiscard]] std::uint32_t get_rice(unsigned shift) noexcept {
    std::uint64_t zeros = 0;
    for (;;) {
      const std::uint64_t next = peek();
      const auto run = static_cast<unsigned>(std::countr_zero(next));
      if (run < 57) {
        zeros += run;
        at_ += run + 1;
        break;
      }
      zeros += 56;
      at_ += 56;
      if (at_ > bytes_.size() * 8) return fail();
    }
    const std::uint64_t value = zeros << shift | get(shift);
    return value > 0xffff'ffff ? fail() : static_cast<std::uint32_t>(value);
  }
  [[nodiscard]] std::uint64_t position() const noexcept { return at_; }
  /// Whether all codes read so far were there.
  [[nodiscard]] bool sound() const noexcept { return !failed_ && at_ <= bytes_.size() * 8; }

 private:
  // At least 57 bits from here on.
  [[nodiscard]] std::uint64_t peek() const noexcept {
    const std::uint64_t byte = at_ / 8;
    std::uint64_t word = 0;
    if (byte < bytes_.size())
      std::memcpy(&word, bytes_.data() + byte, std::min<std::uint64_t>(sizeof(word), bytes_.size() - byte));
    return word >> (at_ % 8);
  }
  std::uint32_t fail() noexcept {
    failed_ = true;
    return 0;
  }

  ByteView bytes_;
  std::uint64_t at_;  // in bits
  bool failed_ = false;
};

}  // namespace attar::base
