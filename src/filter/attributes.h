// The columns of an open artifact, asked together: conditions to sets of rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filter/cache.h"
#include "filter/column.h"
#include "filter/where.h"

namespace attar::filter {

/// Rows that a condition holds for.
struct FoundRows {
  RowSet rows;
  std::shared_ptr<const std::vector<std::uint64_t>> words;  ///< bit r % 64 of word r / 64
  bool cached = false;                                      ///< the whole condition was asked before
};

/// Const calls are safe from many threads at once.
class Attributes {
 public:
  static constexpr std::uint64_t cache_bytes = 64ull << 20;

  /// Columns by number. `corrupt` where two have one name.
  [[nodiscard]] static Result<Attributes> open(std::vector<format::SectionReader> sections, std::uint64_t rows);

  [[nodiscard]] std::span<const Column> columns() const noexcept { return columns_; }
  /// Null where no column has the name.
  [[nodiscard]] const Column* find(std::string_view name) const noexcept;
  /// `invalid_argument` that names the columns there are.
  [[nodiscard]] Error no_such_field(std::string_view name) const;

  /// Rows that a condition holds for; sets of rows, its comparisons' too, are kept for later ones.
  [[nodiscard]] Result<FoundRows> rows_where(std::string_view text) const;

  [[nodiscard]] Status check() const;

 private:
  explicit Attributes(std::uint64_t rows) : rows_(rows), cache_(std::make_unique<RowCache>(cache_bytes)) {}
  [[nodiscard]] Result<RowSet> evaluate(std::string_view text, const Condition& condition) const;

  std::uint64_t rows_;
  std::vector<Column> columns_;
  std::unique_ptr<RowCache> cache_;
};

/// Rows of a column that a comparison holds for; `text` is the whole condition, for errors.
[[nodiscard]] Result<RowSet> rows_where(const Column& column, const Comparison& comparison, std::string_view text);

}  // namespace attar::filter
