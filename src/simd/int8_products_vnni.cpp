// Signed bytes with AVX-512 VNNI: rows are raised by 128 to lose their sign, and the sum is lowered again.
#include "simd/int8_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

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
constexpr std::size_t together = 4;  // rows, and queries, that share loads

// The sum of each of four registers.
inline __m128i totals(__m512i a, __m512i b, __m512i c, __m512i d) noexcept {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
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

template <std::size_t Rows, std::size_t Queries>
struct Tile {
  __m512i sums[Queries][Rows];

  template <bool Whole>
  [[gnu::always_inline]] void add(const std::int8_t* rows, const std::int8_t* const (&queries)[Queries],
                                  std::size_t dims, std::size_t j, std::size_t count) noexcept {
    const __m512i raise = _mm512_set1_epi8(static_cast<char>(-128));
    __m512i x[Rows];
    for (std::size_t i = 0; i < Rows; ++i) x[i] = _mm512_xor_si512(load<Whole>(rows + i * dims + j, count), raise);
    for (std::size_t q = 0; q < Queries; ++q) {
      const __m512i values = load<Whole>(queries[q] + j, count);
      for (std::size_t i = 0; i < Rows; ++i) sums[q][i] = _mm512_dpbusd_epi32(sums[q][i], x[i], values);
    }
  }
};

template <std::size_t Rows, std::size_t Queries>
void tile(const Int8Products& task, std::size_t row, std::size_t query) noexcept {
  const std::int8_t* rows = task.rows + row * task.dims;
  const std::int8_t* queries[Queries];
  for (std::size_t q = 0; q < Queries; ++q) queries[q] = task.queries + task.query(query + q) * task.dims;
  Tile<Rows, Queries> tile;
  for (auto& own : tile.sums)
    for (auto& sum : own) sum = _mm512_setzero_si512();
  std::size_t j = 0;
  for (; j + width <= task.dims; j += width) tile.template add<true>(rows, queries, task.dims, j, width);
  if (j < task.dims) tile.template add<false>(rows, queries, task.dims, j, task.dims - j);
  for (std::size_t q = 0; q < Queries; ++q) {
    const __m512i none = _mm512_setzero_si512();
    const auto& own = tile.sums[q];
    __m128i all;
    if constexpr (Rows == together)
      all = totals(own[0], own[1], own[2], own[3]);
    else
      all = totals(own[0], none, none, none);
    alignas(16) std::int32_t found[together];
    _mm_store_si128(reinterpret_cast<__m128i*>(found),
                    _mm_sub_epi32(all, _mm_set1_epi32(128 * task.query_sums[task.query(query + q)])));
    std::memcpy(task.out + (query + q) * task.count + row, found, Rows * sizeof(std::int32_t));
  }
}

// Bytes of queries that stay in the nearest cache while rows pass.
constexpr std::size_t near_bytes = 24'576;

template <std::size_t Rows>
void some_queries(const Int8Products& task, std::size_t row, std::size_t query, std::size_t last) noexcept {
  for (; query + together <= last; query += together) tile<Rows, together>(task, row, query);
  for (; query < last; ++query) tile<Rows, 1>(task, row, query);
}

}  // namespace

void int8_products_vnni(const Int8Products& task) noexcept {
  const std::size_t step = std::max(together, near_bytes / std::max<std::size_t>(task.dims, 1) / together * together);
  for (std::size_t query = 0; query < task.query_count; query += step) {
    const std::size_t last = std::min(query + step, task.query_count);
    std::size_t row = 0;
    for (; row + together <= task.count; row += together) some_queries<together>(task, row, query, last);
    for (; row < task.count; ++row) some_queries<1>(task, row, query, last);
  }
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
