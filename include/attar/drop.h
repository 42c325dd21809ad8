// An artifact without some of its rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

/// Rows that are dropped: all that any of these names.
struct DropOptions {
  std::string where = {};                   ///< rows that this holds for: docs/cli.md, "Conditions"; empty: none
  std::vector<std::string> ids = {};        ///< ids; row numbers where the artifact keeps none
  std::filesystem::path ids_file = {};      ///< the same, one a line ("-": standard input); empty: none
  std::vector<std::uint32_t> rows = {};     ///< row numbers
  std::uint64_t memory_bytes = 2ull << 30;  ///< ceiling of a graph that is built anew
  unsigned threads = 0;                     ///< 0: one per available core
  Progress* progress = nullptr;             ///< may be null
};

struct DropReport {
  std::string path;
  std::uint64_t rows = 0;      ///< that are left
  std::uint64_t dropped = 0;   ///< of this call
  std::uint64_t relinked = 0;  ///< rows that lost a link
  bool rebuilt = false;        ///< the graph was built anew, of decoded rows: too many had been dropped to mend it
  std::uint64_t bytes = 0;
  double seconds = 0;
  std::string content_digest;
  std::vector<std::string> notes;
};

/// Writes the artifact to `output`, whole or not at all, without some of its rows: what is left keeps its codes, so its
/// scores stay what they were; rows are numbered anew, links of the graph are mended. No vectors are needed. The new
/// file has no certificate: what was measured was measured with all rows. `unsupported` of an artifact without a graph
/// or with documents; `invalid_argument` where an id or a row is not there, where no row is named and where none would
/// be left.
[[nodiscard]] Result<DropReport> drop(const Artifact& artifact, const std::filesystem::path& output,
                                      const DropOptions& options);

}  // namespace attar
