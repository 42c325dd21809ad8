// Six rows by four registers of columns: 24 sums, and ten loads for 24 products.
// Loops over sums are unrolled by word, for GCC 12 does it too late to keep them in registers by itself.
#include "nn/float_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif

namespace attar::nn::detail {
namespace {

constexpr std::size_t width = 16, rows_together = 6;

template <std::size_t Rows, std::size_t Registers>
void tile(const FloatTile& task, std::size_t row) noexcept {
  const float* a = task.a + row * task.a_stride;
  float* out = task.out + row * task.out_stride;
  const std::size_t past = Registers * width - task.columns;
  const auto last = static_cast<__mmask16>(0xffffu >> past);
  const auto mask = [&](std::size_t c) { return c + 1 == Registers ? last : static_cast<__mmask16>(0xffff); };
  __m512 sums[Rows][Registers];
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < Registers; ++c) {
      if (task.add)
        sums[r][c] = _mm512_maskz_loadu_ps(mask(c), out + r * task.out_stride + c * width);
      else
        sums[r][c] = task.start == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(task.start + c * width);
    }
  const float* b = task.b;
  for (std::size_t k = 0; k < task.depth; ++k, b += task.b_stride) {
    __m512 columns[Registers];
#pragma GCC unroll 6
    for (std::size_t c = 0; c < Registers; ++c) columns[c] = _mm512_loadu_ps(b + c * width);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r) {
      const __m512 value = _mm512_set1_ps(a[r * task.a_stride + k]);
#pragma GCC unroll 6
      for (std::size_t c = 0; c < Registers; ++c) sums[r][c] = _mm512_fmadd_ps(value, columns[c], sums[r][c]);
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < Registers; ++c)
      _mm512_mask_storeu_ps(out + r * task.out_stride + c * width, mask(c), sums[r][c]);
}

template <std::size_t Registers>
void all_rows(const FloatTile& task) noexcept {
  std::size_t row = 0;
  for (; row + rows_together <= task.rows; row += rows_together) tile<rows_together, Registers>(task, row);
  switch (task.rows - row) {
    case 5: return tile<5, Registers>(task, row);
    case 4: return tile<4, Registers>(task, row);
    case 3: return tile<3, Registers>(task, row);
    case 2: return tile<2, Registers>(task, row);
    case 1: return tile<1, Registers>(task, row);
    default: return;
  }
}

}  // namespace

void float_tile_avx512(const FloatTile& task) noexcept {
  switch ((task.columns + width - 1) / width) {
    case 4: return all_rows<4>(task);
    case 3: return all_rows<3>(task);
    case 2: return all_rows<2>(task);
    case 1: return all_rows<1>(task);
    default: return;
  }
}

}  // namespace attar::nn::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
