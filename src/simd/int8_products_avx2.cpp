// Signed bytes with AVX2: maddubs wants one operand without sign, so the row gives its sign to the query.
#include "simd/int8_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>

#include "simd/lane_sums_avx2.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::simd::detail {
namespace {

constexpr std::size_t width = 32;
constexpr std::size_t rows_together = 2, queries_together = 4;
// Bytes of queries that stay in the nearest cache while rows pass.
constexpr std::size_t near_bytes = 24'576;

inline __m256i load(const std::int8_t* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

template <std::size_t Rows, std::size_t Queries>
void tile(const Int8Products& task, std::size_t row, std::size_t query) noexcept {
  const std::int8_t* rows = task.rows + row * task.dims;
  const std::int8_t* queries[Queries];
  for (std::size_t q = 0; q < Queries; ++q) queries[q] = task.queries + task.query(query + q) * task.dims;
  __m256i sums[Queries][Rows];
  for (auto& own : sums)
    for (auto& sum : own) sum = _mm256_setzero_si256();
  const std::size_t whole = task.dims / width * width;
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::size_t j = 0; j < whole; j += width) {
    __m256i x[Rows], size[Rows];
    for (std::size_t i = 0; i < Rows; ++i) {
      x[i] = load(rows + i * task.dims + j);
      size[i] = _mm256_abs_epi8(x[i]);
    }
    for (std::size_t q = 0; q < Queries; ++q) {
      const __m256i values = load(queries[q] + j);
      for (std::size_t i = 0; i < Rows; ++i) {
        const __m256i pairs = _mm256_maddubs_epi16(size[i], _mm256_sign_epi8(values, x[i]));  // at most 2 · 128 · 127
        sums[q][i] = _mm256_add_epi32(sums[q][i], _mm256_madd_epi16(pairs, ones));
      }
    }
  }
  for (std::size_t q = 0; q < Queries; ++q)
    for (std::size_t i = 0; i < Rows; ++i) {
      std::int32_t out = sum_of_lanes(sums[q][i]);
      for (std::size_t j = whole; j < task.dims; ++j) out += rows[i * task.dims + j] * queries[q][j];
      task.out[(query + q) * task.count + row + i] = out;
    }
}

template <std::size_t Rows>
void some_queries(const Int8Products& task, std::size_t row, std::size_t query, std::size_t last) noexcept {
  for (; query + queries_together <= last; query += queries_together) tile<Rows, queries_together>(task, row, query);
  for (; query < last; ++query) tile<Rows, 1>(task, row, query);
}

}  // namespace

void int8_products_avx2(const Int8Products& task) noexcept {
  const std::size_t near = near_bytes / std::max<std::size_t>(task.dims, 1) / queries_together * queries_together;
  const std::size_t step = std::max(queries_together, near);
  for (std::size_t query = 0; query < task.query_count; query += step) {
    const std::size_t last = std::min(query + step, task.query_count);
    std::size_t row = 0;
    for (; row + rows_together <= task.count; row += rows_together) some_queries<rows_together>(task, row, query, last);
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
