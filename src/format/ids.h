// The ids section: one text id a row, front-coded in groups, so that one id costs the reading of one group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "format/section.h"

namespace attar::format {

inline constexpr std::uint16_t ids_wire_version = 1;
inline constexpr std::uint64_t ids_per_group = 64;
inline constexpr std::uint64_t max_id_bytes = 65'535;

/// Writes ids in row order. Memory: 8 bytes a group.
class IdsWriter {
 public:
  explicit IdsWriter(base::Sink& sink) noexcept : sink_(&sink) {}

  /// `invalid_argument` for an id of more than max_id_bytes bytes.
  [[nodiscard]] Status append(std::string_view id);
  /// Writes the index of groups; nothing may follow.
  [[nodiscard]] Status finish();
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }

 private:
  [[nodiscard]] Status flush_group();

  base::Sink* sink_;
  base::ByteWriter group_;
  std::string previous_;
  std::vector<std::uint64_t> ends_;
  std::uint64_t bytes_ = 0;
  std::uint64_t rows_ = 0;
};

/// Ids of an opened artifact. Const calls are safe from many threads.
class IdsReader {
 public:
  /// `rows` is the schema's. Reads nothing: each group is checked when an id in it is asked for.
  [[nodiscard]] static Result<IdsReader> open(SectionReader section, std::uint64_t rows);

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  /// Reads one group of ids_per_group rows; `invalid_argument` for a row that is not there.
  [[nodiscard]] Result<std::string> id(std::uint64_t row) const;
  /// The ids of rows [first, first + count), each group read once.
  [[nodiscard]] Result<std::vector<std::string>> ids(std::uint64_t first, std::uint64_t count) const;
  /// Decodes every group and checks that nothing is left over.
  [[nodiscard]] Status check() const;

 private:
  explicit IdsReader(SectionReader section) : section_(std::move(section)) {}
  [[nodiscard]] Result<base::ByteView> group(std::uint64_t index) const;
  [[nodiscard]] Result<std::uint64_t> group_end(std::uint64_t index) const;
  /// Calls visit(row, id) for the rows of a group below `last`.
  template <class Visit>
  [[nodiscard]] Status decode(std::uint64_t index, std::uint64_t last, const Visit& visit) const;

  SectionReader section_;
  std::uint64_t rows_ = 0;
  std::uint64_t index_at_ = 0;  // where the groups end and their index begins
};

}  // namespace attar::format
