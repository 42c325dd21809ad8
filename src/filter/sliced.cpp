#include "filter/sliced.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"

namespace attar::filter {
namespace {

// A pass for one range costs about so much less than looking at each code by itself.
constexpr std::size_t most_passes = 12;
// Up to so many codes a bit for each tells whether it is sought; beyond, the ranges are searched.
constexpr std::uint64_t most_table_codes = 1u << 24;

std::uint64_t all_bits(std::uint64_t code, std::uint32_t bit) noexcept { return 0 - (code >> bit & 1); }

}  // namespace

std::uint32_t bits_of(std::uint64_t x) noexcept { return static_cast<std::uint32_t>(std::bit_width(x)); }

void transpose(std::array<std::uint64_t, 64>& words) noexcept {
  std::uint64_t mask = 0x0000'0000'ffff'ffff;
  for (unsigned step = 32; step != 0; step >>= 1, mask ^= mask << step)
    for (unsigned base = 0; base < 64; base += 2 * step)
      for (unsigned i = base; i < base + step; ++i) {
        const std::uint64_t moved = (words[i] >> step ^ words[i + step]) & mask;
        words[i] ^= moved << step;
        words[i + step] ^= moved;
      }
}

std::uint64_t SlicedCodes::bytes_for(std::uint64_t count, std::uint32_t width) noexcept {
  return base::ceil_div(count, group_codes) * width * 8;
}

std::vector<std::byte> SlicedCodes::encode(std::span<const std::uint64_t> codes, std::uint32_t width) {
  std::vector<std::byte> out(bytes_for(codes.size(), width));
  std::byte* to = out.data();
  for (std::size_t first = 0; first < codes.size() && width != 0; first += group_codes) {
    std::array<std::uint64_t, 64> words{};
    std::copy_n(codes.begin() + static_cast<std::ptrdiff_t>(first), std::min<std::size_t>(64, codes.size() - first),
                words.begin());
    transpose(words);
    for (std::uint32_t bit = 0; bit < width; ++bit, to += 8) base::store(to, words[bit]);
  }
  return out;
}

std::uint64_t SlicedCodes::operator[](std::uint64_t at) const noexcept {
  const std::byte* words = bytes_ + at / group_codes * width_ * 8;
  std::uint64_t code = 0;
  for (std::uint32_t bit = 0; bit < width_; ++bit)
    code |= (base::load<std::uint64_t>(words + 8 * bit) >> (at % group_codes) & 1) << bit;
  return code;
}

std::array<std::uint64_t, group_codes> SlicedCodes::group(std::uint64_t index) const noexcept {
  std::array<std::uint64_t, group_codes> out{};
  const std::byte* words = bytes_ + index * width_ * 8;
  for (std::uint32_t bit = 0; bit < width_; ++bit) out[bit] = base::load<std::uint64_t>(words + 8 * bit);
  transpose(out);
  return out;
}

void SlicedCodes::find(CodeRange range, std::span<std::uint64_t> out) const noexcept {
  const std::uint64_t most = width_ == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width_) - 1;
  if (range.first > most || range.first > range.last) return;
  range.last = std::min(range.last, most);
  if (range.first == range.last) {
    find_equal(range.first, out);
  } else {
    for (std::uint64_t group = 0; group < groups(); ++group) {
      const std::byte* words = bytes_ + group * width_ * 8;
      // From the highest bit on: rows whose bits so far are the bound's own, and rows that have passed it.
      std::uint64_t as_first = ~std::uint64_t{0}, as_last = as_first, below = 0, above = 0;
      for (std::uint32_t bit = width_; bit-- > 0 && (as_first | as_last) != 0;) {
        const auto word = base::load<std::uint64_t>(words + 8 * bit);
        const std::uint64_t first = all_bits(range.first, bit), last = all_bits(range.last, bit);
        below |= as_first & ~word & first;
        above |= as_last & word & ~last;
        as_first &= ~(word ^ first);
        as_last &= ~(word ^ last);
      }
      out[group] |= ~(below | above);
    }
  }
  clear_past_end(out);
}

void SlicedCodes::find_equal(std::uint64_t code, std::span<std::uint64_t> out) const noexcept {
  for (std::uint64_t group = 0; group < groups(); ++group) {
    const std::byte* words = bytes_ + group * width_ * 8;
    std::uint64_t same = ~std::uint64_t{0};
    for (std::uint32_t bit = 0; bit < width_ && same != 0; ++bit)
      same &= ~(base::load<std::uint64_t>(words + 8 * bit) ^ all_bits(code, bit));
    out[group] |= same;
  }
}

void SlicedCodes::find(std::span<const CodeRange> ranges, std::span<std::uint64_t> out) const {
  if (ranges.size() > most_passes) {
    find_each(ranges, out);
    return;
  }
  for (const CodeRange& range : ranges) find(range, out);
}

void SlicedCodes::find_each(std::span<const CodeRange> ranges, std::span<std::uint64_t> out) const {
  const std::uint64_t last = ranges.back().last;
  std::vector<std::uint64_t> table;
  if (last < most_table_codes) {
    table.resize(last / 64 + 1);
    for (const CodeRange& range : ranges)
      for (std::uint64_t code = range.first; code <= range.last; ++code) table[code / 64] |= 1ull << (code % 64);
  }
  const auto sought = [&](std::uint64_t code) {
    if (code > last) return false;
    if (!table.empty()) return (table[code / 64] >> (code % 64) & 1) != 0;
    return std::ranges::lower_bound(ranges, code, {}, &CodeRange::last)->first <= code;
  };
  for (std::uint64_t index = 0; index < groups(); ++index) {
    const auto codes = group(index);
    std::uint64_t word = 0;
    for (unsigned i = 0; i < group_codes; ++i) word |= std::uint64_t{sought(codes[i])} << i;
    out[index] |= word;
  }
  clear_past_end(out);
}

void SlicedCodes::clear_past_end(std::span<std::uint64_t> out) const noexcept {
  if (count_ % group_codes != 0) out[count_ / group_codes] &= (std::uint64_t{1} << (count_ % group_codes)) - 1;
}

}  // namespace attar::filter
