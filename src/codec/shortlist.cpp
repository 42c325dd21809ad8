#include "codec/shortlist.h"

#include <bit>

#include "simd/clones.h"

namespace attar::codec {
namespace {

// Scores as integers of the same order.
std::uint32_t key_of(float score) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(score == 0 ? 0.0f : score);
  return bits ^ ((bits >> 31) != 0 ? 0xffff'ffffu : 0x8000'0000u);
}

float score_of(std::uint32_t key) noexcept {
  return std::bit_cast<float>(key ^ ((key >> 31) != 0 ? 0x8000'0000u : 0xffff'ffffu));
}

ATTAR_VECTOR_CLONES std::size_t count_from(const std::uint32_t* keys, std::size_t count, std::uint32_t least) noexcept {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < count; ++i) out += keys[i] >= least ? 1u : 0u;
  return out;
}

}  // namespace

// By bisection of the keys' range: branches that cannot be foretold cost more than counting all keys some ten times.
void Shortlist::cut() noexcept {
  if (rows_.size() <= size_) return;
  keys_.resize(rows_.size());
  std::transform(rows_.begin(), rows_.end(), keys_.begin(), [](const Partial& row) { return key_of(row.score); });
  const auto [smallest, largest] = std::minmax_element(keys_.begin(), keys_.end());
  std::uint32_t low = *smallest, high = *largest;
  std::size_t count = rows_.size();  // of keys from `low` on; never below size_
  while (low < high && count != size_) {
    const std::uint32_t middle = low + (high - low) / 2 + 1;
    const std::size_t above = count_from(keys_.data(), keys_.size(), middle);
    if (above >= size_) {
      low = middle;
      count = above;
    } else {
      high = middle - 1;
    }
  }
  keep(low, count);
}

// Keeps the rows whose keys are at least so high, `count` of them, and of the lowest among these the lower rows.
void Shortlist::keep(std::uint32_t least, std::size_t count) noexcept {
  std::size_t kept = 0;
  std::uint32_t lowest = 0xffff'ffffu;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const bool stays = keys_[i] >= least;
    rows_[kept] = rows_[i];
    kept += stays ? 1 : 0;
    lowest = std::min(lowest, stays ? keys_[i] : 0xffff'ffffu);
  }
  rows_.resize(count);
  threshold_ = score_of(lowest);
  if (count == size_) return;
  std::nth_element(rows_.begin(), rows_.begin() + size_ - 1, rows_.end(),
                   [](const Partial& a, const Partial& b) { return a.before(b); });
  rows_.resize(size_);
}

}  // namespace attar::codec
