#include "simd/int8_products.h"

namespace attar::simd {

void int8_products(const Int8Products& task, Level level) noexcept {
#if defined(__x86_64__)
  if (level >= Level::avx512_vnni) return detail::int8_products_vnni(task);
  if (level >= Level::avx2) return detail::int8_products_avx2(task);
#endif
  detail::int8_products_scalar(task);
}

namespace detail {

void int8_products_scalar(const Int8Products& task) noexcept {
  for (std::size_t q = 0; q < task.query_count; ++q)
    for (std::size_t i = 0; i < task.count; ++i) {
      const std::int8_t* query = task.queries + task.query(q) * task.dims;
      std::int32_t sum = 0;
      for (std::size_t j = 0; j < task.dims; ++j) sum += task.rows[i * task.dims + j] * query[j];
      task.out[q * task.count + i] = sum;
    }
}

}  // namespace detail
}  // namespace attar::simd
