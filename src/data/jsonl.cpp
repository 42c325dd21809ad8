#include "data/jsonl.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attar/limits.h"
#include "base/file.h"
#include "data/line_reader.h"
#include "data/row_file.h"

namespace attar::data {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);

/// A document with its text and a vector of the most dimensions, with room to spare.
constexpr std::uint64_t longest_line = 64ull << 20;
/// Rows are gathered to about this many bytes before they go to the scratch file.
constexpr std::size_t write_bytes = 1 << 20;

/// A word that other writers put where JSON has no number: json.dumps of Python writes NaN and Infinity.
std::optional<std::string_view> stray_word(std::string_view line) {
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') in_string = !in_string;
    if (in_string && line[i] == '\\') ++i;
    if (in_string) continue;
    for (const std::string_view word : {"NaN", "nan", "Infinity", "inf"})
      if (line.substr(i).starts_with(word)) return word;
  }
  return std::nullopt;
}

std::string_view kind_of(element value) {
  switch (value.type()) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE: return "a number";
  }
  return "something else";
}

/// An array that starts with a number; an empty one is no vector.
bool looks_like_vector(element value) {
  array items;
  if (value.get(items) != simdjson::SUCCESS) return false;
  return items.begin() != items.end() && (*items.begin()).is_number();
}

class Reader {
 public:
  Reader(const InputFile& file, base::TemporaryFile spool, std::string field)
      : lines_(file, longest_line), file_(file), spool_(std::move(spool)), field_(std::move(field)) {}

  Status run() {
    for (;;) {
      ATTAR_ASSIGN(const std::optional<std::string_view> line, lines_.next());
      if (!line) break;
      if (is_blank(*line)) continue;
      ATTAR_TRY(add_line(*line));
    }
    if (rows_ == 0) return file_.fail(ErrorCode::invalid_data, "holds no rows; give a file with a JSON object a line");
    return flush();
  }

  /// The rows read, as a source over the scratch file.
  Result<std::unique_ptr<VectorSource>> source() && {
    ATTAR_ASSIGN(InputFile rows, InputFile::open_as(spool_.path(), file_.name()));
    const RowLayout layout{.element = ElementType::f32, .rows = rows_, .dims = dims_};
    ATTAR_TRY(check_layout(layout, rows));
    return row_source(std::move(rows), layout);
  }

 private:
  Status add_line(std::string_view line) {
    // The reader leaves the padding that the parser asks for behind every line.
    element document;
    const auto error = parser_.parse(line.data(), line.size(), false).get(document);
    if (error != simdjson::SUCCESS) return explain(line, error);
    object fields;
    if (document.get(fields) != simdjson::SUCCESS)
      return lines_.fail(ErrorCode::invalid_data,
                         fmt::format("is {}, not a JSON object; write one object a line, such as {{\"vector\": [0.1, "
                                     "0.2]}}",
                                     kind_of(document)));
    if (field_.empty()) ATTAR_TRY(choose_field(fields));
    element value;
    if (fields.at_key(field_).get(value) != simdjson::SUCCESS)
      return lines_.fail(ErrorCode::invalid_data, fmt::format("has no field {}; its fields are {}. Name the vector's "
                                                              "with --field",
                                                              in_quotes(field_), keys_of(fields)));
    array components;
    if (value.get(components) != simdjson::SUCCESS)
      return lines_.fail(ErrorCode::invalid_data, fmt::format("has {} in field {}, where an array of numbers must be",
                                                              kind_of(value), in_quotes(field_)));
    return add_row(components);
  }

