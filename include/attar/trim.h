// Tables that are packed without some of their rows: the others come back, the dropped ones as one row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"

namespace attar {

/// Which rows of some tables are kept. Shapes and numbers of rows stay as they are: a dropped row is read as zeros.
struct KeptRows {
  std::string pattern;         ///< of the tables' whole names; * stands for any characters, ? for one
  std::filesystem::path rows;  ///< a file with the number of a row a line, from 0; any order, again counts once
};

/// Reads "NAME=FILE". `invalid_argument` for anything else.
[[nodiscard]] Result<KeptRows> parse_kept_rows(std::string_view text);

struct TrimOptions {
  std::vector<KeptRows> rows = {};
  /// A file with a token a line, as it stands in the vocabulary of the model that is packed (a folder of a BERT model,
  /// or the weights' file in it): its word table keeps these tokens and the special ones. Any other token is read as
  /// the row of [UNK]. Empty: all tokens are kept.
  std::filesystem::path tokens = {};

  [[nodiscard]] bool any() const noexcept { return !rows.empty() || !tokens.empty(); }
};

/// A table without some of its rows.
struct TrimmedTable {
  std::string name;
  std::uint64_t rows = 0, dropped = 0;
};

}  // namespace attar
