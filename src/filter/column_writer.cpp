#include "filter/column_writer.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "filter/sliced.h"
#include "format/ids.h"

namespace attar::filter {
namespace {

// Codes without a dictionary stay below this, so that room is left for "no value".
constexpr std::uint64_t most_plain_codes = 1ull << 63;

std::vector<std::uint64_t> sorted_once(std::vector<std::uint64_t> values) {
  std::ranges::sort(values);
  const auto rest = std::ranges::unique(values);
  values.erase(rest.begin(), rest.end());
  return values;
}

}  // namespace

ColumnWriter::ColumnWriter(std::string name, ColumnType type, bool sorted) {
  head_.name = std::move(name);
  head_.type = type;
  head_.sorted = sorted;
}

void ColumnWriter::add_null() {
  ++head_.nulls;
  values_.push_back(0);
  missing_.push_back(true);
}

void ColumnWriter::add_key(std::uint64_t key) {
  values_.push_back(key);
  missing_.push_back(false);
}

void ColumnWriter::add_string(std::string_view text) { add_key(intern(text)); }

void ColumnWriter::add_list(std::span<const std::string_view> elements) {
  for (const std::string_view element : elements) elements_.push_back(intern(element));
  head_.elements += elements.size();
  head_.most = std::max<std::uint64_t>(head_.most, elements.size());
  add_key(elements.size());
}

std::uint64_t ColumnWriter::intern(std::string_view text) {
  const auto known = strings_.find(text);
  if (known != strings_.end()) return known->second;
  return strings_.emplace(text, strings_.size()).first->second;
}

std::vector<std::uint64_t> ColumnWriter::code_numbers() {
  std::vector<std::uint64_t> keys;
  keys.reserve(values_.size());
  for (std::size_t row = 0; row < values_.size(); ++row)
    if (!missing_[row]) keys.push_back(values_[row]);
  keys = sorted_once(std::move(keys));
  head_.step = 1;
  if (keys.empty()) return {};
  head_.least = keys.front();
  std::uint64_t step = 0;
  for (const std::uint64_t key : keys) step = std::gcd(step, key - head_.least);
  head_.step = std::max<std::uint64_t>(step, 1);
  std::vector<std::uint64_t> entries = std::move(keys);
  for (std::uint64_t& entry : entries) entry = (entry - head_.least) / head_.step;
  const std::uint64_t rows = values_.size(), top = entries.back(), distinct = entries.size();
  const std::uint64_t with_dictionary = SlicedCodes::bytes_for(distinct, bits_of(top)) +
                                        SlicedCodes::bytes_for(rows, bits_of(distinct - 1 + head_.shift()));
  head_.dictionary =
      top >= most_plain_codes || with_dictionary < SlicedCodes::bytes_for(rows, bits_of(top + head_.shift()));
  head_.values = head_.dictionary ? distinct : top + 1;
  if (head_.dictionary) head_.entry_width = bits_of(top);
  for (std::size_t row = 0; row < values_.size(); ++row) {
    if (missing_[row]) continue;
    const std::uint64_t entry = (values_[row] - head_.least) / head_.step;
    values_[row] = head_.dictionary
                       ? static_cast<std::uint64_t>(std::ranges::lower_bound(entries, entry) - entries.begin())
                       : entry;
  }
  if (!head_.dictionary) entries.clear();
  return entries;
}

Result<std::vector<std::byte>> ColumnWriter::code_strings(std::vector<std::uint64_t>& codes) {
  std::vector<std::pair<std::string_view, std::uint64_t>> sorted;
  sorted.reserve(strings_.size());
  for (const auto& [text, arrival] : strings_) sorted.emplace_back(text, arrival);
  std::ranges::sort(sorted);
  head_.values = sorted.size();
  std::vector<std::uint64_t> places(sorted.size());
  base::MemorySink sink;
  format::IdsWriter writer(sink);
  for (std::size_t place = 0; place < sorted.size(); ++place) {
    places[sorted[place].second] = place;
    ATTAR_TRY(writer.append(sorted[place].first));
  }
  ATTAR_TRY(writer.finish());
  const bool rows = &codes == &values_;
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (!rows || !missing_[i]) codes[i] = places[codes[i]];
  return std::move(sink).release();
}

std::vector<std::uint64_t> ColumnWriter::group_ends() const {
  std::vector<std::uint64_t> ends;
  std::uint64_t end = 0;
  for (std::size_t row = 0; row < values_.size(); ++row) {
    end += values_[row];
    if (row % group_codes == group_codes - 1 || row + 1 == values_.size()) ends.push_back(end);
  }
  return ends;
}

// Of codes with the shift.
std::vector<std::byte> ColumnWriter::order() const {
  std::vector<std::uint32_t> rows(values_.size());
  std::iota(rows.begin(), rows.end(), 0u);
  std::ranges::stable_sort(rows, {}, [this](std::uint32_t row) { return values_[row]; });
  const std::uint32_t width = bits_of(rows.size() - 1);
  std::vector<std::byte> out((rows.size() * width + 63) / 64 * 8 + 8);
  std::uint64_t bit = 0;
  for (const std::uint32_t row : rows) {
    std::byte* word = out.data() + bit / 8;  // eight bytes from here hold the number, 7 + 32 bits at most
    base::store(word, base::load<std::uint64_t>(word) | std::uint64_t{row} << (bit % 8));
    bit += width;
  }
  return out;
}

Result<std::vector<std::byte>> ColumnWriter::finish() && {
  std::vector<std::uint64_t> entries;
  std::vector<std::byte> strings;
  if (head_.has_strings()) {
    ATTAR_ASSIGN(strings, code_strings(head_.is_list() ? elements_ : values_));
  } else {
    entries = code_numbers();
  }
  head_.set_widths();
  const std::vector<std::uint64_t> ends = head_.is_list() ? group_ends() : std::vector<std::uint64_t>{};
  for (std::size_t row = 0; row < values_.size(); ++row)
    values_[row] = missing_[row] ? 0 : values_[row] + head_.shift();
  base::ByteWriter out;
  out.write_bytes(head_.encode());
  out.write_bytes(SlicedCodes::encode(entries, head_.entry_width));
  out.write_bytes(SlicedCodes::encode(values_, head_.code_width));
  out.write_array(std::span(ends));
  out.write_bytes(SlicedCodes::encode(elements_, head_.element_width));
  if (head_.sorted) out.write_bytes(order());
  out.write_bytes(strings);
  return std::move(out).release();
}

}  // namespace attar::filter
