#include "vector/common/fast_scan.h"

namespace attar::vector {
namespace {

void sum_scalar(const std::byte* codes, const std::uint8_t* tables, std::size_t groups, std::uint32_t* sums) noexcept {
  for (std::size_t row = 0; row < 32; ++row) sums[row] = 0;
  for (std::size_t g = 0; g < groups; ++g)
    for (std::size_t i = 0; i < group_bytes; ++i) {
      const auto pair = std::to_integer<std::size_t>(codes[g * group_bytes + i]);
      sums[i] += tables[g * 16 + (pair & 15)];
      sums[i + 16] += tables[g * 16 + (pair >> 4)];
    }
}

}  // namespace

namespace detail {
const FastScan scalar_fast_scan = {simd::Level::scalar, sum_scalar};
}

const FastScan& fast_scan_for(simd::Level level) noexcept {
  if (level >= simd::Level::avx512) return detail::avx512_fast_scan;
  return level == simd::Level::avx2 ? detail::avx2_fast_scan : detail::scalar_fast_scan;
}

}  // namespace attar::vector
