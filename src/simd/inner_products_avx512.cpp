// Inner products with AVX-512: 4 × 4 rows at a time in sixteen accumulators; the last dimensions under a mask.
#include "simd/inner_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,fma")
#endif

namespace attar::simd::detail {
namespace {

constexpr std::size_t width = 16;
constexpr std::size_t rows_a = 4;
constexpr std::size_t rows_b = 4;
using Register = __m512;

inline Register zero() noexcept { return _mm512_setzero_ps(); }
inline Register load(const float* from) noexcept { return _mm512_loadu_ps(from); }
inline Register fused(Register a, Register b, Register sum) noexcept { return _mm512_fmadd_ps(a, b, sum); }

/// The first `count` < width values, then zeros; nothing beyond them is touched.
inline Register load_part(const float* from, std::size_t count) noexcept {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
}

// The masked forms take every lane; GCC 12 warns of an uninitialised value inside the plain ones.
inline __m128 fold(Register sums) noexcept {
  const __m256 half =
      _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, sums, 0), _mm512_maskz_extractf32x8_ps(0xff, sums, 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

inline float total(Register sums) noexcept {
  const __m128 four = fold(sums);
  const __m128 two = _mm_hadd_ps(four, four);
  return _mm_cvtss_f32(_mm_hadd_ps(two, two));
}

/// The products of RowsA rows with RowsB rows. One order of summing for every tile shape.
template <std::size_t RowsA, std::size_t RowsB>
void tile(const InnerProducts& task, std::size_t i, std::size_t j) noexcept {
  const std::size_t dims = task.dims;
  const std::size_t whole = dims / width * width;
  const float* a = task.a + i * dims;
  const float* b = task.b + j * dims;
  Register sums[RowsA][RowsB];
  for (auto& row : sums)
    for (Register& sum : row) sum = zero();
  const auto step = [&](const auto& loaded) __attribute__((always_inline)) {
    Register from_b[RowsB];
    for (std::size_t c = 0; c < RowsB; ++c) from_b[c] = loaded(b + c * dims);
    for (std::size_t r = 0; r < RowsA; ++r) {
      const Register from_a = loaded(a + r * dims);
      for (std::size_t c = 0; c < RowsB; ++c) sums[r][c] = fused(from_a, from_b[c], sums[r][c]);
    }
  };
  for (std::size_t d = 0; d < whole; d += width)
    step([d](const float* row) __attribute__((always_inline)) { return load(row + d); });
  if (whole < dims)
    step([ whole, dims ](const float* row)
             __attribute__((always_inline)) { return load_part(row + whole, dims - whole); });
  for (std::size_t r = 0; r < RowsA; ++r)
    for (std::size_t c = 0; c < RowsB; ++c) {
      float& out = task.out[(i + r) * task.stride + j + c];
      out = task.add ? out + total(sums[r][c]) : total(sums[r][c]);
    }
}

/// RowsA rows of a with rows [first, last) of b.
template <std::size_t RowsA>
void strip(const InnerProducts& task, std::size_t i, std::size_t first, std::size_t last) noexcept {
  std::size_t j = first;
  for (; j + rows_b <= last; j += rows_b) tile<RowsA, rows_b>(task, i, j);
  for (; j < last; ++j) tile<RowsA, 1>(task, i, j);
}

}  // namespace

void inner_products_avx512(const InnerProducts& task) noexcept {
  constexpr std::size_t panel = 4 * rows_b;  // rows of b that stay in the first cache while all of a passes
  for (std::size_t first = 0; first < task.m; first += panel) {
    const std::size_t last = first + panel < task.m ? first + panel : task.m;
    std::size_t i = 0;
    for (; i + rows_a <= task.n; i += rows_a) strip<rows_a>(task, i, first, last);
    for (; i < task.n; ++i) strip<1>(task, i, first, last);
  }
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
