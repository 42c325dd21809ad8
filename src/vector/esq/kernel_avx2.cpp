// esq's sums with AVX2. In the walk a crumb is a byte's two bits, and a byte times a byte of the query goes through
// maddubs; in the finish maddubs makes v itself: slope · (2f + 1) + half of an outer cell's start · 2.
#include "vector/esq/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "simd/lane_sums_avx2.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::vector::esq::detail {
namespace {

inline __m256i load_bytes(const void* from) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

// Sixteen bytes in either half.
inline __m256i load_twice(const std::byte* from) noexcept {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

inline __m256i load_halves(const std::byte* low, const std::byte* high) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
                                 _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

template <std::size_t Loads>
inline __m256i walk_row(const WalkQuery& query, const std::byte* row) noexcept {
  const __m256i low = _mm256_set1_epi8(3);
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t load = 0; load < Loads; ++load) {
    const __m256i bytes = load_bytes(row + load * WalkQuery::load_bytes);
    const std::int8_t* values = query.values.data() + load * 4 * WalkQuery::load_bytes;
    const auto crumb_sums = [&](__m256i crumbs, std::size_t t) {
      return _mm256_maddubs_epi16(_mm256_and_si256(crumbs, low), load_bytes(values + t * WalkQuery::load_bytes));
    };
    const __m256i first = _mm256_add_epi16(crumb_sums(bytes, 0), crumb_sums(_mm256_srli_epi16(bytes, 2), 1));
    const __m256i second =
        _mm256_add_epi16(crumb_sums(_mm256_srli_epi16(bytes, 4), 2), crumb_sums(_mm256_srli_epi16(bytes, 6), 3));
    // At most 4 · 2 · 3 · 127 in size.
    const __m256i weights = load_bytes(query.weights.data() + load * WalkQuery::load_bytes / 2);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(first, second), weights));
  }
  return sum;
}

// Totals of four sums.
inline __m128i totals(__m256i a, __m256i b, __m256i c, __m256i d) noexcept {
  const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

template <std::size_t Loads>
void walk_rows(const WalkQuery& query, const std::byte* const* rows, std::size_t count, std::int32_t* sums) noexcept {
  std::size_t row = 0;
  const __m128i constant = _mm_set1_epi32(query.constant);
  for (; row + 4 <= count; row += 4) {
    const __m128i four = totals(walk_row<Loads>(query, rows[row]), walk_row<Loads>(query, rows[row + 1]),
                                walk_row<Loads>(query, rows[row + 2]), walk_row<Loads>(query, rows[row + 3]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + row), _mm_add_epi32(_mm_add_epi32(four, four), constant));
  }
  for (; row < count; ++row)
    sums[row] = 2 * simd::detail::sum_of_lanes(walk_row<Loads>(query, rows[row])) + query.constant;
}

struct Halves {
  __m256i low, high;
};

// Crumbs of quarters 2·Pair and 2·Pair + 1 of bytes that both halves hold.
template <int Pair>
inline __m256i crumbs_of(__m256i bytes) noexcept {
  constexpr int low = 4 * Pair, high = 4 * Pair + 2;
  const __m256i shifts = _mm256_setr_epi32(low, low, low, low, high, high, high, high);
  return _mm256_and_si256(_mm256_srlv_epi32(bytes, shifts), _mm256_set1_epi8(3));
}

template <int Pair>
inline __m256i nibbles_of(__m256i bytes) noexcept {
  return _mm256_and_si256(Pair == 0 ? bytes : _mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
}

inline __m256i by_crumb(int zero, int one, int two, int three) noexcept {
  const auto byte = [](int value) { return static_cast<unsigned>(value & 0xff); };
  const unsigned all = byte(zero) | byte(one) << 8 | byte(two) << 16 | byte(three) << 24;
  return _mm256_set1_epi32(static_cast<int>(all));
}

// v of two quarters: the first eight of each, and the last eight.
template <int Bits>
inline Halves values_of(__m256i crumbs, __m256i rest) noexcept {
  constexpr Slopes slope = slopes[Bits / 2];
  const __m256i slope_of = by_crumb(-slope.far, -slope.near, slope.near, slope.far);
  const __m256i start_of = by_crumb(-unit / 2, 0, 0, unit / 2);
  const __m256i odd = _mm256_or_si256(_mm256_add_epi8(rest, rest), _mm256_set1_epi8(1));
  const __m256i two = _mm256_set1_epi8(2);
  const __m256i slopes_here = _mm256_shuffle_epi8(slope_of, crumbs), starts = _mm256_shuffle_epi8(start_of, crumbs);
  return {_mm256_maddubs_epi16(_mm256_unpacklo_epi8(odd, two), _mm256_unpacklo_epi8(slopes_here, starts)),
          _mm256_maddubs_epi16(_mm256_unpackhi_epi8(odd, two), _mm256_unpackhi_epi8(slopes_here, starts))};
}

template <int Bits, int Pair>
inline void add_pair(__m256i crumbs, __m256i nibbles, __m256i last, const std::int16_t* values, Halves& sums) noexcept {
  __m256i rest = _mm256_setzero_si256();
  if constexpr (Bits == 4) rest = crumbs_of<Pair>(last);
  if constexpr (Bits >= 6) rest = nibbles_of<Pair>(nibbles);
  if constexpr (Bits == 8) rest = _mm256_or_si256(_mm256_slli_epi16(rest, 2), crumbs_of<Pair>(last));
  const Halves v = values_of<Bits>(crumbs_of<Pair>(crumbs), rest);
  sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(v.low, load_bytes(values + 32 * Pair)));
  sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(v.high, load_bytes(values + 32 * Pair + 16)));
}

template <int Bits>
inline void add_group(const Group& group, const Place& row, const std::int16_t* values, Halves& sums) noexcept {
  const std::size_t c = group.quarter;
  const std::byte* rest = row.finish + group.rest;
  const __m256i crumbs = load_twice((group.walked ? row.walk : row.finish) + group.place);
  __m256i nibbles = _mm256_setzero_si256(), last = nibbles;
  if constexpr (Bits >= 6) nibbles = load_halves(rest, rest + c);
  if constexpr (Bits == 4) last = load_twice(rest);
  if constexpr (Bits == 8) last = load_twice(rest + 2 * c);
  add_pair<Bits, 0>(crumbs, nibbles, last, values, sums);
  add_pair<Bits, 1>(crumbs, nibbles, last, values, sums);
}

}  // namespace

void walk_avx2(const WalkQuery& query, const std::byte* const* rows, std::size_t count, std::int32_t* sums) noexcept {
  switch (query.loads) {
    case 1: return walk_rows<1>(query, rows, count, sums);
    case 2: return walk_rows<2>(query, rows, count, sums);
    case 3: return walk_rows<3>(query, rows, count, sums);
    default: return walk_rows<4>(query, rows, count, sums);
  }
}

void finish_avx2(const FinishQuery& query, const Place* rows, std::size_t count, std::int32_t* sums) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    Halves parts = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    const std::int16_t* values = query.values;
    for (const Group& group : query.groups) {
      switch (group.bits) {
        case 2: add_group<2>(group, rows[i], values, parts); break;
        case 4: add_group<4>(group, rows[i], values, parts); break;
        case 6: add_group<6>(group, rows[i], values, parts); break;
        default: add_group<8>(group, rows[i], values, parts); break;
      }
      values += largest_group;
    }
    sums[i] = simd::detail::sum_of_lanes(_mm256_add_epi32(parts.low, parts.high));
  }
}

}  // namespace attar::vector::esq::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
