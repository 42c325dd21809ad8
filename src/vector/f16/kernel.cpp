#include "vector/f16/kernel.h"

#include <bit>
#include <cstring>

#include "simd/clones.h"

namespace attar::vector::f16 {
namespace {

// The fields moved to their places in a float, whose exponent is then 112 too small; subnormals come out right as well.
ATTAR_VECTOR_CLONES void widen(const std::uint16_t* halves, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = halves[i];
    const float magnitude = std::bit_cast<float>((bits & 0x7fffu) << 13) * 0x1.0p112f;
    out[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | (bits & 0x8000u) << 16);
  }
}

}  // namespace

void decode_columns(const Lanes& lanes, std::size_t first, std::size_t count, float* out) noexcept {
  alignas(64) std::uint16_t halves[slab_components * block_rows];
  const std::byte* from = lanes.block + 2 * (first * lanes.rows + lanes.first);
  if (lanes.count != block_rows) {
    for (std::size_t j = 0; j < count; ++j) {
      std::memcpy(halves, from + 2 * j * lanes.rows, 2 * lanes.count);
      widen(halves, lanes.count, out + j * block_rows);
    }
    return;
  }
  std::memcpy(halves, from, 2 * count * block_rows);
  widen(halves, count * block_rows, out);
}

void decode_row(const std::byte* row, std::size_t first, std::size_t count, float* out) noexcept {
  alignas(64) std::uint16_t halves[slab_components];
  std::memcpy(halves, row + 2 * first, 2 * count);
  widen(halves, count, out);
}

}  // namespace attar::vector::f16
