#include "nn/float_tile.h"

#include <cmath>

namespace attar::nn {

FloatTileKernel float_tile_kernel([[maybe_unused]] simd::Level level) noexcept {
#if defined(__x86_64__)
  if (level >= simd::Level::avx512) return detail::float_tile_avx512;
  if (level >= simd::Level::avx2) return detail::float_tile_avx2;
#endif
  return detail::float_tile_scalar;
}

namespace detail {

void float_tile_scalar(const FloatTile& task) noexcept {
  for (std::size_t i = 0; i < task.rows; ++i)
    for (std::size_t j = 0; j < task.columns; ++j) {
      float& out = task.out[i * task.out_stride + j];
      float sum = task.start == nullptr ? 0.0f : task.start[j];
      if (task.add) sum = out;
      for (std::size_t k = 0; k < task.depth; ++k)
        sum = std::fma(task.a[i * task.a_stride + k], task.b[k * task.b_stride + j], sum);
      out = sum;
    }
}

}  // namespace detail
}  // namespace attar::nn
