#include "vector/f8/kernel.h"

#include <bit>

#include "simd/clones.h"

namespace attar::vector::f8 {
namespace {

// The fields moved to their places in a float, whose exponent is then 120 too small; subnormals come out right as well.
ATTAR_VECTOR_CLONES void widen(const std::uint8_t* bytes, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = bytes[i];
    const float magnitude = std::bit_cast<float>((bits & 0x7fu) << 20) * 0x1.0p120f;
    out[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | (bits & 0x80u) << 24);
  }
}

}  // namespace

void decode_columns(const Lanes& lanes, std::size_t first, std::size_t count, float* out) noexcept {
  const auto* from = reinterpret_cast<const std::uint8_t*>(lanes.block) + first * lanes.rows + lanes.first;
  if (lanes.count == block_rows) return widen(from, count * block_rows, out);
  for (std::size_t j = 0; j < count; ++j) widen(from + j * lanes.rows, lanes.count, out + j * block_rows);
}

}  // namespace attar::vector::f8
