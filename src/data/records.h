// Rows of attributes in a user's file, one after the other: JSON lines, CSV, TSV.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "data/input_file.h"

namespace attar::data {

/// One value as the file has it.
struct Cell {
  enum class Kind : std::uint8_t {
    null,
    truth,
    whole,
    real,
    text,
    texts,  ///< a list of strings
    other,  ///< an object, or a list of anything else
  };
  Kind kind = Kind::null;
  bool truth = false;
  std::int64_t whole = 0;
  double real = 0;
  std::string_view text;  ///< a string; in CSV also what a number or boolean was written as
  std::vector<std::string_view> texts;

  /// The value as a string, for a column of strings.
  [[nodiscard]] std::string as_text() const;
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  /// Takes a field and its value; both live as long as the call. A field may be missing in a row, or stand in it twice.
  using Visit = std::function<void(std::string_view field, const Cell& cell)>;
  /// Visits the fields of the next row; false after the last one.
  [[nodiscard]] virtual Result<bool> next(const Visit& visit) = 0;
};

/// By the ending (.jsonl, .ndjson, .csv, .tsv), else by the first byte: { is JSON lines. `file` outlives the reader.
[[nodiscard]] Result<std::unique_ptr<RecordReader>> open_records(const InputFile& file);

[[nodiscard]] std::unique_ptr<RecordReader> jsonl_records(const InputFile& file);
/// RFC 4180 with a line of names: quotes hold separators, doubled quotes and line ends. An empty cell without quotes
/// has no value.
[[nodiscard]] std::unique_ptr<RecordReader> csv_records(const InputFile& file, char separator);

}  // namespace attar::data
