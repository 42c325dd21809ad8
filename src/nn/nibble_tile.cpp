#include "nn/nibble_tile.h"

#include <cmath>

#include "base/bytes.h"
#include "base/half.h"

namespace attar::nn {

NibbleTileKernel nibble_tile_kernel([[maybe_unused]] simd::Level level) noexcept {
#if defined(__x86_64__)
  if (level >= simd::Level::avx512_vnni) return detail::nibble_tile_vnni;
  if (level >= simd::Level::avx2) return detail::nibble_tile_avx2;
#endif
  return detail::nibble_tile_scalar;
}

namespace detail {

void nibble_tile_scalar(const NibbleTile& task) noexcept {
  for (std::size_t i = 0; i < task.count; ++i)
    for (std::size_t j = 0; j < panel_columns; ++j) {
      float sum = 0;
      for (std::size_t g = 0; g < task.groups; ++g) {
        const std::uint8_t* row = task.rows + (i * task.groups + g) * group_inputs;
        const std::byte* group = task.panel + g * group_bytes;
        const std::byte* codes = group + group_scale_bytes + 4 * j;
        std::int32_t whole = task.starts[i * task.groups + g];
        for (std::size_t k = 0; k < group_inputs; ++k) {
          const auto byte = std::to_integer<std::int32_t>(codes[k / 8 * 4 * panel_columns + k % 4]);
          whole += row[k] * (k % 8 < 4 ? byte & 15 : byte >> 4);
        }
        const float scale = base::bf16_to_float(base::load<std::uint16_t>(group + 2 * j));
        sum = std::fma(static_cast<float>(whole), scale, sum);
      }
      task.sums[i * panel_columns + j] = sum;
    }
}

}  // namespace detail
}  // namespace attar::nn
