#include "nn/byte_tile.h"

namespace attar::nn {

ByteTileKernel byte_tile_kernel([[maybe_unused]] simd::Level level) noexcept {
#if defined(__x86_64__)
  if (level >= simd::Level::avx512_vnni) return detail::byte_tile_vnni;
  if (level >= simd::Level::avx2) return detail::byte_tile_avx2;
#endif
  return detail::byte_tile_scalar;
}

namespace detail {

void byte_tile_scalar(const ByteTile& task) noexcept {
  for (std::size_t i = 0; i < task.count; ++i)
    for (std::size_t j = 0; j < panel_columns; ++j) {
      std::int32_t& out = task.sums[i * panel_columns + j];
      std::int32_t sum = task.add ? out : 0;
      for (std::size_t k = 0; k < 4 * task.fours; ++k)
        sum += task.rows[i * task.stride + k] * task.panel[(k / 4 * panel_columns + j) * 4 + k % 4];
      out = sum;
    }
}

}  // namespace detail
}  // namespace attar::nn
