// A quick look at candidates: on a sample of a large base, before the best of them are tried on all of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/field.h"

namespace attar::plan {

/// Candidates beyond the finalists are judged on a sample of this many rows, when the base is much larger.
inline constexpr std::uint64_t preview_rows = 10'000;

/// As many of `rows` rows as a quarter of the memory holds.
[[nodiscard]] std::uint64_t rows_in_memory(const Setting& setting, std::uint64_t rows);

/// Sets recall and rank of every contender to what some of the units say of it on a sample of the base.
[[nodiscard]] Status judge_on_sample(const Setting& setting, const Field& field, const Rows& rows,
                                     std::span<const certify::Unit> units, std::vector<Contender>& contenders);

}  // namespace attar::plan
