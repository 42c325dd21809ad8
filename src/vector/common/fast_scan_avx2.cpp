// Two groups a step: each 128-bit half looks its own group's table up. Bytes are summed in 16 bits, even and odd ones
// apart, and widened before they can overflow.
#include <immintrin.h>

#include <algorithm>

#include "vector/common/fast_scan.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::vector {
namespace {

constexpr std::size_t steps_before_overflow = 256;  // 256 · 255 < 65,536

__m256i load(const void* from) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

// The two halves' 16-bit sums of one group of rows, added as 32-bit numbers.
__m256i widen(__m256i sums) noexcept {
  return _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(sums)),
                          _mm256_cvtepu16_epi32(_mm256_extracti128_si256(sums, 1)));
}

void sum_avx2(const std::byte* codes, const std::uint8_t* tables, std::size_t groups, std::uint32_t* sums) noexcept {
  const __m256i nibble = _mm256_set1_epi8(15), low_byte = _mm256_set1_epi16(0xff);
  __m256i total[4] = {};  // rows 0, 2 …; 1, 3 …; 16, 18 …; 17, 19 …
  const std::size_t steps = groups / 2;
  for (std::size_t done = 0; done < steps;) {
    const std::size_t stop = std::min(steps, done + steps_before_overflow);
    __m256i part[4] = {};
    for (; done < stop; ++done) {
      const __m256i pair = load(codes + done * 2 * group_bytes), table = load(tables + done * 32);
      const __m256i first = _mm256_shuffle_epi8(table, _mm256_and_si256(pair, nibble));
      const __m256i second = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(pair, 4), nibble));
      part[0] = _mm256_add_epi16(part[0], _mm256_and_si256(first, low_byte));
      part[1] = _mm256_add_epi16(part[1], _mm256_srli_epi16(first, 8));
      part[2] = _mm256_add_epi16(part[2], _mm256_and_si256(second, low_byte));
      part[3] = _mm256_add_epi16(part[3], _mm256_srli_epi16(second, 8));
    }
    for (int i = 0; i < 4; ++i) total[i] = _mm256_add_epi32(total[i], widen(part[i]));
  }
  alignas(32) std::uint32_t out[4][8];
  for (int i = 0; i < 4; ++i) _mm256_store_si256(reinterpret_cast<__m256i*>(out[i]), total[i]);
  for (std::size_t row = 0; row < 32; ++row) sums[row] = out[row / 16 * 2 + row % 2][row % 16 / 2];
}

}  // namespace

namespace detail {
const FastScan avx2_fast_scan = {simd::Level::avx2, sum_avx2};
}

}  // namespace attar::vector

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
