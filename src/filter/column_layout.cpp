#include "filter/column_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "filter/sliced.h"

namespace attar::filter {
namespace {

constexpr std::uint64_t head_bytes = 64;
constexpr std::uint8_t flag_nulls = 1, flag_dictionary = 2, flag_sorted = 4;
constexpr std::uint64_t most_values = 1ull << 63;

std::uint64_t name_end(std::uint64_t name_bytes) { return base::round_up(head_bytes + name_bytes, 8); }

/// least + step · code, where it fits 64 bits.
bool key_fits(const ColumnHead& head, std::uint64_t code) {
  const auto scaled = base::checked_mul(head.step, code);
  return scaled && base::checked_add(head.least, *scaled).has_value();
}

/// What is wrong with the head's fields; nothing where they agree.
std::string_view contradiction(const ColumnHead& head, std::uint64_t rows) {
  if (head.nulls > rows) return "more rows without a value than rows";
  if (head.values > most_values) return "too many values";
  if ((head.values == 0) != (head.nulls == rows) && !head.is_list()) return "values, but none of the rows has one";
  if (head.has_strings()) {
    if (head.dictionary || head.sorted) return "strings that claim to be numbers";
    if (head.least != 0 || head.step != 0) return "strings with a scale";
  } else {
    if (head.step == 0) return "a step of 0";
    if (head.values != 0 && !head.dictionary && !key_fits(head, head.values - 1)) return "values beyond 64 bits";
    if (head.dictionary && head.values > rows) return "more values than rows";
  }
  if (!head.is_list()) return head.elements != 0 || head.most != 0 ? "elements, but no lists" : std::string_view{};
  if (head.elements > most_elements) return "too many elements";
  if (head.most > head.elements) return "a list longer than all lists";
  if (head.values > head.elements || (head.elements != 0 && head.values == 0)) return "elements without a value";
  if (head.elements != 0 && head.most == 0) return "elements in lists of none";
  return {};
}

}  // namespace

void ColumnHead::set_widths() noexcept {
  const std::uint64_t largest = is_list() ? most + 1 : values;  // one more than the largest code without the shift
  code_width = largest == 0 ? 0 : bits_of(largest - 1 + shift());
  // At least a bit, so that the section's size bounds the number of elements.
  element_width = is_list() && values != 0 ? std::max(1u, bits_of(values - 1)) : 0;
}

std::vector<std::byte> ColumnHead::encode() const {
  base::ByteWriter out;
  out.write(static_cast<std::uint8_t>(type));
  out.write(static_cast<std::uint8_t>((nulls != 0 ? flag_nulls : 0) | (dictionary ? flag_dictionary : 0) |
                                      (sorted ? flag_sorted : 0)));
  out.write(static_cast<std::uint8_t>(code_width));
  out.write(static_cast<std::uint8_t>(is_list() ? element_width : entry_width));
  out.write(static_cast<std::uint32_t>(name.size()));
  for (const std::uint64_t field : {nulls, values, least, step, elements, most, std::uint64_t{0}}) out.write(field);
  out.write_text(name);
  out.pad_to(8);
  return std::move(out).release();
}

Result<ColumnHead> ColumnHead::decode(const format::SectionReader& section, std::uint64_t rows) {
  const auto corrupt = [&](std::string_view what) {
    return section.fail(ErrorCode::corrupt, fmt::format("announces {}; pack the data anew", what), 0);
  };
  const std::uint64_t size = section.bytes().size();
  if (size < head_bytes)
    return section.fail(ErrorCode::truncated, fmt::format("{} bytes hold no column; pack the data anew", size));
  ATTAR_TRY(section.verify(0, head_bytes));
  const std::byte* at = section.bytes().data();
  const auto field = [&](std::uint64_t index) { return base::load<std::uint64_t>(at + 8 * index); };
  const auto type = base::load<std::uint8_t>(at);
  const auto flags = base::load<std::uint8_t>(at + 1);
  if (type > static_cast<std::uint8_t>(ColumnType::strings))
    return section.fail(ErrorCode::too_new, "a type that this build does not know; update Attar", 0);
  if ((flags & ~(flag_nulls | flag_dictionary | flag_sorted)) != 0)
    return section.fail(ErrorCode::too_new, "flags that this build does not know; update Attar", 1);
  ColumnHead head;
  head.type = static_cast<ColumnType>(type);
  head.dictionary = (flags & flag_dictionary) != 0;
  head.sorted = (flags & flag_sorted) != 0;
  head.nulls = field(1);
  head.values = field(2);
  head.least = field(3);
  head.step = field(4);
  head.elements = field(5);
  head.most = field(6);
  if (((flags & flag_nulls) != 0) != (head.nulls != 0)) return corrupt("another number of rows without a value");
  if (field(7) != 0) return corrupt("something where zero belongs");
  if (const std::string_view what = contradiction(head, rows); !what.empty()) return corrupt(what);
  head.set_widths();
  const auto second_width = base::load<std::uint8_t>(at + 3);
  if (base::load<std::uint8_t>(at + 2) != head.code_width) return corrupt("another width than its values need");
  if (head.is_list() || !head.dictionary) {
    if (second_width != head.element_width) return corrupt("another width than its elements need");
  } else {
    if (second_width > 64) return corrupt("entries of more than 64 bits");
    head.entry_width = second_width;
  }
  const std::uint64_t name_bytes = base::load<std::uint32_t>(at + 4);
  if (name_bytes == 0 || name_bytes > most_name_bytes) return corrupt("a name of no length that is allowed");
  if (size < name_end(name_bytes))
    return section.fail(ErrorCode::truncated, "ends before its name does; pack the data anew");
  ATTAR_TRY(section.verify(head_bytes, name_end(name_bytes) - head_bytes));
  head.name = base::as_text(section.bytes().subspan(head_bytes, name_bytes));
  for (std::uint64_t i = head_bytes + name_bytes; i < name_end(name_bytes); ++i)
    if (at[i] != std::byte{0}) return corrupt("something between its name and its values");
  return head;
}

Result<ColumnLayout> ColumnLayout::of(const ColumnHead& head, std::uint64_t rows) {
  ColumnLayout out;
  std::uint64_t at = name_end(head.name.size());
  const auto advance = [&at](std::uint64_t count, std::uint64_t unit) -> Status {
    ATTAR_ASSIGN(const std::uint64_t bytes, base::checked_mul(count, unit));
    ATTAR_ASSIGN(at, base::checked_add(at, bytes));
    return {};
  };
  const std::uint64_t groups = base::ceil_div(rows, group_codes);
  out.entries = at;
  if (head.dictionary)
    ATTAR_TRY(advance(base::ceil_div(head.values, group_codes), std::uint64_t{head.entry_width} * 8));
  out.codes = at;
  ATTAR_TRY(advance(groups, std::uint64_t{head.code_width} * 8));
  out.ends = at;
  if (head.is_list()) ATTAR_TRY(advance(groups, 8));
  out.elements = at;
  ATTAR_TRY(advance(base::ceil_div(head.elements, group_codes), std::uint64_t{head.element_width} * 8));
  out.order = at;
  out.row_width = bits_of(rows - 1);
  if (head.sorted) {
    ATTAR_ASSIGN(const std::uint64_t bits, base::checked_mul(rows, out.row_width));
    ATTAR_TRY(advance(base::ceil_div(bits, 64) + 1, 8));
  }
  out.strings = at;
  return out;
}

}  // namespace attar::filter
