// Vectors of a JSONL file: one JSON object a line, one of its fields an array of numbers.
#pragma once

#include <memory>

#include "attar/result.h"
#include "data/input_file.h"
#include "data/source.h"

namespace attar::data {

/// Parses all lines once and keeps the rows as f32 in a scratch file, since packing takes several passes. Blank lines
/// are skipped; errors name the line, the field and the fix.
[[nodiscard]] Result<std::unique_ptr<VectorSource>> open_jsonl(const InputFile& file, const SourceOptions& options);

}  // namespace attar::data
