// The table of what competed: one line a candidate and size.
#pragma once

#include <cstddef>
#include <vector>

#include "plan/field.h"

namespace attar::plan {

/// Keeps the contender, the measured figure over the estimated one.
void note(std::vector<Contender>& table, const Contender& contender);

/// The best measured contender of every kind but `family`, best recall first, at most `most` of them.
[[nodiscard]] std::vector<Contender> other_kinds(const std::vector<Contender>& table, const Family& family,
                                                 std::size_t most);

}  // namespace attar::plan