  Status add_row(array components) {
    const std::size_t start = pending_.size();
    for (const element component : components) {
      const std::size_t index = pending_.size() - start;
      double value = 0;
      if (component.get(value) != simdjson::SUCCESS)
        return lines_.fail(ErrorCode::invalid_data,
                           fmt::format("has {} as component {} of field {}, where a number must "
                                       "be",
                                       kind_of(component), index, in_quotes(field_)));
      const auto narrow = static_cast<float>(value);
      if (!std::isfinite(narrow))
        return lines_.fail(ErrorCode::invalid_data,
                           fmt::format("has {} as component {} of field {}, beyond the range of a 32-bit float; scale "
                                       "the vectors down",
                                       value, index, in_quotes(field_)));
      if (index == OpenLimits{}.max_dims)
        return lines_.fail(ErrorCode::over_limit, fmt::format("has more than {} components in field {}, the most that "
                                                              "Attar takes",
                                                              index, in_quotes(field_)));
      pending_.push_back(narrow);
    }
    return close_row(pending_.size() - start);
  }

  Status close_row(std::size_t components) {
    if (components == 0)
      return lines_.fail(
          ErrorCode::invalid_data,
          fmt::format("has an empty array in field {}; leave the line out or give its vector", in_quotes(field_)));
    if (rows_ == 0) dims_ = static_cast<std::uint32_t>(components);
    if (components != dims_)
      return lines_.fail(ErrorCode::invalid_data, fmt::format("has {} components in field {}, the first vector has {}; "
                                                              "all must have the same number",
                                                              components, in_quotes(field_), dims_));
    if (rows_ == OpenLimits{}.max_rows)
      return lines_.fail(ErrorCode::over_limit,
                         fmt::format("is row {}, one more than an artifact takes; split the file", rows_));
    ++rows_;
    return pending_.size() * sizeof(float) < write_bytes ? Status{} : flush();
  }

  Status flush() {
    ATTAR_TRY(spool_.write(std::as_bytes(std::span<const float>(pending_))));
    pending_.clear();
    return {};
  }

  /// Without --field: "vector", else "embedding", else the only field that holds an array of numbers.
  Status choose_field(object fields) {
    std::vector<std::string_view> arrays;
    for (const std::string_view name : {"vector", "embedding"}) {
      if (fields.at_key(name).error() != simdjson::SUCCESS) continue;
      field_ = name;
      return {};
    }
    for (const auto& [key, value] : fields)
      if (looks_like_vector(value)) arrays.push_back(key);
    if (arrays.size() == 1) {
      field_ = arrays.front();
      return {};
    }
    return lines_.fail(ErrorCode::invalid_data,
                       fmt::format("has {} field that holds numbers, and none is called 'vector' or 'embedding'; its "
                                   "fields are {}. Name the vector's with --field",
                                   arrays.empty() ? "no" : "more than one", keys_of(fields)));
  }

  static std::string keys_of(object fields) {
    constexpr std::size_t most = 8;
    std::string out;
    std::size_t count = 0;
    for (const auto& [key, value] : fields) {
      if (count++ == most) return out + ", …";
      out += fmt::format("{}{}", out.empty() ? "" : ", ", in_quotes(key));
    }
    return out.empty() ? "none" : out;
  }

  std::unexpected<Error> explain(std::string_view line, simdjson::error_code error) const {
    if (const auto word = stray_word(line))
      return lines_.fail(ErrorCode::invalid_data, fmt::format("holds {}, which JSON has no number for; leave such rows "
                                                              "out or mend them",
                                                              *word));
    if (error == simdjson::NUMBER_ERROR)
      return lines_.fail(ErrorCode::invalid_data, "holds a malformed number, or one beyond the range of a double");
    return lines_.fail(ErrorCode::invalid_data, fmt::format("is not valid JSON ({}); write one whole object a line",
                                                            simdjson::error_message(error)));
  }

  LineReader lines_;
  const InputFile& file_;
  base::TemporaryFile spool_;
  std::string field_;
  simdjson::dom::parser parser_;
  std::vector<float> pending_;
  std::uint64_t rows_ = 0;
  std::uint32_t dims_ = 0;
};

}  // namespace

Result<std::unique_ptr<VectorSource>> open_jsonl(const InputFile& file, const SourceOptions& options) {
  ATTAR_ASSIGN(base::TemporaryFile spool, base::TemporaryFile::create(options.scratch));
  Reader reader(file, std::move(spool), options.field);
  ATTAR_TRY(reader.run());
  return std::move(reader).source();
}

}  // namespace attar::data
