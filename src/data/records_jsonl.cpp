// Rows as JSON lines: one object a row.
#include <fmt/format.h>
#include <simdjson.h>

#include <utility>

#include "data/line_reader.h"
#include "data/records.h"

namespace attar::data {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);

class JsonRecords final : public RecordReader {
 public:
  JsonRecords(const InputFile& file, std::uint64_t longest) : lines_(file, longest) {}

  Result<bool> next(const Visit& visit) override {
    while (!broken_) {
      auto line = lines_.next();
      broken_ = !line && line.error().code != ErrorCode::over_limit;  // the failure is the file's, not a line's
      ATTAR_ASSIGN(const std::optional<std::string_view> found, std::move(line));
      if (!found) return false;
      if (is_blank(*found)) continue;
      ATTAR_TRY(read(*found, visit));
      return true;
    }
    return false;
  }
  std::uint64_t line() const noexcept override { return lines_.number(); }
  std::uint64_t position() const noexcept override { return lines_.position(); }

 private:
  Status read(std::string_view line, const Visit& visit) {
    // The reader leaves the padding that the parser asks for behind every line.
    simdjson::dom::object fields;
    const auto error = parser_.parse(line.data(), line.size(), false).get(fields);
    if (error == simdjson::INCORRECT_TYPE)
      return lines_.fail(ErrorCode::invalid_data,
                         "is no JSON object; write one object a line, such as {\"year\": 2024}");
    if (error != simdjson::SUCCESS)
      return lines_.fail(ErrorCode::invalid_data, fmt::format("is not valid JSON ({}); write one whole object a line",
                                                              simdjson::error_message(error)));
    for (const auto& [key, value] : fields) {
      fill(value);
      visit(key, cell_);
    }
    return {};
  }

  void fill(element value) {
    cell_.text = {};
    cell_.texts.clear();
    switch (value.type()) {
      case element_type::NULL_VALUE: cell_.kind = Cell::Kind::null; return;
      case element_type::BOOL:
        cell_.kind = Cell::Kind::truth;
        cell_.truth = value.get_bool().value_unsafe();
        return;
      case element_type::INT64:
        cell_.kind = Cell::Kind::whole;
        cell_.whole = value.get_int64().value_unsafe();
        return;
      case element_type::UINT64:  // beyond 63 bits
      case element_type::DOUBLE:
        cell_.kind = Cell::Kind::real;
        cell_.real = value.get_double().value_unsafe();
        return;
      case element_type::STRING:
        cell_.kind = Cell::Kind::text;
        cell_.text = value.get_string().value_unsafe();
        return;
      case element_type::ARRAY: fill_list(value.get_array().value_unsafe()); return;
      case element_type::OBJECT: cell_.kind = Cell::Kind::other; return;
    }
  }

  void fill_list(simdjson::dom::array items) {
    cell_.kind = Cell::Kind::texts;
    for (const element item : items) {
      std::string_view text;
      if (item.get(text) != simdjson::SUCCESS) {
        cell_.kind = Cell::Kind::other;
        return;
      }
      cell_.texts.push_back(text);
    }
  }

  LineReader lines_;
  bool broken_ = false;
  simdjson::dom::parser parser_;
  Cell cell_;
};

}  // namespace

std::unique_ptr<RecordReader> jsonl_records(const InputFile& file, std::uint64_t longest) {
  return std::make_unique<JsonRecords>(file, longest);
}

}  // namespace attar::data
