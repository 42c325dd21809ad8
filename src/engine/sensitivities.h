// What an error on each tensor costs, as a file of JSON says.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "attar/result.h"

namespace attar::engine {

/// Puts the sensitivities that {"tensors": {"name": α}} has in the place of defaults, which are above 0, one a name.
/// Where some tensors' were measured, the others' are as much larger or smaller than the default as those are in the
/// median. An empty path leaves all as they are. `invalid_argument` for a file that is none of sensitivities above 0,
/// or names none of these; `io`.
[[nodiscard]] Status set_sensitivities(const std::filesystem::path& path, std::span<const std::string_view> names,
                                       std::span<double> sensitivities);

}  // namespace attar::engine
