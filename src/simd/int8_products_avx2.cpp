// Signed bytes with AVX2: maddubs wants one operand without sign, so the row gives its sign to the query.
#include "simd/int8_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::simd::detail {
namespace {

std::int32_t product(const std::int8_t* row, const std::int8_t* query, std::size_t dims) noexcept {
  constexpr std::size_t width = 32;
  const std::size_t whole = dims / width * width;
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t j = 0; j < whole; j += width) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + j));
    const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + j));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(q, x));  // at most 2 · 128 · 127
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  const __m128i pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0b00'00'11'10));
  std::int32_t out = _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0b00'00'00'01)));
  for (std::size_t j = whole; j < dims; ++j) out += row[j] * query[j];
  return out;
}

}  // namespace

void int8_products_avx2(const Int8Products& task) noexcept {
  for (std::size_t i = 0; i < task.count; ++i)
    for (std::size_t q = 0; q < task.query_count; ++q)
      task.out[q * task.count + i] =
          product(task.rows + i * task.dims, task.queries + task.query(q) * task.dims, task.dims);
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
