// Rows of a table that take finer steps than others: those that are met more often.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "attar/loss.h"
#include "attar/result.h"
#include "engine/weight_fit.h"
#include "format/tensors.h"

namespace attar::engine {

/// By how many half octaves a row's steps are finer than those of the rarest, for rows of these frequencies: steps go
/// with the frequency to the power −1/4, in a span of 16 around the median (docs/decisions/0036).
[[nodiscard]] std::vector<std::uint8_t> finer_by_frequency(std::span<const double> counts);

/// The numbers of a file, one a line; blank lines do not count. `invalid_data` names the line that is no number that is
/// finite and not negative.
[[nodiscard]] Result<std::vector<double>> read_frequencies(const std::filesystem::path& path);

/// Gives the rows of the table that the options name their steps; nothing where there are no frequencies.
/// `invalid_argument` where no tensor, or more than one, has so many rows, and for one that loses nothing or has a
/// bound. `entries` are those of the tensors.
[[nodiscard]] Status set_row_steps(std::span<LossyTensor> tensors, std::span<const format::TensorEntry* const> entries,
                                   const LossOptions& options);

}  // namespace attar::engine
