// The sum of a register's lanes. Needs AVX2.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::simd::detail {

/// Of eight sums of 32 bits.
inline std::int32_t sum_of_lanes(__m256i sums) noexcept {
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  const __m128i pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0b00'00'11'10));
  return _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0b00'00'00'01)));
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
