// The rows that a first look at part of the codes leaves worth a second one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace attar::codec {

/// A row scored by part of its code. Higher scores are better; equal scores go to the lower row.
struct Partial {
  float score = 0;
  float sum = 0;  ///< the scorer's own: what it needs to go on with the row's next part
  std::uint32_t row = 0;
  float bias = 0;  ///< Scan::bias of the row's list

  [[nodiscard]] bool before(const Partial& other) const noexcept {
    return score != other.score ? score > other.score : row < other.row;
  }
};

/// Keeps the best `size` rows of any number. Rows gather in a buffer of twice the size, which is cut back when full:
/// much cheaper than a heap. What is kept does not depend on the order in which rows come.
class Shortlist {
 public:
  explicit Shortlist(std::uint32_t size) : size_(size) { rows_.reserve(std::size_t{size} * 2); }

  /// A row whose score is below this cannot stay; equal scores may, when their row is lower.
  [[nodiscard]] float threshold() const noexcept { return threshold_; }

  void push(const Partial& row) noexcept {
    rows_.push_back(row);
    if (rows_.size() == std::size_t{size_} * 2) cut();
  }

  void merge(const Shortlist& other) noexcept {
    for (const Partial& row : other.rows_)
      if (row.score >= threshold_) push(row);
  }

  /// The best rows, at most `size` of them, in ascending order of rows.
  [[nodiscard]] std::vector<Partial> take() {
    cut();
    std::sort(rows_.begin(), rows_.end(), [](const Partial& a, const Partial& b) { return a.row < b.row; });
    return std::move(rows_);
  }

 private:
  void cut() noexcept;
  void keep(std::uint32_t least, std::size_t count) noexcept;

  std::uint32_t size_;  // at least 1
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<Partial> rows_;
  std::vector<std::uint32_t> keys_;  // of rows_, for a cut
};

}  // namespace attar::codec
