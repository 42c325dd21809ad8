#include "simd/inner_products.h"

#include <array>

namespace attar::simd {
namespace {

#if defined(__x86_64__)
bool has_fma() noexcept {
  static const bool found = __builtin_cpu_supports("fma") != 0;  // a bit of its own, beside AVX2
  return found;
}
#endif

}  // namespace

void inner_products(const InnerProducts& task, Level level) noexcept {
#if defined(__x86_64__)
  if (level >= Level::avx512) return detail::inner_products_avx512(task);
  if (level >= Level::avx2 && has_fma()) return detail::inner_products_avx2(task);
#endif
  detail::inner_products_scalar(task);
}

namespace detail {

void inner_products_scalar(const InnerProducts& task) noexcept {
  constexpr std::size_t lanes = 8;
  const std::size_t whole = task.dims / lanes * lanes;
  for (std::size_t i = 0; i < task.n; ++i)
    for (std::size_t j = 0; j < task.m; ++j) {
      const float* a = task.a + i * task.dims;
      const float* b = task.b + j * task.dims;
      std::array<float, lanes> sums{};
      for (std::size_t d = 0; d < whole; d += lanes)
        for (std::size_t l = 0; l < lanes; ++l) sums[l] += a[d + l] * b[d + l];
      for (std::size_t d = whole; d < task.dims; ++d) sums[d - whole] += a[d] * b[d];
      const float sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
      float& out = task.out[i * task.stride + j];
      out = task.add ? out + sum : sum;
    }
}

}  // namespace detail
}  // namespace attar::simd
