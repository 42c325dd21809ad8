// Bytes with AVX2: maddubs adds two products in sixteen bits and saturates, so rows are lowered by 128 and multiplied
// by magnitude and sign: two products are then at most 2 · 128 · 127. The columns' sums raise the result again.
// Loops over sums are unrolled by word, for GCC 12 does it too late to keep them in registers by itself.
#include "nn/byte_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::nn::detail {
namespace {

constexpr std::size_t width = 8, registers = 2, rows_together = 4;

inline __m256i load(const void* from) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
inline void store(void* to, __m256i value) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(to), value); }

// `Rows` rows, the sixteen columns from `column` on.
template <std::size_t Rows>
void tile(const ByteTile& task, std::size_t row, std::size_t column) noexcept {
  const std::uint8_t* rows = task.rows + row * task.stride;
  std::int32_t* out = task.sums + row * panel_columns + column;
  const __m256i lower = _mm256_set1_epi8(static_cast<char>(-128)), ones = _mm256_set1_epi16(1);
  __m256i sums[Rows][registers];
#pragma GCC unroll 6
  for (std::size_t c = 0; c < registers; ++c) {
    const __m256i raised = _mm256_slli_epi32(load(task.column_sums + column + c * width), 7);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r)
      sums[r][c] = task.add ? _mm256_add_epi32(load(out + r * panel_columns + c * width), raised) : raised;
  }
  const std::int8_t* panel = task.panel + 4 * column;
  for (std::size_t k = 0; k < task.fours; ++k, panel += 4 * panel_columns) {
    const __m256i columns[registers] = {load(panel), load(panel + 4 * width)};
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r) {
      std::int32_t four;
      std::memcpy(&four, rows + r * task.stride + 4 * k, sizeof(four));
      const __m256i values = _mm256_xor_si256(_mm256_set1_epi32(four), lower);
      const __m256i sizes = _mm256_abs_epi8(values);
#pragma GCC unroll 6
      for (std::size_t c = 0; c < registers; ++c) {
        const __m256i pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(columns[c], values));
        sums[r][c] = _mm256_add_epi32(sums[r][c], _mm256_madd_epi16(pairs, ones));
      }
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 6
    for (std::size_t c = 0; c < registers; ++c) store(out + r * panel_columns + c * width, sums[r][c]);
}

template <std::size_t Rows>
void all_columns(const ByteTile& task, std::size_t row) noexcept {
  for (std::size_t column = 0; column < panel_columns; column += registers * width) tile<Rows>(task, row, column);
}

}  // namespace

void byte_tile_avx2(const ByteTile& task) noexcept {
  std::size_t row = 0;
  for (; row + rows_together <= task.count; row += rows_together) all_columns<rows_together>(task, row);
  for (; row < task.count; ++row) all_columns<1>(task, row);
}

}  // namespace attar::nn::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
