// f8's columns. Pure functions; spec.md has the bytes.
#pragma once

#include "vector/common/columns.h"

namespace attar::vector::f8 {

/// Components [first, first + count) of the lanes: out[component · 32 + lane].
void decode_columns(const Lanes& lanes, std::size_t first, std::size_t count, float* out) noexcept;

}  // namespace attar::vector::f8
