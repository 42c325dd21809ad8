// The AVX2 kernel at twice the width: four groups a step, one in each 128-bit quarter.
#include <immintrin.h>

#include <algorithm>

#include "vector/common/fast_scan.h"

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif

namespace attar::vector {
namespace {

constexpr std::size_t steps_before_overflow = 256;

__m512i widen(__m512i sums) noexcept {
  return _mm512_add_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(sums)),
                          _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(sums, 1)));
}

void sum_avx512(const std::byte* codes, const std::uint8_t* tables, std::size_t groups, std::uint32_t* sums) noexcept {
  const __m512i nibble = _mm512_set1_epi8(15), low_byte = _mm512_set1_epi16(0xff);
  __m512i total[4] = {};
  const std::size_t steps = (groups + 3) / 4;
  for (std::size_t done = 0; done < steps;) {
    const std::size_t stop = std::min(steps, done + steps_before_overflow);
    __m512i part[4] = {};
    for (; done < stop; ++done) {
      // Of the last step two groups may be missing: their table reads as zeros.
      const __mmask8 present = groups - done * 4 >= 4 ? 0xff : 0x0f;
      const __m512i pair = _mm512_maskz_loadu_epi64(present, codes + done * 4 * group_bytes);
      const __m512i table = _mm512_maskz_loadu_epi64(present, tables + done * 64);
      const __m512i first = _mm512_shuffle_epi8(table, _mm512_and_si512(pair, nibble));
      const __m512i second = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(pair, 4), nibble));
      part[0] = _mm512_add_epi16(part[0], _mm512_and_si512(first, low_byte));
      part[1] = _mm512_add_epi16(part[1], _mm512_srli_epi16(first, 8));
      part[2] = _mm512_add_epi16(part[2], _mm512_and_si512(second, low_byte));
      part[3] = _mm512_add_epi16(part[3], _mm512_srli_epi16(second, 8));
    }
    for (int i = 0; i < 4; ++i) total[i] = _mm512_add_epi32(total[i], widen(part[i]));
  }
  alignas(32) std::uint32_t out[4][8];
  for (int i = 0; i < 4; ++i)
    _mm256_store_si256(reinterpret_cast<__m256i*>(out[i]),
                       _mm256_add_epi32(_mm512_castsi512_si256(total[i]), _mm512_extracti64x4_epi64(total[i], 1)));
  for (std::size_t row = 0; row < 32; ++row) sums[row] = out[row / 16 * 2 + row % 2][row % 16 / 2];
}

}  // namespace

namespace detail {
const FastScan avx512_fast_scan = {simd::Level::avx512, sum_avx512};
}

}  // namespace attar::vector

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
