// Hostile columns and hostile conditions. The first byte chooses: a condition for sound columns of every type, or a
// patch of a sound column's section (so that mutations get past the checks of sizes) that is then asked everything, or
// a section of nothing but the input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "filter/attributes.h"
#include "filter/column_writer.h"

namespace {

using namespace attar;
using namespace attar::filter;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t rows = 130;
constexpr ColumnType types[] = {ColumnType::integer, ColumnType::floating, ColumnType::boolean, ColumnType::date,
                                ColumnType::time,    ColumnType::string,   ColumnType::strings};

void require(bool holds) {
  if (!holds) std::abort();
}

std::string word(base::Random& random) {
  std::string out;
  for (std::uint64_t left = random.below(4); left > 0; --left) out += static_cast<char>('a' + random.below(3));
  return out;
}

// A column of each type, called "a", "b" …
const std::vector<Bytes>& sound_sections() {
  static const std::vector<Bytes> sections = [] {
    std::vector<Bytes> out;
    base::Random random(1);
    for (const ColumnType type : types) {
      ColumnWriter writer(std::string(1, static_cast<char>('a' + out.size())), type, is_numeric(type));
      for (std::uint64_t row = 0; row < rows; ++row) {
        if (random.below(6) == 0) {
          writer.add_null();
        } else if (type == ColumnType::string) {
          writer.add_string(word(random));
        } else if (type == ColumnType::strings) {
          const std::string one = word(random), two = word(random);
          const std::string_view list[] = {one, two};
          writer.add_list(std::span(list).first(random.below(3)));
        } else {
          writer.add_key(type == ColumnType::boolean ? random.below(2)
                                                     : key_of(static_cast<double>(random.below(50)) - 20));
        }
      }
      auto bytes = std::move(writer).finish();
      require(bytes.has_value());
      out.push_back(*std::move(bytes));
    }
    return out;
  }();
  return sections;
}

format::SectionReader section(const Bytes& bytes) {
  return format::SectionReader::trusted(bytes, "attributes", 0, attributes_wire_version);
}

void ask_condition(std::string_view text) {
  static const Attributes attributes = [] {
    std::vector<format::SectionReader> sections;
    for (const Bytes& bytes : sound_sections()) sections.push_back(section(bytes));
    return Attributes::open(std::move(sections), rows).value();
  }();
  const auto condition = parse_where(text);
  const auto found = attributes.rows_where(text);
  if (!condition) {
    require(!found && condition.error().code == ErrorCode::invalid_argument);
    return;
  }
  // Its one text means the same.
  const std::string one = canonical_text(*condition);
  const auto again = attributes.rows_where(one);
  require(found.has_value() == again.has_value());
  if (found) require(found->rows == again->rows && found->rows.count() <= rows);
}

void ask_column(const Bytes& bytes) {
  const auto column = Column::open(section(bytes), rows);
  if (!column) return;
  const bool sound = column->check().has_value();
  for (std::uint64_t row = 0; row < rows; ++row) require(column->value(row).has_value() || !sound);
  require(column->extremes().has_value() || !sound);
  std::vector<format::SectionReader> sections{section(bytes)};
  const auto attributes = Attributes::open(std::move(sections), rows);
  require(attributes.has_value());
  std::string name;
  for (const char c : column->head().name) name.append(c == '"' ? 2 : 1, c);
  for (const char* rest :
       {"= 3", "between -2 and 7", "!= 2.5", "in (1,2,3,5,7,9,11,13,15,17,19,21,23,25,27)", "= true", "< '1970-01-05'",
        "like 'a%'", "like '%b_'", "contains 'ab'", "not contains 'a'", "is null", ">= 'b'"})
    (void)attributes->rows_where("\"" + name + "\" " + rest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const auto input = std::as_bytes(std::span(data + 1, size - 1));
  if (choice < 128) {
    ask_condition(base::as_text(input));
    return 0;
  }
  if (choice == 255) {
    ask_column({input.begin(), input.end()});
    return 0;
  }
  // Each two bytes of place and one of value change a byte of a sound section.
  Bytes bytes = sound_sections()[choice % sound_sections().size()];
  for (std::size_t i = 0; i + 3 <= input.size(); i += 3) {
    const std::size_t place = base::load<std::uint16_t>(input.data() + i) % bytes.size();
    bytes[place] = input[i + 2];
  }
  ask_column(bytes);
  return 0;
}
