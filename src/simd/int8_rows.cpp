#include "simd/int8_rows.h"

#include "simd/int8_products.h"

namespace attar::simd {

Int8Rows::Int8Rows(std::span<const std::int8_t> rows, std::size_t dims, Level level)
    : rows_(rows), dims_(dims), level_(level) {
#if defined(__x86_64__)
  if (level < Level::avx512_vnni) return;
  const std::size_t count = rows.size() / dims, fours = (dims + 3) / 4;
  packed_.assign((count + block - 1) / block * block * fours * 4, 128);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* to = packed_.data() + i / block * block * fours * 4 + i % block * 4;
    for (std::size_t j = 0; j < dims; ++j)
      to[j / 4 * 4 * block + j % 4] = static_cast<std::uint8_t>(rows[i * dims + j] + 128);
  }
#endif
}

void Int8Rows::multiply(std::size_t first, std::size_t count, const std::int8_t* queries,
                        std::span<const std::int32_t> query_sums, std::int32_t* out) const noexcept {
#if defined(__x86_64__)
  if (!packed_.empty())
    return detail::packed_products_vnni({.blocks = packed_.data() + first * ((dims_ + 3) / 4 * 4),
                                         .count = count,
                                         .dims = dims_,
                                         .queries = queries,
                                         .query_sums = query_sums,
                                         .out = out});
#endif
  int8_products({.rows = rows_.data() + first * dims_,
                 .count = count,
                 .queries = queries,
                 .query_sums = query_sums.data(),
                 .query_count = query_sums.size(),
                 .dims = dims_,
                 .out = out},
                level_);
}

}  // namespace attar::simd
