// A part of a section as a length and a zstd frame. Bytes: FORMAT.md, "Compressed part".
#pragma once

#include <vector>

#include "attar/limits.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "format/section.h"

namespace attar::format {

[[nodiscard]] std::vector<std::byte> compressed_part(base::ByteView bytes);
/// Of a section that is one such part; its checksums are verified. `over_limit` above OpenLimits::max_model_bytes.
[[nodiscard]] Result<std::vector<std::byte>> decompressed_part(const SectionReader& section, const OpenLimits& limits);

}  // namespace attar::format
