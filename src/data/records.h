// Rows of named values in a user's file, one after the other: JSON lines, CSV, TSV.
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

/// Bytes of a row, unless a reader is told another limit: a document with its text, as of a line with a vector.
inline constexpr std::uint64_t longest_record = 64ull << 20;

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  /// Takes a field and its value; both live as long as the call. A field may be missing in a row, or stand in it twice.
  using Visit = std::function<void(std::string_view field, const Cell& cell)>;
  /// Visits the fields of the next row; false after the last one. After an error the next call goes on behind the bad
  /// row, and gives false where there is no going on: the file cannot be read, or has no line of names.
  [[nodiscard]] virtual Result<bool> next(const Visit& visit) = 0;
  /// The line, counted from 1, on which the row that next() gave last begins, or that its error is about.
  [[nodiscard]] virtual std::uint64_t line() const noexcept = 0;
  /// Bytes of the file read so far, for progress.
  [[nodiscard]] virtual std::uint64_t position() const noexcept = 0;
};

/// By the ending (.jsonl, .ndjson, .csv, .tsv), else by the first byte: { is JSON lines. `file` outlives the reader.
[[nodiscard]] Result<std::unique_ptr<RecordReader>> open_records(const InputFile& file);

/// A row of more than `longest` bytes is `over_limit`.
[[nodiscard]] std::unique_ptr<RecordReader> jsonl_records(const InputFile& file,
                                                          std::uint64_t longest = longest_record);
/// RFC 4180 with a line of names: quotes hold separators, doubled quotes and line ends. An empty cell without quotes
/// has no value.
[[nodiscard]] std::unique_ptr<RecordReader> csv_records(const InputFile& file, char separator,
                                                        std::uint64_t longest = longest_record);

}  // namespace attar::data
