#include "simd/int16_products.h"

namespace attar::simd {

void int16_products(const Int16Products& task, Level level) noexcept {
#if defined(__x86_64__)
  if (level >= Level::avx2) return detail::int16_products_avx2(task);
#endif
  detail::int16_products_scalar(task);
}

namespace detail {

void int16_products_scalar(const Int16Products& task) noexcept {
  for (std::size_t i = 0; i < task.count; ++i) {
    const std::int8_t* row = task.rows + i * task.dims;
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < task.dims; ++j) sum += row[j] * task.vector[j];
    task.out[i] = sum;
  }
}

}  // namespace detail
}  // namespace attar::simd
