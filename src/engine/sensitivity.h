// Sensitivity on texts that are at hand.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attar/sensitivity.h"
#include "engine/encoders.h"

namespace attar::engine {

/// As attar::measure_sensitivity(), for these texts.
[[nodiscard]] Result<SensitivityReport> measure_sensitivity_on(const NamedModel& model,
                                                               std::span<const std::string> texts,
                                                               const SensitivityOptions& options);

/// 1 − cosine of the vectors of each text in two matrices (texts × dims) ; 1 where one is zero.
[[nodiscard]] std::vector<double> lost_cosines(std::span<const float> before, std::span<const float> after,
                                               std::size_t dims);

/// The texts of a file, in its order, by the layouts of measure_sensitivity().
[[nodiscard]] Result<std::vector<std::string>> read_model_texts(const std::filesystem::path& path);

}  // namespace attar::engine
