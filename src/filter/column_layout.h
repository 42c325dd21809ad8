// The head of an attributes section, and where its parts lie: all follows from the head and the number of rows.
// FORMAT.md, "Attributes section".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "filter/value.h"
#include "format/section.h"

namespace attar::filter {

inline constexpr std::uint16_t attributes_wire_version = 1;
inline constexpr std::uint32_t most_columns = 1024;
inline constexpr std::uint64_t most_name_bytes = 1024;
inline constexpr std::uint64_t most_elements = 1ull << 40;

struct ColumnHead {
  std::string name;
  ColumnType type = ColumnType::integer;
  bool dictionary = false;  ///< numbers only; strings always have one
  bool sorted = false;
  std::uint64_t nulls = 0;   ///< rows without a value
  std::uint64_t values = 0;  ///< strings or numbers in the dictionary, or the largest code and 1
  std::uint64_t least = 0;   ///< key
  std::uint64_t step = 0;
  std::uint64_t elements = 0;     ///< of all lists
  std::uint64_t most = 0;         ///< elements of one row
  std::uint32_t entry_width = 0;  ///< bits of a dictionary's entry
  std::uint32_t code_width = 0;   ///< bits of a row's code
  std::uint32_t element_width = 0;

  /// 1 where code 0 stands for no value.
  [[nodiscard]] std::uint64_t shift() const noexcept { return nulls != 0 ? 1 : 0; }
  [[nodiscard]] bool is_list() const noexcept { return type == ColumnType::strings; }
  [[nodiscard]] bool has_strings() const noexcept { return !is_numeric(type); }
  /// The widths that follow from the other fields; entry_width does not.
  void set_widths() noexcept;

  /// The head and the name, padded.
  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Checks every field against the others; `section` has wire version 1, its head is verified here.
  [[nodiscard]] static Result<ColumnHead> decode(const format::SectionReader& section, std::uint64_t rows);
};

/// Offsets from the start of the section.
struct ColumnLayout {
  /// `corrupt` where a size overflows.
  [[nodiscard]] static Result<ColumnLayout> of(const ColumnHead& head, std::uint64_t rows);

  std::uint64_t entries = 0, codes = 0, ends = 0, elements = 0, order = 0;
  std::uint64_t strings = 0;    ///< the dictionary of strings, or the end of the section
  std::uint32_t row_width = 0;  ///< bits of a row's number in the order
};

}  // namespace attar::filter
