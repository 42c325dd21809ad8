// A user's file of attributes to columns: which fields, of which types, row by row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attar/result.h"
#include "base/progress.h"

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

/// Reads the file twice: for the types of its fields, and for their values. Memory: that of the columns. `rows` are the
/// vectors'.
[[nodiscard]] Result<Meta> read_meta(const MetaOptions& options, std::uint64_t rows, base::Progress& progress);

}  // namespace attar::filter
