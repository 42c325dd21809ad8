// A set of rows, compressed: the one place that knows Roaring bitmaps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace attar::filter {

/// Immutable once made; copies share it. Rows are 32 bits.
class RowSet {
 public:
  /// No rows.
  RowSet();
  /// Row r is in the set where bit r % 64 of word r / 64 is 1.
  [[nodiscard]] static RowSet from_words(std::span<const std::uint64_t> words);
  /// Rows in ascending order, each once.
  [[nodiscard]] static RowSet from_rows(std::span<const std::uint32_t> rows);
  /// Rows [0, count).
  [[nodiscard]] static RowSet all(std::uint64_t count);

  [[nodiscard]] std::uint64_t count() const noexcept;
  /// As from_words() takes them: enough for rows [0, rows), which holds all of the set.
  [[nodiscard]] std::vector<std::uint64_t> words(std::uint64_t rows) const;
  /// Bytes that the set takes in memory, about.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

  [[nodiscard]] RowSet operator&(const RowSet& other) const;
  [[nodiscard]] RowSet operator|(const RowSet& other) const;
  /// Rows of this set that are not in the other.
  [[nodiscard]] RowSet operator-(const RowSet& other) const;
  [[nodiscard]] bool operator==(const RowSet& other) const;

 private:
  struct Bitmap;
  explicit RowSet(std::shared_ptr<const Bitmap> bitmap) noexcept : bitmap_(std::move(bitmap)) {}

  std::shared_ptr<const Bitmap> bitmap_;  // null: no rows
};

}  // namespace attar::filter
