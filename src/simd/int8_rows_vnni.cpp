// Sixteen rows to a register, four components of each; a query's four are the same for all of them.
#include "simd/int8_rows.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vnni")
#endif

namespace attar::simd::detail {
namespace {

constexpr std::size_t rows_of_a_block = Int8Rows::block;
constexpr std::size_t four_bytes = 4 * rows_of_a_block;  // four components of a block

// Four components of a query, or the first `count` of them and zeros.
inline __m512i broadcast(const std::int8_t* from, std::size_t count = 4) noexcept {
  std::int32_t four = 0;
  std::memcpy(&four, from, count);
  return _mm512_set1_epi32(four);
}

// `Blocks` blocks of rows, one after the other, with `Queries` queries.
template <std::size_t Blocks, std::size_t Queries>
void tile(const PackedProducts& task, std::size_t block, std::size_t query) noexcept {
  const std::size_t whole = task.dims / 4, fours = (task.dims + 3) / 4;
  const std::uint8_t* rows = task.blocks + block * fours * four_bytes;
  const std::int8_t* queries = task.queries + query * task.dims;
  __m512i sums[Queries][Blocks];
  for (auto& own : sums)
    for (auto& sum : own) sum = _mm512_setzero_si512();
  const auto add = [&](std::size_t at, std::size_t components) __attribute__((always_inline)) {
    __m512i x[Blocks];
    for (std::size_t b = 0; b < Blocks; ++b) x[b] = _mm512_loadu_si512(rows + (b * fours + at) * four_bytes);
    for (std::size_t q = 0; q < Queries; ++q) {
      const __m512i values = broadcast(queries + q * task.dims + 4 * at, components);
      for (std::size_t b = 0; b < Blocks; ++b) sums[q][b] = _mm512_dpbusd_epi32(sums[q][b], x[b], values);
    }
  };
  for (std::size_t at = 0; at < whole; ++at) add(at, 4);
  if (whole < fours) add(whole, task.dims % 4);
  for (std::size_t q = 0; q < Queries; ++q)
    for (std::size_t b = 0; b < Blocks; ++b) {
      const std::size_t row = (block + b) * rows_of_a_block;
      const std::size_t there = std::min(rows_of_a_block, task.count - row);
      const __m512i raised = _mm512_set1_epi32(128 * task.query_sums[query + q]);
      _mm512_mask_storeu_epi32(task.out + (query + q) * task.count + row, static_cast<__mmask16>((1u << there) - 1),
                               _mm512_sub_epi32(sums[q][b], raised));
    }
}

template <std::size_t Blocks>
void all_queries(const PackedProducts& task, std::size_t block) noexcept {
  std::size_t query = 0;
  for (; query + 6 <= task.query_sums.size(); query += 6) tile<Blocks, 6>(task, block, query);
  for (; query + 2 <= task.query_sums.size(); query += 2) tile<Blocks, 2>(task, block, query);
  for (; query < task.query_sums.size(); ++query) tile<Blocks, 1>(task, block, query);
}

}  // namespace

void packed_products_vnni(const PackedProducts& task) noexcept {
  const std::size_t blocks = (task.count + rows_of_a_block - 1) / rows_of_a_block;
  std::size_t block = 0;
  if (task.query_sums.size() == 1)  // sums enough to hide how long one takes
    for (; block + 4 <= blocks; block += 4) tile<4, 1>(task, block, 0);
  for (; block + 2 <= blocks; block += 2) all_queries<2>(task, block);
  for (; block < blocks; ++block) all_queries<1>(task, block);
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
