// The metadata of an exported GGUF file.
#pragma once

#include <string>
#include <string_view>

#include "attar/export.h"
#include "data/gguf_write.h"
#include "engine/export_source.h"

namespace attar::engine {

struct ExportMetadata {
  data::GgufMetadata entries;
  std::string architecture;
};

/// What the options say goes before what the input has, and that before what is guessed: the architecture by a
/// config.json, the name by `default_name`. `file_type`: ggml's type of all matrices, empty where they have several.
/// `invalid_argument` for keys that are not to be given, and for values that are no UTF-8.
[[nodiscard]] Result<ExportMetadata> make_metadata(const ExportSource& source, const ExportGgufOptions& options,
                                                   const std::string& default_name, std::string_view file_type);

}  // namespace attar::engine
