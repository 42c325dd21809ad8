// Four bits with VNNI: codes are 0 … 15, so that they pass as signed bytes as they are.
// Loops over sums are unrolled by word, for GCC 12 does it too late to keep them in registers by itself.
#include "nn/nibble_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vnni")
#endif

namespace attar::nn::detail {
namespace {

constexpr std::size_t width = 16, rows_together = 6;

// Sixteen scales, widened.
inline __m512 load_scales(const std::byte* from) noexcept {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// `Rows` rows, the columns of so many registers from `column` on.
template <std::size_t Rows, std::size_t Registers>
void tile(const NibbleTile& task, std::size_t row, std::size_t column) noexcept {
  const std::uint8_t* rows = task.rows + row * task.groups * group_inputs;
  const std::int32_t* starts = task.starts + row * task.groups;
  const __m512i low = _mm512_set1_epi8(15);
  const std::size_t stride = task.groups * group_inputs;
  __m512 sums[Rows][Registers];
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < Registers; ++c) sums[r][c] = _mm512_setzero_ps();
  const std::byte* group = task.panel;
  for (std::size_t g = 0; g < task.groups; ++g, group += group_bytes, rows += group_inputs) {
    const std::byte* codes = group + group_scale_bytes + 4 * column;
    __m512i whole[Rows][Registers];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
      for (std::size_t c = 0; c < Registers; ++c) whole[r][c] = _mm512_set1_epi32(starts[r * task.groups + g]);
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < group_inputs / 8; ++pair, codes += 4 * panel_columns) {
      __m512i first[Registers], second[Registers];
#pragma GCC unroll 6
      for (std::size_t c = 0; c < Registers; ++c) {
        const __m512i both = _mm512_loadu_si512(codes + 4 * c * width);
        first[c] = _mm512_and_si512(both, low);
        second[c] = _mm512_and_si512(_mm512_srli_epi32(both, 4), low);
      }
#pragma GCC unroll 6
      for (std::size_t r = 0; r < Rows; ++r) {
        // Each from memory by itself: a broadcast from there costs no step of arithmetic.
        std::int32_t fours[2];
        std::memcpy(&fours[0], rows + r * stride + 8 * pair, sizeof(fours[0]));
        std::memcpy(&fours[1], rows + r * stride + 8 * pair + 4, sizeof(fours[1]));
        const __m512i one = _mm512_set1_epi32(fours[0]), other = _mm512_set1_epi32(fours[1]);
#pragma GCC unroll 6
        for (std::size_t c = 0; c < Registers; ++c) {
          whole[r][c] = _mm512_dpbusd_epi32(whole[r][c], one, first[c]);
          whole[r][c] = _mm512_dpbusd_epi32(whole[r][c], other, second[c]);
        }
      }
    }
#pragma GCC unroll 6
    for (std::size_t c = 0; c < Registers; ++c) {
      const __m512 scale = load_scales(group + 2 * (column + c * width));
#pragma GCC unroll 6
      for (std::size_t r = 0; r < Rows; ++r)
        sums[r][c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[r][c]), scale, sums[r][c]);
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < Registers; ++c)
      _mm512_storeu_ps(task.sums + (row + r) * panel_columns + column + c * width, sums[r][c]);
}

template <std::size_t Rows, std::size_t Registers>
void all_columns(const NibbleTile& task, std::size_t row) noexcept {
  for (std::size_t column = 0; column < panel_columns; column += Registers * width)
    tile<Rows, Registers>(task, row, column);
}

}  // namespace

void nibble_tile_vnni(const NibbleTile& task) noexcept {
  std::size_t row = 0;
  for (; row + rows_together <= task.count; row += rows_together) all_columns<rows_together, 2>(task, row);
  switch (task.count - row) {
    case 5: return all_columns<5, 2>(task, row);
    case 4: return all_columns<4, 2>(task, row);
    case 3: return all_columns<3, 2>(task, row);
    case 2: return all_columns<2, 4>(task, row);
    case 1: return all_columns<1, 4>(task, row);
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
