// Rows of signed bytes that many vectors are multiplied with: laid out once so that no product needs its lanes added
// up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "simd/isa.h"

namespace attar::simd {

/// A matrix of bytes, count × dims, dense and row-major; the bytes outlive it. Const and safe to use from many threads
/// at once.
class Int8Rows {
 public:
  static constexpr std::size_t block = 16;  ///< rows side by side: a range of products begins at a multiple of it

  Int8Rows() = default;
  /// dims: at most 2¹⁶.
  Int8Rows(std::span<const std::int8_t> rows, std::size_t dims, Level level = active_level());

  /// out[q · count + i] = Σ rows[(first + i) · dims + j] · queries[q · dims + j], exactly. Queries: query_sums.size() ×
  /// dims, none of the values −128; query_sums: Σ of each one's values.
  void multiply(std::size_t first, std::size_t count, const std::int8_t* queries,
                std::span<const std::int32_t> query_sums, std::int32_t* out) const noexcept;

 private:
  std::span<const std::int8_t> rows_;
  std::size_t dims_ = 0;
  Level level_ = Level::scalar;
  std::vector<std::uint8_t> packed_;  // [block of rows][four components][row][component], raised by 128; or empty
};

namespace detail {

struct PackedProducts {
  const std::uint8_t* blocks;
  std::size_t count;  ///< rows
  std::size_t dims;
  const std::int8_t* queries;
  std::span<const std::int32_t> query_sums;
  std::int32_t* out;
};
void packed_products_vnni(const PackedProducts& task) noexcept;  // needs AVX-512 F, BW and VNNI

}  // namespace detail
}  // namespace attar::simd
