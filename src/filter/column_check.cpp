// Reads a column whole and checks that it is as the format has it, for `attar verify`.
#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "filter/column.h"

namespace attar::filter {
namespace {

// True where sliced codes are 0 past the last one.
bool ends_in_zero(const SlicedCodes& codes) {
  if (codes.count() % group_codes == 0) return true;
  const auto last = codes.group(codes.groups() - 1);
  return std::all_of(last.begin() + static_cast<std::ptrdiff_t>(codes.count() % group_codes), last.end(),
                     [](std::uint64_t code) { return code == 0; });
}

}  // namespace

Status Column::check() const {
  ATTAR_TRY(section_.verify_all());
  if (!ends_in_zero(entries_) || !ends_in_zero(codes_) || !ends_in_zero(elements_))
    return corrupt("has values past its last row");
  ATTAR_TRY(head_.has_strings() ? check_strings() : check_numbers());
  ATTAR_TRY(check_codes());
  if (head_.is_list()) ATTAR_TRY(check_lists());
  return head_.sorted ? check_order() : Status{};
}

Status Column::check_numbers() const {
  if (head_.values == 0) return {};
  std::uint64_t before = 0;
  for (std::uint64_t i = 0; head_.dictionary && i < head_.values; ++i) {
    const std::uint64_t entry = entries_[i];
    if (i == 0 ? entry != 0 : entry <= before) return corrupt("has a dictionary that is not sorted");
    before = entry;
  }
  const auto scaled = base::checked_mul(head_.step, head_.dictionary ? before : head_.values - 1);
  if (!scaled || !base::checked_add(head_.least, *scaled)) return corrupt("has values beyond 64 bits");
  if (!is_key(head_.type, head_.least) || !is_key(head_.type, head_.least + *scaled))
    return corrupt(fmt::format("holds what is no {}", type_name(head_.type)));
  return {};
}

Status Column::check_strings() const {
  ATTAR_TRY(strings_->check());
  std::string before;
  for (std::uint64_t first = 0; first < head_.values; first += format::ids_per_group) {
    ATTAR_ASSIGN(auto group, strings_->ids(first, std::min(format::ids_per_group, head_.values - first)));
    for (std::uint64_t i = 0; i < group.size(); ++i) {
      if (first + i != 0 && group[i] <= before) return corrupt("has a dictionary that is not sorted");
      before = std::move(group[i]);
    }
  }
  return {};
}

Status Column::check_codes() const {
  const std::uint64_t end = (head_.is_list() ? head_.most + 1 : head_.values) + head_.shift();
  std::uint64_t nulls = 0;
  for (std::uint64_t group = 0; group < codes_.groups(); ++group) {
    const auto codes = codes_.group(group);
    for (std::uint64_t i = 0; i < std::min(group_codes, rows() - group * group_codes); ++i) {
      if (codes[i] >= end) return corrupt(fmt::format("has no value that row {} names", group * group_codes + i));
      if (codes[i] < head_.shift()) ++nulls;
    }
  }
  if (nulls != head_.nulls) return corrupt("has another number of rows without a value");
  return {};
}

Status Column::check_lists() const {
  std::uint64_t at = 0;
  for (std::uint64_t group = 0; group < codes_.groups(); ++group) {
    for (const std::uint64_t code : codes_.group(group)) at += code == 0 ? 0 : code - head_.shift();
    if (group_end(group) != at) return corrupt("has lists that end where none can");
  }
  if (at != head_.elements) return corrupt("has another number of elements");
  for (std::uint64_t group = 0; group < elements_.groups(); ++group)
    for (const std::uint64_t code : elements_.group(group))
      if (code >= head_.values) return corrupt("has an element that is not there");
  return {};
}

Status Column::check_order() const {
  std::uint64_t before_code = 0, before_row = 0;
  for (std::uint64_t place = 0; place < rows(); ++place) {
    const std::uint64_t row = row_at(place);
    if (row >= rows()) return corrupt("orders a row that is not there");
    const std::uint64_t code = codes_[row];
    // Strictly rising pairs, as many as there are rows: each row stands once.
    if (place != 0 && (code < before_code || (code == before_code && row <= before_row)))
      return corrupt("has an order that is none");
    before_code = code;
    before_row = row;
  }
  const base::ByteView bytes = section_.bytes().subspan(layout_.order, layout_.strings - layout_.order);
  for (std::uint64_t bit = rows() * layout_.row_width; bit < 8 * bytes.size(); ++bit)
    if ((bytes[bit / 8] >> (bit % 8) & std::byte{1}) != std::byte{0}) return corrupt("has something past its order");
  return {};
}

}  // namespace attar::filter
