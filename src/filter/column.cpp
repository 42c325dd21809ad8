#include "filter/column.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace attar::filter {
namespace {

// A range that holds more than this share of the rows is found quicker by a pass over all codes than by the order,
// whose rows lie scattered (docs/decisions/0019).
constexpr std::uint64_t order_share = 4;
// Rows that are few enough to be gathered one by one.
constexpr std::uint64_t gathered_share = 512;

bool any_between(std::span<const std::uint64_t> words, std::uint64_t first, std::uint64_t last) noexcept {
  if (first >= last) return false;
  const std::uint64_t from = first / 64, to = (last - 1) / 64;
  const std::uint64_t head = ~std::uint64_t{0} << (first % 64), tail = ~std::uint64_t{0} >> (63 - (last - 1) % 64);
  if (from == to) return (words[from] & head & tail) != 0;
  if ((words[from] & head) != 0 || (words[to] & tail) != 0) return true;
  return std::any_of(words.begin() + static_cast<std::ptrdiff_t>(from + 1),
                     words.begin() + static_cast<std::ptrdiff_t>(to), [](std::uint64_t word) { return word != 0; });
}

}  // namespace

Result<Column> Column::open(format::SectionReader section, std::uint64_t rows) {
  ATTAR_TRY(section.expect_version(attributes_wire_version));
  ATTAR_ASSIGN(auto head, ColumnHead::decode(section, rows));
  const auto layout = ColumnLayout::of(head, rows);
  if (!layout) return section.fail(layout.error().code, layout.error().message, 0);
  const std::uint64_t size = section.bytes().size();
  if (size < layout->strings || (!head.has_strings() && size > layout->strings))
    return section.fail(size < layout->strings ? ErrorCode::truncated : ErrorCode::corrupt,
                        fmt::format("{} bytes where {} belong; pack the data anew", size, layout->strings));
  Column out(std::move(section));
  out.head_ = std::move(head);
  out.layout_ = *layout;
  const std::byte* at = out.section_.bytes().data();
  if (out.head_.dictionary) out.entries_ = {at + layout->entries, out.head_.values, out.head_.entry_width};
  out.codes_ = {at + layout->codes, rows, out.head_.code_width};
  out.elements_ = {at + layout->elements, out.head_.elements, out.head_.element_width};
  if (out.head_.has_strings()) {
    // The dictionary has the form of ids, checked by this section's checksums.
    auto strings = format::SectionReader::trusted(out.section_.bytes().subspan(layout->strings), out.section_.name(), 0,
                                                  format::ids_wire_version);
    ATTAR_ASSIGN(out.strings_, format::IdsReader::open(std::move(strings), out.head_.values));
  }
  return out;
}

std::unexpected<Error> Column::corrupt(std::string_view what) const {
  return section_.fail(ErrorCode::corrupt, fmt::format("column \"{}\" {}; pack the data anew", head_.name, what));
}

std::uint64_t Column::key(std::uint64_t code) const noexcept {
  return head_.least + head_.step * (head_.dictionary ? entries_[code] : code);
}

Result<std::string> Column::text(std::uint64_t code) const {
  if (code >= head_.values) return corrupt("names a string that is not there");
  return strings_->id(code);
}

Result<std::optional<CodeRange>> Column::codes_between(std::uint64_t first, std::uint64_t last) const {
  ATTAR_TRY(section_.verify_all());
  const std::uint64_t count = head_.values;
  if (count == 0 || first > last || last < head_.least) return std::optional<CodeRange>{};
  // Entries of the dictionary, or the codes themselves, that the two keys lie between.
  const std::uint64_t low = first <= head_.least ? 0 : (first - head_.least - 1) / head_.step + 1;
  const std::uint64_t high = (last - head_.least) / head_.step;
  CodeRange out{low, std::min(high, count - 1)};
  if (head_.dictionary) {
    const auto first_above = [&](const auto& below) {
      std::uint64_t begin = 0, end = count;
      while (begin < end) {
        const std::uint64_t middle = begin + (end - begin) / 2;
        if (below(entries_[middle])) {
          begin = middle + 1;
        } else {
          end = middle;
        }
      }
      return begin;
    };
    out.first = first_above([low](std::uint64_t entry) { return entry < low; });
    const std::uint64_t end = first_above([high](std::uint64_t entry) { return entry <= high; });
    if (end == 0) return std::optional<CodeRange>{};
    out.last = end - 1;
  }
  return out.first > out.last ? std::optional<CodeRange>{} : std::optional(out);
}

