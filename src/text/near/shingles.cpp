#include "text/near/shingles.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "text/unicode.h"

namespace attar::text {
namespace {

constexpr std::uint64_t step = 0x9e3779b97f4a7c15;
constexpr char beyond_ascii = '\x7f';

/// By byte: the folded character of a word, 0 for what is in none, `beyond_ascii`.
constexpr std::array<char, 256> folded = [] {
  std::array<char, 256> out{};
  for (int c = 0; c < 256; ++c) {
    if (c >= 0x80) out[static_cast<std::size_t>(c)] = beyond_ascii;
    const bool digit = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'z';
    if (digit || lower || c == '_') out[static_cast<std::size_t>(c)] = static_cast<char>(c);
    if (c >= 'A' && c <= 'Z') out[static_cast<std::size_t>(c)] = static_cast<char>(c + 32);
  }
  return out;
}();

std::uint64_t mixed(std::uint64_t x) noexcept {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  return x ^ x >> 33;
}

std::uint64_t hash_of(std::uint64_t sum) noexcept {
  const std::uint64_t hash = mixed(sum);
  return hash == 0 ? 1 : hash;
}

/// Slots of a table for `count` hashes, half of them free, and the shift that makes a slot of a hash.
std::size_t slots_for(std::size_t count) noexcept { return std::bit_ceil(std::max<std::size_t>(2 * count, 16)); }
unsigned shift_for(std::size_t slots) noexcept { return 64 - static_cast<unsigned>(std::countr_zero(slots)); }

}  // namespace

void Shingler::units(std::string_view text, std::vector<std::uint64_t>& out) {
  size_ = 0;
  any_ = false;
  // Folding may lengthen a code point by a byte.
  if (word_.size() < 2 * text.size() + 8) word_.resize(2 * text.size() + 8);
  for (std::size_t at = 0; at < text.size();) {
    const char c = folded[static_cast<unsigned char>(text[at])];
    if (c == beyond_ascii) {
      take_beyond_ascii(text, at, out);
      continue;
    }
    ++at;
    if (c != 0) {
      word_[size_++] = c;
    } else if (size_ != 0) {
      end_word(out);
    }
  }
  if (size_ != 0) end_word(out);
}

void Shingler::take_beyond_ascii(std::string_view text, std::size_t& at, std::vector<std::uint64_t>& out) {
  const char32_t c = next_code_point_beyond_ascii(text, at);
  const bool alone = is_own_word(c);
  if (size_ != 0 && (alone || !is_word(c))) end_word(out);
  if (!is_word(c)) return;
  for (const char byte : to_utf8(fold(c))) word_[size_++] = byte;
  if (alone) end_word(out);
}

void Shingler::end_word(std::vector<std::uint64_t>& out) {
  const std::string_view word(word_.data(), size_);
  size_ = 0;
  if (kind_.unit == ShingleKind::Unit::words) {
    out.push_back(XXH3_64bits(word.data(), word.size()));
    return;
  }
  if (any_) out.push_back(mixed(U' ' + step));
  any_ = true;
  for (std::size_t at = 0; at < word.size();) out.push_back(mixed(next_code_point(word, at) + step));
}

std::uint64_t name_of(std::span<const std::uint64_t> units, std::string_view text) noexcept {
  if (units.empty()) return XXH3_64bits_withSeed(text.data(), text.size(), 1);
  return XXH3_64bits(units.data(), units.size_bytes());
}

std::span<const std::uint64_t> ShingleSet::of(std::span<const std::uint64_t> units, std::uint32_t size) {
  all_.clear();
  if (units.empty()) return all_;
  const std::size_t first = std::min<std::size_t>(size, units.size());
  std::uint64_t power = 1, sum = 0;  // power: of the unit that leaves
  for (std::size_t i = 0; i < first; ++i) sum = sum * step + units[i];
  for (std::size_t i = 1; i < first; ++i) power *= step;
  all_.resize(units.size() - first + 1);
  all_[0] = hash_of(sum);
  for (std::size_t i = first; i < units.size(); ++i) {
    sum = (sum - units[i - first] * power) * step + units[i];
    all_[i - first + 1] = hash_of(sum);
  }
  slots_.assign(slots_for(all_.size()), 0);
  const unsigned shift = shift_for(slots_.size());
  const std::size_t mask = slots_.size() - 1;
  std::size_t kept = 0;
  for (const std::uint64_t hash : all_) {
    std::size_t slot = hash >> shift;
    while (slots_[slot] != 0 && slots_[slot] != hash) slot = (slot + 1) & mask;
    if (slots_[slot] == hash) continue;
    slots_[slot] = hash;
    all_[kept++] = hash;
  }
  all_.resize(kept);
  return all_;
}

void SetProbe::take(std::span<const std::uint64_t> set) {
  size_ = set.size();
  slots_.assign(slots_for(size_), 0);
  shift_ = shift_for(slots_.size());
  const std::size_t mask = slots_.size() - 1;
  for (const std::uint64_t hash : set) {
    std::size_t slot = hash >> shift_;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = hash;
  }
}

bool SetProbe::holds(std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash >> shift_;
  while (slots_[slot] != 0 && slots_[slot] != hash) slot = (slot + 1) & mask;
  return slots_[slot] == hash;
}

std::size_t least_common(std::size_t a, std::size_t b, double threshold) noexcept {
  // c / (a + b - c) >= t. The guess is a rounding off at most; the same division as jaccard()'s settles it.
  const double total = static_cast<double>(a + b);
  auto common = static_cast<std::size_t>(std::max(0.0, std::floor(threshold / (1 + threshold) * total) - 1));
  while (static_cast<double>(common) / (total - static_cast<double>(common)) < threshold) ++common;
  return common;
}

bool SetProbe::near(std::span<const std::uint64_t> other, double threshold) const noexcept {
  if (size_ == 0 || other.empty()) return false;
  const std::size_t least = least_common(size_, other.size(), threshold);
  if (least > std::min(size_, other.size())) return false;
  std::size_t may_miss = other.size() - least;
  for (const std::uint64_t hash : other) {
    if (holds(hash)) continue;
    if (may_miss-- == 0) return false;
  }
  return true;
}

double SetProbe::jaccard(std::span<const std::uint64_t> other) const noexcept {
  std::size_t common = 0;
  for (const std::uint64_t hash : other) common += holds(hash) ? 1 : 0;
  const std::size_t all = size_ + other.size() - common;
  return all == 0 ? 0 : static_cast<double>(common) / static_cast<double>(all);
}

}  // namespace attar::text
