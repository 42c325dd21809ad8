// f16's columns. Pure functions; spec.md has the bytes.
#pragma once

#include "vector/common/columns.h"

namespace attar::vector::f16 {

/// Components [first, first + count) of the lanes: out[component · 32 + lane].
void decode_columns(const Lanes& lanes, std::size_t first, std::size_t count, float* out) noexcept;

/// The same of a block of one row: out[component].
void decode_row(const std::byte* row, std::size_t first, std::size_t count, float* out) noexcept;

}  // namespace attar::vector::f16
