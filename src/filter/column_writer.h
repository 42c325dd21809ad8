// Gathers the values of one column, row after row, and writes its section.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attar/result.h"
#include "filter/column_layout.h"

namespace attar::filter {

/// Memory: 9 bytes a row (lists: 8 an element on top), and the strings, each once.
class ColumnWriter {
 public:
  /// `sorted`: with an order of the rows, for numbers and dates. The name has 1 to most_name_bytes bytes.
  ColumnWriter(std::string name, ColumnType type, bool sorted);

  void add_null();
  /// Of a number, a boolean or a date.
  void add_key(std::uint64_t key);
  /// At most format::max_id_bytes bytes; the same holds for elements.
  void add_string(std::string_view text);
  void add_list(std::span<const std::string_view> elements);

  [[nodiscard]] const std::string& name() const noexcept { return head_.name; }
  [[nodiscard]] std::uint64_t rows() const noexcept { return values_.size(); }
  /// The section's bytes; at least one row has been added.
  [[nodiscard]] Result<std::vector<std::byte>> finish() &&;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] std::uint64_t intern(std::string_view text);
  /// Turns what was gathered into codes without the shift; returns the dictionary's entries.
  std::vector<std::uint64_t> code_numbers();
  [[nodiscard]] Result<std::vector<std::byte>> code_strings(std::vector<std::uint64_t>& codes);
  [[nodiscard]] std::vector<std::uint64_t> group_ends() const;
  [[nodiscard]] std::vector<std::byte> order() const;

  ColumnHead head_;
  std::vector<std::uint64_t> values_;  // by row: a key, the place of a string in the order of arrival, a list's length
  std::vector<bool> missing_;          // by row
  std::vector<std::uint64_t> elements_;
  std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> strings_;
};

}  // namespace attar::filter
