// Eight packed numbers at a time: each one's bytes are brought into a lane, and shifted down.
#include "simd/packed_numbers.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::simd::detail {

void unpack_numbers_avx2(const UnpackNumbers& how, const std::byte* packed, std::size_t count,
                         std::uint32_t* out) noexcept {
  const UnpackNumbers::Halves& halves = how.halves();
  const __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(halves.bytes));
  const __m256i shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(halves.shifts));
  const __m256i mask = _mm256_set1_epi32(static_cast<int>((std::uint32_t{1} << how.bits()) - 1));
  for (std::size_t i = 0; i < count; i += 8, packed += how.bits()) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed));
    const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed + halves.second));
    const __m256i lanes = _mm256_shuffle_epi8(_mm256_set_m128i(second, first), bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_and_si256(_mm256_srlv_epi32(lanes, shifts), mask));
  }
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
