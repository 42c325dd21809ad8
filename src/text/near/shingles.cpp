#include "text/near/shingles.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "simd/clones.h"
#include "text/unicode.h"

namespace attar::text {
namespace {

constexpr std::uint64_t step = 0x9e3779b97f4a7c15;
constexpr std::size_t padding = 16;  // bytes behind a word that its hash reads

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

std::uint64_t load(const char* from) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

/// By length: the bytes of the first and of the second half that belong to the word.
struct Halves {
  std::uint64_t low = 0, high = 0;
};
constexpr std::array<Halves, padding + 1> halves = [] {
  std::array<Halves, padding + 1> out{};
  for (unsigned size = 0; size <= padding; ++size) {
    out[size].low = size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
    out[size].high = size <= 8 ? 0 : size == 16 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * (size - 8))) - 1;
  }
  return out;
}();

/// `padding` bytes from the word's first may be read.
std::uint64_t hash_word(const char* word, std::size_t size) noexcept {
  if (size > padding) return XXH3_64bits(word, size);
  __extension__ using Product = unsigned __int128;
  const std::uint64_t low = load(word) & halves[size].low, high = load(word + 8) & halves[size].high;
  const Product product = Product{low ^ 0x2d358dccaa6c78a5} * (high ^ size ^ 0x8bb84b93962eacc9);
  return mixed(static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64));
}

/// Folds ASCII, and marks the bytes of words with 1. False where there is anything else.
ATTAR_VECTOR_CLONES bool fold_ascii(const char* text, std::size_t size, char* folded, unsigned char* in_word) noexcept {
  unsigned char all = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    all |= c;
    const auto lower = static_cast<unsigned char>(c | 0x20);
    const bool letter = static_cast<unsigned char>(lower - 'a') < 26;
    const bool digit = static_cast<unsigned char>(c - '0') < 10;
    folded[i] = static_cast<char>(letter ? lower : c);
    in_word[i] = static_cast<unsigned char>(letter | digit | (c == '_'));
  }
  return all < 0x80;
}

}  // namespace

void Shingler::units(std::string_view text, std::vector<std::uint64_t>& out) {
  any_ = false;
  // Folding may lengthen a code point by a byte; a mark of 0 ends the last word.
  folded_.resize(std::max(folded_.size(), 2 * text.size() + padding));
  in_word_.resize(std::max(in_word_.size(), text.size() + padding));
  if (fold_ascii(text.data(), text.size(), folded_.data(), in_word_.data())) {
    std::memset(in_word_.data() + text.size(), 0, padding);
    read_ascii(text.size(), out);
  } else {
    read_any(text, out);
  }
}

/// Marks as bits, 64 at a time: those at which words begin and end, one after the other.
void Shingler::read_ascii(std::size_t size, std::vector<std::uint64_t>& out) {
  constexpr std::size_t step_bytes = 64;
  std::uint64_t before = 0;  // the last byte's mark
  std::size_t begin = 0;
  for (std::size_t first = 0; first <= size; first += step_bytes) {
    std::uint64_t marks = 0;
    for (std::size_t i = 0; i < step_bytes && first + i < size; i += 8)
      marks |= (load(reinterpret_cast<const char*>(in_word_.data()) + first + i) * 0x0102040810204080 >> 56) << i;
    for (std::uint64_t changes = marks ^ (marks << 1 | before); changes != 0; changes &= changes - 1) {
      const std::size_t at = first + static_cast<std::size_t>(std::countr_zero(changes));
      if ((marks >> (at - first) & 1) != 0) {
        begin = at;
      } else {
        end_word(folded_.data() + begin, at - begin, out);
      }
    }
    before = marks >> 63;
  }
}

void Shingler::read_any(std::string_view text, std::vector<std::uint64_t>& out) {
  std::size_t size = 0;
  const auto end = [&] {
    if (size != 0) end_word(folded_.data(), std::exchange(size, 0), out);
  };
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    const bool alone = c >= 0x80 && is_own_word(c);
    if (alone || !is_word(c)) end();
    if (!is_word(c)) continue;
    for (const char byte : to_utf8(fold(c))) folded_[size++] = byte;
    if (alone) end();
  }
  end();
}

void Shingler::end_word(const char* word, std::size_t size, std::vector<std::uint64_t>& out) {
  if (kind_.unit == ShingleKind::Unit::words) {
    out.push_back(hash_word(word, size));
    return;
  }
  if (any_) out.push_back(mixed(U' ' + step));
  any_ = true;
  for (std::size_t at = 0; at < size;) out.push_back(mixed(next_code_point({word, size}, at) + step));
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
