// Inner products of one vector of 16-bit numbers with every row of a matrix of signed bytes: exact, so the same at
// every level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace attar::simd {

/// Both dense and row-major; no sum of the sizes of a row's products may leave 32 bits.
struct Int16Products {
  const std::int8_t* rows = nullptr;  ///< count × dims
  std::size_t count = 0;
  const std::int16_t* vector = nullptr;  ///< dims values
  std::size_t dims = 0;
  std::int32_t* out = nullptr;  ///< count values
};

/// out[i] = Σ rows[i · dims + j] · vector[j].
void int16_products(const Int16Products& task, Level level = active_level()) noexcept;

namespace detail {
void int16_products_scalar(const Int16Products& task) noexcept;
void int16_products_avx2(const Int16Products& task) noexcept;  // needs AVX2
}  // namespace detail

}  // namespace attar::simd
