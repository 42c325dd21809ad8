// What the tests of filters share: random columns as plain values, their sections, and comparisons done the plain way.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "filter/attributes.h"
#include "filter/column.h"
#include "filter/column_writer.h"

namespace attar::filter {

/// A column as a user thinks of it.
struct Plain {
  std::string name;
  ColumnType type = ColumnType::integer;
  bool sorted = false;
  std::vector<std::optional<std::uint64_t>> keys = {};              ///< numbers
  std::vector<std::optional<std::string>> strings = {};             ///< strings
  std::vector<std::optional<std::vector<std::string>>> lists = {};  ///< lists

  [[nodiscard]] std::size_t rows() const { return std::max({keys.size(), strings.size(), lists.size()}); }
  [[nodiscard]] bool has(std::size_t row) const {
    if (is_numeric(type)) return keys[row].has_value();
    return type == ColumnType::string ? strings[row].has_value() : lists[row].has_value();
  }
  [[nodiscard]] Value value(std::size_t row) const {
    if (!has(row)) return {};
    if (is_numeric(type)) return value_of(type, *keys[row]);
    if (type == ColumnType::string) return *strings[row];
    return *lists[row];
  }
  [[nodiscard]] std::vector<std::byte> section() const {
    ColumnWriter writer(name, type, sorted);
    for (std::size_t row = 0; row < rows(); ++row) {
      if (!has(row)) {
        writer.add_null();
      } else if (is_numeric(type)) {
        writer.add_key(*keys[row]);
      } else if (type == ColumnType::string) {
        writer.add_string(*strings[row]);
      } else {
        writer.add_list(std::vector<std::string_view>(lists[row]->begin(), lists[row]->end()));
      }
    }
    auto bytes = std::move(writer).finish();
    EXPECT_TRUE(bytes);
    return *std::move(bytes);
  }
};

inline std::string random_word(base::Random& random, std::uint64_t letters, std::uint64_t most) {
  std::string out;
  for (std::uint64_t left = random.below(most + 1); left > 0; --left)
    out.push_back(static_cast<char>('a' + random.below(letters)));
  return out;
}

inline std::uint64_t random_key(base::Random& random, ColumnType type, std::uint64_t spread) {
  switch (type) {
    case ColumnType::boolean: return random.below(2);
    case ColumnType::floating: {
      const double value = static_cast<double>(random.below(spread)) / 4 - static_cast<double>(spread) / 8;
      return key_of(value);
    }
    default: return key_of(static_cast<std::int64_t>(random.below(spread)) - static_cast<std::int64_t>(spread / 3));
  }
}

inline Plain random_column(base::Random& random, ColumnType type, std::size_t rows, bool nulls, std::uint64_t spread) {
  Plain out{.name = "c", .type = type, .sorted = is_numeric(type) && random.below(2) == 0};
  for (std::size_t row = 0; row < rows; ++row) {
    const bool none = nulls && random.below(5) == 0;
    if (is_numeric(type)) {
      out.keys.push_back(none ? std::nullopt : std::optional(random_key(random, type, spread)));
    } else if (type == ColumnType::string) {
      out.strings.push_back(none ? std::nullopt : std::optional(random_word(random, 3, spread % 7 + 1)));
    } else {
      std::vector<std::string> list;
      for (std::uint64_t left = random.below(4); left > 0; --left) list.push_back(random_word(random, 3, 2));
      out.lists.push_back(none ? std::nullopt : std::optional(std::move(list)));
    }
  }
  return out;
}

inline format::SectionReader section_of(base::ByteView bytes, std::uint16_t version = attributes_wire_version) {
  return format::SectionReader::trusted(bytes, "attributes", 0, version);
}

inline std::vector<std::uint64_t> words_where(std::size_t rows, const std::function<bool(std::size_t)>& holds) {
  std::vector<std::uint64_t> out((rows + 63) / 64);
  for (std::size_t row = 0; row < rows; ++row)
    if (holds(row)) out[row / 64] |= 1ull << (row % 64);
  return out;
}

}  // namespace attar::filter