Result<std::pair<std::uint64_t, bool>> Column::place_of(std::string_view wanted) const {
  ATTAR_TRY(section_.verify_all());
  // The last group whose first string is not above the one sought.
  std::uint64_t begin = 0, end = (head_.values + format::ids_per_group - 1) / format::ids_per_group;
  while (begin < end) {
    const std::uint64_t middle = begin + (end - begin) / 2;
    ATTAR_ASSIGN(const std::string first, strings_->id(middle * format::ids_per_group));
    if (first <= wanted) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  if (begin == 0) return std::pair(std::uint64_t{0}, false);
  const std::uint64_t start = (begin - 1) * format::ids_per_group;
  ATTAR_ASSIGN(const auto group, strings_->ids(start, std::min(format::ids_per_group, head_.values - start)));
  const auto place = static_cast<std::uint64_t>(std::ranges::lower_bound(group, wanted) - group.begin());
  return std::pair(start + place, place < group.size() && group[place] == wanted);
}

Result<std::vector<CodeRange>> Column::codes_where(CodeRange within,
                                                   const std::function<bool(std::string_view)>& wanted) const {
  ATTAR_TRY(section_.verify_all());
  std::vector<CodeRange> out;
  for (std::uint64_t first = within.first; first <= within.last; first += format::ids_per_group) {
    ATTAR_ASSIGN(const auto group, strings_->ids(first, std::min(format::ids_per_group, within.last - first + 1)));
    for (std::uint64_t i = 0; i < group.size(); ++i) {
      if (!wanted(group[i])) continue;
      if (!out.empty() && out.back().last + 1 == first + i) {
        ++out.back().last;
      } else {
        out.push_back({first + i, first + i});
      }
    }
  }
  return out;
}

Result<RowSet> Column::rows_with(std::span<const CodeRange> ranges) const {
  ATTAR_TRY(section_.verify_all());
  if (ranges.empty()) return RowSet();
  if (head_.is_list()) {
    std::vector<std::uint64_t> marked(elements_.groups());
    elements_.find(ranges, marked);
    return rows_of(marked);
  }
  std::vector<CodeRange> shifted(ranges.begin(), ranges.end());
  for (CodeRange& range : shifted) range = {range.first + head_.shift(), range.last + head_.shift()};
  if (shifted.size() == 1) {
    ATTAR_ASSIGN(auto found, by_order(shifted.front()));
    if (found) return *std::move(found);
  }
  std::vector<std::uint64_t> words(codes_.groups());
  codes_.find(shifted, words);
  return RowSet::from_words(words);
}

Result<RowSet> Column::rows_without_value() const {
  ATTAR_TRY(section_.verify_all());
  if (head_.nulls == 0) return RowSet();
  std::vector<std::uint64_t> words(codes_.groups());
  codes_.find(CodeRange{0, 0}, words);
  return RowSet::from_words(words);
}

std::uint64_t Column::row_at(std::uint64_t place) const noexcept {
  const std::uint64_t bit = place * layout_.row_width;
  const auto word = base::load<std::uint64_t>(section_.bytes().data() + layout_.order + bit / 8);
  return word >> (bit % 8) & ((std::uint64_t{1} << layout_.row_width) - 1);
}

Result<std::optional<RowSet>> Column::by_order(CodeRange range) const {
  if (!head_.sorted) return std::optional<RowSet>{};
  // The first place whose row has a code of at least `code`; a row that is not there counts as above all.
  const auto place_of_code = [&](std::uint64_t code) {
    std::uint64_t begin = 0, end = rows();
    while (begin < end) {
      const std::uint64_t middle = begin + (end - begin) / 2;
      const std::uint64_t row = row_at(middle);
      if (row < rows() && codes_[row] < code) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  };
  const std::uint64_t first = place_of_code(range.first), last = place_of_code(range.last + 1);
  if (first >= last) return std::optional(RowSet());
  const std::uint64_t count = last - first;
  if (count > rows() / order_share) return std::optional<RowSet>{};
  if (count <= rows() / gathered_share) {
    std::vector<std::uint32_t> found;
    found.reserve(count);
    for (std::uint64_t place = first; place < last; ++place) {
      const std::uint64_t row = row_at(place);
      if (row >= rows()) return corrupt("orders a row that is not there");
      found.push_back(static_cast<std::uint32_t>(row));
    }
    std::ranges::sort(found);
    return std::optional(RowSet::from_rows(found));
  }
  std::vector<std::uint64_t> words(codes_.groups());
  for (std::uint64_t place = first; place < last; ++place) {
    const std::uint64_t row = row_at(place);
    if (row >= rows()) return corrupt("orders a row that is not there");
    words[row / 64] |= 1ull << (row % 64);
  }
  return std::optional(RowSet::from_words(words));
}

std::uint64_t Column::group_end(std::uint64_t group) const noexcept {
  return base::load<std::uint64_t>(section_.bytes().data() + layout_.ends + 8 * group);
}

Result<RowSet> Column::rows_of(std::span<const std::uint64_t> marked) const {
  std::vector<std::uint64_t> words(codes_.groups());
  std::uint64_t begin = 0;
  for (std::uint64_t group = 0; group < codes_.groups(); ++group) {
    const std::uint64_t end = group_end(group);
    if (end < begin || end > head_.elements) return corrupt("has lists that end where none can");
    if (any_between(marked, begin, end)) {
      std::uint64_t at = begin;
      const auto lengths = codes_.group(group);
      for (std::uint64_t i = 0; i < group_codes; ++i) {
        const std::uint64_t length = lengths[i] == 0 ? 0 : lengths[i] - head_.shift();
        if (length > end - at) return corrupt("has lists that are longer than all together");
        if (any_between(marked, at, at + length)) words[group] |= 1ull << i;
        at += length;
      }
    }
    begin = end;
  }
  return RowSet::from_words(words);
}

Result<Value> Column::value(std::uint64_t row) const {
  if (is_numeric(head_.type)) {
    ATTAR_ASSIGN(const auto key, key_of(row));
    return key ? value_of(head_.type, *key) : Value{};
  }
  ATTAR_TRY(section_.verify_all());
  const std::uint64_t code = codes_[row];
  if (code < head_.shift()) return Value{};
  if (head_.is_list()) return list(row);
  const std::uint64_t place = code - head_.shift();
  if (place >= head_.values) return no_value(row);
  return text(place);
}

Result<std::optional<std::uint64_t>> Column::key_of(std::uint64_t row) const {
  ATTAR_TRY(section_.verify_all());
  const std::uint64_t code = codes_[row];
  if (code < head_.shift()) return std::nullopt;
  const std::uint64_t place = code - head_.shift();
  if (place >= head_.values) return no_value(row);
  const std::uint64_t found = key(place);
  if (!is_key(head_.type, found)) return corrupt(fmt::format("has no {} in row {}", type_name(head_.type), row));
  return found;
}

std::unexpected<Error> Column::no_value(std::uint64_t row) const {
  return corrupt(fmt::format("has a value in row {} that is not there", row));
}

Result<Value> Column::list(std::uint64_t row) const {
  const std::uint64_t group = row / group_codes;
  const auto lengths = codes_.group(group);
  std::uint64_t at = group == 0 ? 0 : group_end(group - 1);
  const auto length = [&](std::uint64_t i) { return lengths[i] == 0 ? 0 : lengths[i] - head_.shift(); };
  for (std::uint64_t i = 0; i < row % group_codes; ++i) at += length(i);
  const std::uint64_t count = length(row % group_codes);
  // Lengths are below 2⁴¹ and 64 of them do not overflow; a group's end may be anything.
  if (at > head_.elements || count > head_.elements - at) return corrupt("has lists that end where none can");
  std::vector<std::string> out;
  for (std::uint64_t i = at; i < at + count; ++i) {
    ATTAR_ASSIGN(std::string element, text(elements_[i]));
    out.push_back(std::move(element));
  }
  return Value(std::move(out));
}

Result<std::pair<Value, Value>> Column::extremes() const {
  if (head_.is_list() || head_.values == 0) return std::pair<Value, Value>{};
  ATTAR_TRY(section_.verify_all());
  if (head_.has_strings()) {
    ATTAR_ASSIGN(std::string first, text(0));
    ATTAR_ASSIGN(std::string last, text(head_.values - 1));
    return std::pair<Value, Value>(std::move(first), std::move(last));
  }
  const std::uint64_t first = key(0), last = key(head_.values - 1);
  if (!is_key(head_.type, first) || !is_key(head_.type, last))
    return corrupt(fmt::format("holds what is no {}", type_name(head_.type)));
  return std::pair(value_of(head_.type, first), value_of(head_.type, last));
}

}  // namespace attar::filter
