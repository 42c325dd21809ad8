// A column of some of the rows of another one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "filter/column.h"

namespace attar::filter {

/// A section's bytes: the values of these rows of the column, in this order, as if no other had ever been there. At
/// least one row; all are the column's.
[[nodiscard]] Result<std::vector<std::byte>> copy_column(const Column& column, std::span<const std::uint32_t> rows);

}  // namespace attar::filter
