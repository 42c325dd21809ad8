#include "vector/f32/kernel.h"

#include <cstring>

namespace attar::vector::f32 {

void decode_columns(const Lanes& lanes, std::size_t first, std::size_t count, float* out) noexcept {
  for (std::size_t j = 0; j < count; ++j)
    std::memcpy(out + j * block_rows, lanes.block + 4 * ((first + j) * lanes.rows + lanes.first), 4 * lanes.count);
}

}  // namespace attar::vector::f32
