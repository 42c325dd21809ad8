// The best rows that a walk has scored, in order, and which of them it has left already.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace attar::index::graph {

/// Rows as one number each, so that one comparison ranks them: the score's bits, made to rise with it, above the
/// complement of the row, since equal scores go to the lower row; the lowest bit tells whether the row has been left.
class Beam {
 public:
  /// Room for `size` ≥ 1 rows; rows are below 2³¹.
  explicit Beam(std::size_t size) : keys_(size + 1) {}

  void clear() noexcept { count_ = next_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::size_t most() const noexcept { return keys_.size() - 1; }

  /// Keeps the row if it is among the best; true where it is. A row is offered once.
  bool offer(float score, std::uint32_t row) noexcept {
    const std::uint64_t key = key_of(score, row);
    if (count_ == most() && key < keys_[count_ - 1]) return false;
    const std::size_t at = better_than(key);
    std::memmove(keys_.data() + at + 1, keys_.data() + at, (count_ - at) * sizeof(key));
    keys_[at] = key;
    count_ += count_ < most() ? 1 : 0;
    next_ = std::min(next_, at);
    return true;
  }

  /// A row whose score is below this is not kept.
  [[nodiscard]] float threshold() const noexcept {
    return count_ < most() ? -std::numeric_limits<float>::infinity() : score(count_ - 1);
  }

  /// Whether a row is left that the walk has not been to.
  [[nodiscard]] bool pending() noexcept {
    while (next_ < count_ && (keys_[next_] & 1) != 0) ++next_;
    return next_ < count_;
  }
  /// Of the row that leave() would give. After pending().
  [[nodiscard]] float next_score() const noexcept { return score_of(keys_[next_]); }
  /// The best row that the walk has not been to, which it goes to now. After pending().
  [[nodiscard]] std::uint32_t leave() noexcept {
    keys_[next_] |= 1;
    return row_of(keys_[next_++]);
  }

  [[nodiscard]] float score(std::size_t place) const noexcept { return score_of(keys_[place]); }
  [[nodiscard]] std::uint32_t row(std::size_t place) const noexcept { return row_of(keys_[place]); }

 private:
  // How many keys are higher: a search whose steps are no branches, which nobody could foretell.
  [[nodiscard]] std::size_t better_than(std::uint64_t key) const noexcept {
    std::size_t at = 0;
    for (std::size_t size = count_; size > 0;) {
      const std::size_t half = (size + 1) / 2;
      at += keys_[at + half - 1] > key ? half : 0;
      size -= half;
    }
    return at;
  }

  static constexpr std::uint32_t sign = 0x8000'0000u;

  static std::uint64_t key_of(float score, std::uint32_t row) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // −0 ranks as 0
    const std::uint32_t rising = (bits & sign) != 0 ? ~bits : bits | sign;
    return std::uint64_t{rising} << 32 | std::uint64_t{~row << 1};
  }
  static float score_of(std::uint64_t key) noexcept {
    const auto rising = static_cast<std::uint32_t>(key >> 32);
    return std::bit_cast<float>((rising & sign) != 0 ? rising & ~sign : ~rising);
  }
  static std::uint32_t row_of(std::uint64_t key) noexcept { return ~static_cast<std::uint32_t>(key) >> 1; }

  std::vector<std::uint64_t> keys_;  // the best first; one place more, so that the last can be moved out
  std::size_t count_ = 0, next_ = 0;
};

/// Rows that a walk has scored; forgets only what it has touched.
class SeenRows {
 public:
  /// `links`: the most rows that are offered at once.
  SeenRows(std::uint64_t rows, std::size_t links)
      : words_((rows + 63) / 64), met_(std::make_unique_for_overwrite<std::uint32_t[]>(rows + links)) {}

  /// Those of `rows` that are new, in their order; they stay where they are until clear().
  std::span<const std::uint32_t> keep_new(std::span<const std::uint32_t> rows) noexcept {
    std::uint32_t* const first = met_.get() + count_;
    std::size_t fresh = 0;
    for (const std::uint32_t row : rows) {
      const std::uint64_t word = words_[row / 64];
      words_[row / 64] = word | std::uint64_t{1} << (row % 64);
      first[fresh] = row;
      fresh += (word >> (row % 64) & 1) ^ 1;
    }
    count_ += fresh;
    return {first, fresh};
  }
  void clear() noexcept {
    for (std::size_t i = 0; i < count_; ++i) words_[met_[i] / 64] = 0;
    count_ = 0;
  }

 private:
  std::vector<std::uint64_t> words_;
  std::unique_ptr<std::uint32_t[]> met_;  // rows of them; pages that no walk comes to are never touched
  std::size_t count_ = 0;
};

}  // namespace attar::index::graph
