// The schema section: how many vectors, of how many dimensions, compared how.
#pragma once

#include <cstdint>
#include <vector>

#include "attar/limits.h"
#include "attar/metric.h"
#include "attar/result.h"
#include "format/section.h"

namespace attar::format {

inline constexpr std::uint16_t schema_wire_version = 1;
inline constexpr std::uint64_t schema_bytes = 16;

struct VectorSchema {
  std::uint64_t rows = 0;  ///< at least 1
  std::uint32_t dims = 0;  ///< at least 1
  Metric metric = Metric::cosine;
  std::uint8_t flags = 0;  ///< wire version 1 defines none

  friend bool operator==(const VectorSchema&, const VectorSchema&) = default;
};

/// schema_bytes bytes, as FORMAT.md has them.
[[nodiscard]] std::vector<std::byte> encode_schema(const VectorSchema& schema);

/// Checks the section's checksum, its version, every field, and the limits on rows and dimensions.
[[nodiscard]] Result<VectorSchema> decode_schema(const SectionReader& section, const OpenLimits& limits);

}  // namespace attar::format
