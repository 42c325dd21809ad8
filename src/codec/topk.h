// The k best rows seen so far. Higher scores are better; equal scores go to the lower row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace attar::codec {

/// Stands for "no row": a query without an own row, or a place in a list that was not filled.
inline constexpr std::uint32_t no_row = 0xffff'ffffu;

struct Hit {
  float score = 0;
  std::uint32_t row = 0;

  /// True when this hit ranks before the other.
  [[nodiscard]] bool before(const Hit& other) const noexcept {
    return score != other.score ? score > other.score : row < other.row;
  }
  friend bool operator==(const Hit&, const Hit&) = default;
};

class TopK {
 public:
  /// Room for k ≥ 1 hits is reserved at once; push() never allocates.
  explicit TopK(std::uint32_t k) : k_(k) { heap_.reserve(k); }

  /// A row whose score is below this cannot enter; equal scores may, when their row is lower.
  [[nodiscard]] float threshold() const noexcept {
    return heap_.size() < k_ ? -std::numeric_limits<float>::infinity() : heap_.front().score;
  }

  void push(float score, std::uint32_t row) noexcept {
    const Hit hit{score, row};
    if (heap_.size() < k_) {
      heap_.push_back(hit);
      std::push_heap(heap_.begin(), heap_.end(), ranks_before);
    } else if (hit.before(heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), ranks_before);
      heap_.back() = hit;
      std::push_heap(heap_.begin(), heap_.end(), ranks_before);
    }
  }

  void merge(const TopK& other) noexcept {
    for (const Hit& hit : other.heap_) push(hit.score, hit.row);
  }

  /// Best first.
  [[nodiscard]] std::vector<Hit> sorted() const {
    std::vector<Hit> out = heap_;
    std::sort(out.begin(), out.end(), ranks_before);
    return out;
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return k_; }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  void clear() noexcept { heap_.clear(); }

 private:
  // With "ranks before" as the heap's order, the front is the worst hit kept.
  static bool ranks_before(const Hit& a, const Hit& b) noexcept { return a.before(b); }

  std::uint32_t k_;
  std::vector<Hit> heap_;
};

}  // namespace attar::codec
