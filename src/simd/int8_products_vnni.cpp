// Signed bytes with AVX-512 VNNI: rows are raised by 128 to lose their sign, and the sum is lowered again.
#include "simd/int8_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vnni")
#endif

namespace attar::simd::detail {
namespace {

constexpr std::size_t width = 64;

// The sum of each of four registers.
inline __m128i totals(const __m512i (&of)[4]) noexcept {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(of[0], of[1]), _mm512_unpackhi_epi32(of[0], of[1]));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(of[2], of[3]), _mm512_unpackhi_epi32(of[2], of[3]));
  const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

// 64 bytes, or the first `count` < 64 of them and zeros.
template <bool Whole>
inline __m512i load(const std::int8_t* from, std::size_t count) noexcept {
  if constexpr (Whole) return _mm512_loadu_si512(from);
  return _mm512_maskz_loadu_epi8((__mmask64{1} << count) - 1, from);
}

// One row with up to four queries.
template <std::size_t Queries>
void some_queries(const Int8Products& task, std::size_t row, std::size_t query) noexcept {
  const __m512i raise = _mm512_set1_epi8(static_cast<char>(-128));
  const std::int8_t* entries = task.rows + row * task.dims;
  const std::int8_t* queries[Queries];
  for (std::size_t q = 0; q < Queries; ++q) queries[q] = task.queries + task.query(query + q) * task.dims;
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  const auto add = [&]<bool Whole>(std::size_t j, std::size_t count) __attribute__((always_inline)) {
    const __m512i x = _mm512_xor_si512(load<Whole>(entries + j, count), raise);
    for (std::size_t q = 0; q < Queries; ++q)
      sums[q] = _mm512_dpbusd_epi32(sums[q], x, load<Whole>(queries[q] + j, count));
  };
  std::size_t j = 0;
  for (; j + width <= task.dims; j += width) add.template operator()<true>(j, width);
  if (j < task.dims) add.template operator()<false>(j, task.dims - j);
  alignas(16) std::int32_t found[4];
  if constexpr (Queries == 1)
    found[0] = _mm512_reduce_add_epi32(sums[0]);
  else
    _mm_store_si128(reinterpret_cast<__m128i*>(found), totals(sums));
  for (std::size_t q = 0; q < Queries; ++q)
    task.out[(query + q) * task.count + row] = found[q] - 128 * task.query_sums[task.query(query + q)];
}

}  // namespace

// Of few rows: many are laid out for it (simd/int8_rows.h).
void int8_products_vnni(const Int8Products& task) noexcept {
  for (std::size_t row = 0; row < task.count; ++row) {
    std::size_t query = 0;
    for (; query + 4 <= task.query_count; query += 4) some_queries<4>(task, row, query);
    for (; query < task.query_count; ++query) some_queries<1>(task, row, query);
  }
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
