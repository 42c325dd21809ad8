// Six rows by four registers of sixteen columns: 24 sums, and ten loads for 24 steps of 64 products each.
// Loops over sums are unrolled by word, for GCC 12 does it too late to keep them in registers by itself.
#include "nn/byte_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vnni")
#endif

namespace attar::nn::detail {
namespace {

constexpr std::size_t width = 16, registers = panel_columns / width, rows_together = 6;

template <std::size_t Rows>
void tile(const ByteTile& task, std::size_t row) noexcept {
  const std::uint8_t* rows = task.rows + row * task.stride;
  std::int32_t* out = task.sums + row * panel_columns;
  __m512i sums[Rows][registers];
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < registers; ++c)
      sums[r][c] = task.add ? _mm512_loadu_si512(out + r * panel_columns + c * width) : _mm512_setzero_si512();
  const std::int8_t* panel = task.panel;
  for (std::size_t k = 0; k < task.fours; ++k, panel += 4 * panel_columns) {
    __m512i columns[registers];
#pragma GCC unroll 6
    for (std::size_t c = 0; c < registers; ++c) columns[c] = _mm512_loadu_si512(panel + 4 * c * width);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r) {
      std::int32_t four;
      std::memcpy(&four, rows + r * task.stride + 4 * k, sizeof(four));
      const __m512i values = _mm512_set1_epi32(four);
#pragma GCC unroll 6
      for (std::size_t c = 0; c < registers; ++c) sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], values, columns[c]);
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < registers; ++c) _mm512_storeu_si512(out + r * panel_columns + c * width, sums[r][c]);
}

}  // namespace

void byte_tile_vnni(const ByteTile& task) noexcept {
  std::size_t row = 0;
  for (; row + rows_together <= task.count; row += rows_together) tile<rows_together>(task, row);
  switch (task.count - row) {
    case 5: return tile<5>(task, row);
    case 4: return tile<4>(task, row);
    case 3: return tile<3>(task, row);
    case 2: return tile<2>(task, row);
    case 1: return tile<1>(task, row);
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
