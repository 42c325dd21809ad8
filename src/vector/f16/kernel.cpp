#include "vector/f16/kernel.h"

#include <cstring>

#include "base/half.h"
#include "simd/clones.h"

namespace attar::vector::f16 {
namespace {

ATTAR_VECTOR_CLONES void widen(const std::uint16_t* halves, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = base::finite_half_to_float(halves[i]);
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

}  // namespace attar::vector::f16
