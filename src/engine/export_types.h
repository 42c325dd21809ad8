// Which types each exported tensor may have: by the option for all, by pins, and by what fits its rows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/export.h"
#include "engine/export_source.h"

namespace attar::engine {

/// The types of a tensor in the file; more than one where it has a choice.
using TypeChoices = std::vector<const data::GgmlType*>;

/// For each tensor its types, and remarks on those that the type for all did not fit. `invalid_argument` for a type
/// that is none, for a pin that is no "PATTERN=TYPE", that no matrix of floats fits, or whose type does not fit the
/// rows.
[[nodiscard]] Result<std::vector<TypeChoices>> choose_types(std::span<const ExportTensor> tensors,
                                                            const ExportGgufOptions& options,
                                                            std::vector<std::string>& notes);

/// llama.cpp's number of a file most of whose tensors have this type (its llama_ftype).
[[nodiscard]] std::uint32_t gguf_file_type(std::string_view type) noexcept;

}  // namespace attar::engine
