// Products of rows of floats with a narrow panel of columns: the inside of every float layer. Sums run over the depth
// in one order with fused multiply-add, so that every level gives the same bits.
#pragma once

#include <cstddef>

#include "simd/isa.h"

namespace attar::nn {

inline constexpr std::size_t panel_columns = 64;

struct FloatTile {
  const float* a = nullptr;  ///< rows × depth, a_stride apart
  std::size_t rows = 0;
  std::size_t a_stride = 0;
  const float* b = nullptr;  ///< depth rows, b_stride apart, each readable up to the next multiple of 16 columns
  std::size_t b_stride = 0;
  std::size_t depth = 0;
  std::size_t columns = 0;  ///< 1 … panel_columns
  float* out = nullptr;     ///< rows × columns, out_stride apart
  std::size_t out_stride = 0;
  const float* start = nullptr;  ///< what each row's sums begin with, readable as a row of b; null: with zeros
  bool add = false;              ///< the sums begin with what `out` holds; `start` is not looked at
};

/// out[i][j] = (…((start[j] + a[i][0]·b[0][j]) + a[i][1]·b[1][j]) …), each step rounded once.
using FloatTileKernel = void (*)(const FloatTile&) noexcept;
[[nodiscard]] FloatTileKernel float_tile_kernel(simd::Level level) noexcept;

namespace detail {
void float_tile_scalar(const FloatTile& task) noexcept;
void float_tile_avx2(const FloatTile& task) noexcept;    // needs AVX2 and FMA
void float_tile_avx512(const FloatTile& task) noexcept;  // needs AVX-512 F
}  // namespace detail

}  // namespace attar::nn
