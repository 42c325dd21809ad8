// Bytes widened to 16 bits as they are read: madd then adds pairs of products in 32 bits.
#include "simd/int16_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "simd/lane_sums_avx2.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::simd::detail {
namespace {

constexpr std::size_t values_together = 16;
constexpr std::size_t byte_rows_together = 4;

template <std::size_t Rows>
inline void dot_rows(const Int16Products& task, std::size_t row) noexcept {
  const std::int8_t* rows = task.rows + row * task.dims;
  __m256i sums[Rows];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  const std::size_t whole = task.dims / values_together * values_together;
  for (std::size_t j = 0; j < whole; j += values_together) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(task.vector + j));
    for (std::size_t i = 0; i < Rows; ++i) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows + i * task.dims + j));
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), values));
    }
  }
  for (std::size_t i = 0; i < Rows; ++i) {
    std::int32_t out = sum_of_lanes(sums[i]);
    for (std::size_t j = whole; j < task.dims; ++j) out += rows[i * task.dims + j] * task.vector[j];
    task.out[row + i] = out;
  }
}

}  // namespace

void int16_products_avx2(const Int16Products& task) noexcept {
  std::size_t row = 0;
  for (; row + byte_rows_together <= task.count; row += byte_rows_together) dot_rows<byte_rows_together>(task, row);
  for (; row < task.count; ++row) dot_rows<1>(task, row);
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
