// Inner products of some vectors of signed bytes with every row of a matrix of them: exact, so the same at every level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace attar::simd {

/// The sizes and places of one product: both sides dense and row-major.
struct Int8Products {
  const std::int8_t* rows = nullptr;  ///< count × dims
  std::size_t count = 0;
  const std::int8_t* queries = nullptr;      ///< query_count × dims; no value may be −128
  const std::int32_t* query_sums = nullptr;  ///< by query: Σ of its values
  std::size_t query_count = 0;
  const std::uint16_t* which = nullptr;  ///< query_count numbers of the queries to multiply; null: the first ones
  std::size_t dims = 0;                  ///< at most 2¹⁶
  std::int32_t* out = nullptr;           ///< query_count rows of `count` values

  [[nodiscard]] std::size_t query(std::size_t place) const noexcept { return which == nullptr ? place : which[place]; }
};

/// out[q · count + i] = Σ rows[i · dims + j] · queries[query(q) · dims + j].
void int8_products(const Int8Products& task, Level level = active_level()) noexcept;

namespace detail {
void int8_products_scalar(const Int8Products& task) noexcept;
void int8_products_avx2(const Int8Products& task) noexcept;  // needs AVX2
void int8_products_vnni(const Int8Products& task) noexcept;  // needs AVX-512 F, BW and VNNI
}  // namespace detail

}  // namespace attar::simd
