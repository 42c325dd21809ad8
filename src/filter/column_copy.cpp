#include "filter/column_copy.h"

#include <string>
#include <string_view>
#include <variant>

#include "filter/column_writer.h"
#include "filter/value.h"

namespace attar::filter {
namespace {

void add_text(ColumnWriter& writer, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    writer.add_string(*text);
  } else if (const auto* elements = std::get_if<std::vector<std::string>>(&value)) {
    writer.add_list(std::vector<std::string_view>(elements->begin(), elements->end()));
  } else {
    writer.add_null();
  }
}

}  // namespace

Result<std::vector<std::byte>> copy_column(const Column& column, std::span<const std::uint32_t> rows) {
  const ColumnHead& head = column.head();
  ColumnWriter writer(head.name, head.type, head.sorted);
  for (const std::uint32_t row : rows) {
    if (!is_numeric(head.type)) {
      ATTAR_ASSIGN(const Value value, column.value(row));
      add_text(writer, value);
      continue;
    }
    ATTAR_ASSIGN(const auto key, column.key_of(row));
    if (key) {
      writer.add_key(*key);
    } else {
      writer.add_null();
    }
  }
  return std::move(writer).finish();
}

}  // namespace attar::filter
