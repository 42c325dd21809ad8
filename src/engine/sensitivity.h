// Sensitivity on texts that are at hand.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attar/sensitivity.h"
#include "engine/encoders.h"

namespace attar::engine {

/// As attar::measure_sensitivity(), for these texts.
[[nodiscard]] Result<SensitivityReport> measure_sensitivity_on(NamedModel model, std::span<const std::string> texts,
                                                               const SensitivityOptions& options);

/// The texts of a file, in its order, by the layouts of measure_sensitivity().
[[nodiscard]] Result<std::vector<std::string>> read_model_texts(const std::filesystem::path& path);

}  // namespace attar::engine
