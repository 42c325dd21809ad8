// A column of an open artifact: which rows hold what, and what a row holds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filter/column_layout.h"
#include "filter/row_set.h"
#include "filter/sliced.h"
#include "format/ids.h"
#include "format/section.h"

namespace attar::filter {

/// Const calls are safe from many threads. Values are spoken of by their codes: their places in the order of all values
/// that the column can hold. The section's bytes outlive it.
class Column {
 public:
  /// Reads the head and checks all sizes; the rest is checked against its checksums when it is used.
  [[nodiscard]] static Result<Column> open(format::SectionReader section, std::uint64_t rows);

  [[nodiscard]] const ColumnHead& head() const noexcept { return head_; }
  [[nodiscard]] std::uint64_t rows() const noexcept { return codes_.count(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return section_.bytes().size(); }

  /// Codes of the keys from `first` to `last`, if there are any. For numbers, booleans and dates.
  [[nodiscard]] Result<std::optional<CodeRange>> codes_between(std::uint64_t first, std::uint64_t last) const;
  /// How many of the dictionary's strings come before `text`, and whether the next one is it.
  [[nodiscard]] Result<std::pair<std::uint64_t, bool>> place_of(std::string_view text) const;
  /// Codes of the strings that `wanted` is true for, among those of `within`.
  [[nodiscard]] Result<std::vector<CodeRange>> codes_where(CodeRange within,
                                                           const std::function<bool(std::string_view)>& wanted) const;

  /// Rows whose value (of a list: an element) has a code in one of the ranges, which are ascending and apart.
  [[nodiscard]] Result<RowSet> rows_with(std::span<const CodeRange> ranges) const;
  [[nodiscard]] Result<RowSet> rows_without_value() const;
  /// The value of a row below rows().
  [[nodiscard]] Result<Value> value(std::uint64_t row) const;
  /// The key of the value of a row below rows(), of a type that has keys; nothing where the row has no value.
  [[nodiscard]] Result<std::optional<std::uint64_t>> key_of(std::uint64_t row) const;
  /// The least and the largest value; none for lists and where no row has a value.
  [[nodiscard]] Result<std::pair<Value, Value>> extremes() const;

  /// Reads all and checks that it is as the format has it.
  [[nodiscard]] Status check() const;

 private:
  explicit Column(format::SectionReader section) : section_(std::move(section)) {}
  [[nodiscard]] std::unexpected<Error> corrupt(std::string_view what) const;
  [[nodiscard]] std::unexpected<Error> no_value(std::uint64_t row) const;
  [[nodiscard]] std::uint64_t key(std::uint64_t code) const noexcept;
  [[nodiscard]] Result<std::string> text(std::uint64_t code) const;
  [[nodiscard]] std::uint64_t group_end(std::uint64_t group) const noexcept;
  [[nodiscard]] std::uint64_t row_at(std::uint64_t place) const noexcept;
  [[nodiscard]] Result<Value> list(std::uint64_t row) const;
  /// Rows of lists with a marked element.
  [[nodiscard]] Result<RowSet> rows_of(std::span<const std::uint64_t> marked) const;
  /// Rows at the places of the order whose codes (with the shift) are in the range; nothing where there is no order or
  /// a scan is quicker.
  [[nodiscard]] Result<std::optional<RowSet>> by_order(CodeRange range) const;
  [[nodiscard]] Status check_numbers() const;
  [[nodiscard]] Status check_strings() const;
  [[nodiscard]] Status check_codes() const;
  [[nodiscard]] Status check_lists() const;
  [[nodiscard]] Status check_order() const;

  format::SectionReader section_;
  ColumnHead head_;
  ColumnLayout layout_;
  SlicedCodes entries_, codes_, elements_;
  std::optional<format::IdsReader> strings_;
};

}  // namespace attar::filter
