// Six rows by two registers of columns, sixteen columns at a time: twelve sums, two columns, one value.
// Loops over sums are unrolled by word, for GCC 12 does it too late to keep them in registers by itself.
#include "nn/float_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace attar::nn::detail {
namespace {

constexpr std::size_t width = 8, rows_together = 6, registers = 2;

// All ones in the lanes below `count`.
inline __m256i lanes_below(std::size_t count) noexcept {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
}

// `Rows` rows, the up to sixteen columns from `column` on.
template <std::size_t Rows>
void tile(const FloatTile& task, std::size_t row, std::size_t column) noexcept {
  const float* a = task.a + row * task.a_stride;
  float* out = task.out + row * task.out_stride + column;
  const std::size_t left = task.columns - column;
  const __m256i masks[registers] = {lanes_below(left), lanes_below(left < width ? 0 : left - width)};
  __m256 sums[Rows][registers];
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < registers; ++c) {
      if (task.add)
        sums[r][c] = _mm256_maskload_ps(out + r * task.out_stride + c * width, masks[c]);
      else
        sums[r][c] = task.start == nullptr ? _mm256_setzero_ps() : _mm256_loadu_ps(task.start + column + c * width);
    }
  const float* b = task.b + column;
  for (std::size_t k = 0; k < task.depth; ++k, b += task.b_stride) {
    const __m256 columns[registers] = {_mm256_loadu_ps(b), _mm256_loadu_ps(b + width)};
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r) {
      const __m256 value = _mm256_broadcast_ss(a + r * task.a_stride + k);
#pragma GCC unroll 6
      for (std::size_t c = 0; c < registers; ++c) sums[r][c] = _mm256_fmadd_ps(value, columns[c], sums[r][c]);
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < registers; ++c)
      _mm256_maskstore_ps(out + r * task.out_stride + c * width, masks[c], sums[r][c]);
}

template <std::size_t Rows>
void all_columns(const FloatTile& task, std::size_t row) noexcept {
  for (std::size_t column = 0; column < task.columns; column += registers * width) tile<Rows>(task, row, column);
}

}  // namespace

void float_tile_avx2(const FloatTile& task) noexcept {
  std::size_t row = 0;
  for (; row + rows_together <= task.rows; row += rows_together) all_columns<rows_together>(task, row);
  for (; row + 2 <= task.rows; row += 2) all_columns<2>(task, row);
  for (; row < task.rows; ++row) all_columns<1>(task, row);
}

}  // namespace attar::nn::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
