// Products of rows of unsigned bytes with a panel of columns of signed ones: the inside of every int8 layer, exact at
// every level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/float_tile.h"
#include "simd/isa.h"

namespace attar::nn {

/// The panel: [four of the depth][column][one of the four], so that a register holds four products' bytes of each
/// column.
struct ByteTile {
  const std::uint8_t* rows = nullptr;  ///< count × 4·fours, stride apart
  std::size_t count = 0;
  std::size_t stride = 0;
  const std::int8_t* panel = nullptr;         ///< fours × panel_columns × 4; no value is −128
  const std::int32_t* column_sums = nullptr;  ///< panel_columns sums of the panel's values, by column
  std::size_t fours = 0;
  std::int32_t* sums = nullptr;  ///< count × panel_columns
  bool add = false;              ///< added to what `sums` holds
};

/// sums[i][j] = Σ_k rows[i][k] · panel[k][j]; at most 65,536 products in all that is added up.
using ByteTileKernel = void (*)(const ByteTile&) noexcept;
[[nodiscard]] ByteTileKernel byte_tile_kernel(simd::Level level) noexcept;

namespace detail {
void byte_tile_scalar(const ByteTile& task) noexcept;
void byte_tile_avx2(const ByteTile& task) noexcept;  // needs AVX2
void byte_tile_vnni(const ByteTile& task) noexcept;  // needs AVX-512 F and VNNI
}  // namespace detail

}  // namespace attar::nn
