// A user's file of attributes to columns: which fields, of which types, row by row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attar/result.h"
#include "base/progress.h"
#include "data/records.h"

namespace attar::filter {

struct MetaOptions {
  std::filesystem::path path;
  std::vector<std::string> fields = {};  ///< in the order of the columns; empty: all that can be
  std::vector<std::string> sorted = {};  ///< numbers and dates that get an order of the rows
};

struct Meta {
  std::vector<std::vector<std::byte>> columns;  ///< sections' bytes, by number
  std::vector<std::string> notes;               ///< fields left out, each with its reason
};

/// Opens the records from the first on; called twice.
using OpenRecords = std::function<Result<std::unique_ptr<data::RecordReader>>()>;

/// The same of rows that are no file's; `options.path` names them in errors.
[[nodiscard]] Result<Meta> read_meta(const OpenRecords& open, const MetaOptions& options, std::uint64_t rows,
                                     base::Progress& progress);

/// Reads the file twice: for the types of its fields, and for their values. Memory: that of the columns. `rows` are the
/// vectors'.
[[nodiscard]] Result<Meta> read_meta(const MetaOptions& options, std::uint64_t rows, base::Progress& progress);

}  // namespace attar::filter
