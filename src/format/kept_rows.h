// The section that says which rows of tables were kept. Bytes: FORMAT.md, "Kept rows section".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attar/result.h"
#include "format/section.h"
#include "format/tensors.h"

namespace attar::format {

inline constexpr std::uint16_t kept_rows_wire_version = 1;

/// Rows of a tensor along its first axis. Some are kept, and some are dropped.
struct KeptRowsEntry {
  std::uint32_t tensor = 0;                  ///< its number in the index
  std::uint64_t original = 0;                ///< XXH3-64 of the bytes that it had with all of its rows
  std::optional<std::uint64_t> filler = {};  ///< the kept row that stands for dropped ones; none: zeros
  std::uint64_t rows = 0;
  std::vector<std::byte> bits = {};  ///< one a row, from the lowest of each byte on: set where it is kept

  [[nodiscard]] bool keeps(std::uint64_t row) const noexcept {
    return (std::to_integer<unsigned>(bits[row / 8]) >> row % 8 & 1) != 0;
  }
  void keep(std::uint64_t row) noexcept { bits[row / 8] |= std::byte{1} << static_cast<unsigned>(row % 8); }
  [[nodiscard]] std::uint64_t kept() const noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept { return rows - kept(); }
};

[[nodiscard]] std::vector<std::byte> encode_kept_rows(const std::vector<KeptRowsEntry>& entries);
/// Every field is checked against the tensors, which ascend.
[[nodiscard]] Result<std::vector<KeptRowsEntry>> decode_kept_rows(const SectionReader& section,
                                                                  const std::vector<TensorEntry>& tensors);

}  // namespace attar::format
