// Where everything stands in a codes section; spec.md, "Codes section".
#pragma once

#include <array>
#include <cstdint>

#include "base/checked.h"
#include "codec/vectors.h"
#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// Most that a first look's sums are raised by.
inline constexpr double largest_gain = 16;

struct Layout {
  std::array<std::uint64_t, max_runs> plane{};  ///< offset of each run's plane
  std::uint64_t full_blocks = 0;
  std::uint64_t tail_rows = 0;  ///< rows of the last, partial block, padded to 8; 0 when there is none
  std::uint64_t grid = 0;       ///< offset of the scale grid
  std::uint64_t scales = 0;
  std::uint64_t tails = 0;
  std::uint64_t gains = 0;
  std::uint64_t norms = 0;  ///< l2 only
  std::uint64_t total_bytes = 0;

  /// The caller has bounded rows (32 bits) and components (dims + 63), so nothing here overflows.
  Layout(const codec::Schema& schema, const Shape& shape, std::uint8_t scale_bytes) noexcept {
    full_blocks = schema.rows / block_rows;
    tail_rows = base::round_up(schema.rows % block_rows, 8);
    std::uint64_t at = 0;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      plane[r] = at;
      at = base::round_up(at + (full_blocks * block_rows + tail_rows) * shape.runs[r].row_bytes(), 64);
    }
    grid = at;
    scales = grid + 16;
    tails = base::round_up(scales + schema.rows * scale_bytes, 8);
    gains = tails + 4 * shape.run_count;
    norms = gains + 4 * shape.run_count;
    total_bytes = norms + (schema.metric == Metric::l2 ? 4 * schema.rows : 0);
  }

  /// Rows stored in block b: 32, or tail_rows in the last, partial one.
  [[nodiscard]] std::uint64_t rows_in(std::uint64_t block) const noexcept {
    return block < full_blocks ? block_rows : tail_rows;
  }
};

}  // namespace attar::vector::tcq
