// Four bits with AVX2: maddubs adds two products of at most 255 · 15 in sixteen bits, and four such sums still fit.
// Loops over sums are unrolled by word, for GCC 12 does it too late to keep them in registers by itself.
#include "nn/nibble_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace attar::nn::detail {
namespace {

constexpr std::size_t width = 8, rows_together = 4;

inline __m256i load_codes(const std::byte* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

inline __m256i four_of(const std::uint8_t* from) noexcept {
  std::int32_t four;
  std::memcpy(&four, from, sizeof(four));
  return _mm256_set1_epi32(four);
}

// Eight scales, widened.
inline __m256 load_scales(const std::byte* from) noexcept {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

// `Rows` rows, the eight columns from `column` on.
template <std::size_t Rows>
void tile(const NibbleTile& task, std::size_t row, std::size_t column) noexcept {
  const std::uint8_t* rows = task.rows + row * task.groups * group_inputs;
  const std::int32_t* starts = task.starts + row * task.groups;
  const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  const std::size_t stride = task.groups * group_inputs;
  __m256 sums[Rows];
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Rows; ++r) sums[r] = _mm256_setzero_ps();
  const std::byte* group = task.panel;
  for (std::size_t g = 0; g < task.groups; ++g, group += group_bytes, rows += group_inputs) {
    const std::byte* codes = group + group_scale_bytes + 4 * column;
    __m256i firsts[Rows], seconds[Rows];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) firsts[r] = seconds[r] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < group_inputs / 8; ++pair, codes += 4 * panel_columns) {
      const __m256i both = load_codes(codes);
      const __m256i first = _mm256_and_si256(both, low);
      const __m256i second = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < Rows; ++r) {
        const std::uint8_t* at = rows + r * stride + 8 * pair;
        firsts[r] = _mm256_add_epi16(firsts[r], _mm256_maddubs_epi16(four_of(at), first));
        seconds[r] = _mm256_add_epi16(seconds[r], _mm256_maddubs_epi16(four_of(at + 4), second));
      }
    }
    const __m256 scale = load_scales(group + 2 * column);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const __m256i both = _mm256_add_epi32(_mm256_madd_epi16(firsts[r], ones), _mm256_madd_epi16(seconds[r], ones));
      const __m256i lowered = _mm256_add_epi32(both, _mm256_set1_epi32(starts[r * task.groups + g]));
      sums[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(lowered), scale, sums[r]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Rows; ++r) _mm256_storeu_ps(task.sums + (row + r) * panel_columns + column, sums[r]);
}

template <std::size_t Rows>
void all_columns(const NibbleTile& task, std::size_t row) noexcept {
  for (std::size_t column = 0; column < panel_columns; column += width) tile<Rows>(task, row, column);
}

}  // namespace

void nibble_tile_avx2(const NibbleTile& task) noexcept {
  std::size_t row = 0;
  for (; row + rows_together <= task.count; row += rows_together) all_columns<rows_together>(task, row);
  switch (task.count - row) {
    case 3: return all_columns<3>(task, row);
    case 2: return all_columns<2>(task, row);
    case 1: return all_columns<1>(task, row);
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
