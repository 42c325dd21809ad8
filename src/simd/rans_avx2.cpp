// rANS with AVX2: registers of eight states, four or eight of them; tables say where the words of a mask go.
#include "simd/rans.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <array>
#include <bit>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#include "simd/rans_loops.h"  // in the target region

namespace attar::simd::detail {
namespace {

constexpr std::size_t width = 8;

using Places = std::array<std::array<std::uint8_t, width>, 256>;

// By mask: of each lane in it, how many lanes of the mask stand before it.
constexpr Places make_ranks() {
  Places out{};
  for (unsigned mask = 0; mask < 256; ++mask)
    for (unsigned lane = 0, rank = 0; lane < width; ++lane)
      if ((mask >> lane & 1) != 0) out[mask][lane] = static_cast<std::uint8_t>(rank++);
  return out;
}

// By mask: its lanes in order, so that the last of them comes to the last place.
constexpr Places make_ends() {
  Places out{};
  for (unsigned mask = 0; mask < 256; ++mask)
    for (unsigned lane = width, place = width; lane-- > 0;)
      if ((mask >> lane & 1) != 0) out[mask][--place] = static_cast<std::uint8_t>(lane);
  return out;
}

constexpr Places ranks = make_ranks(), ends = make_ends();

inline __m256i places(const Places& of, unsigned mask) noexcept {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(of[mask].data())));
}

inline __m256i load_bytes(const std::uint8_t* from) noexcept {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
}

inline __m256i gathered(const std::uint32_t* table, __m256i place) noexcept {
  return _mm256_i32gather_epi32(reinterpret_cast<const int*>(table), place, 4);
}

inline __m256i entries(const RansDecoding& task, __m256i state, __m256i contexts) noexcept {
  const __m256i slot = _mm256_and_si256(state, _mm256_set1_epi32(static_cast<int>(rans_mask)));
  return gathered(task.table, _mm256_or_si256(_mm256_slli_epi32(contexts, rans_bits), slot));
}

inline __m256i moved(__m256i trellis, __m256i entry) noexcept {
  const __m256i by_state = _mm256_setr_epi32(0, 5, 1, 4, 2, 7, 3, 6);
  const __m256i parity = _mm256_and_si256(entry, _mm256_set1_epi32(1));
  return _mm256_xor_si256(_mm256_permutevar8x32_epi32(by_state, trellis), _mm256_add_epi32(parity, parity));
}

inline __m256i advanced(__m256i state, __m256i entry) noexcept {
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(rans_mask));
  const __m256i frequency = _mm256_add_epi32(_mm256_and_si256(_mm256_srli_epi32(entry, 8), mask), _mm256_set1_epi32(1));
  const __m256i product = _mm256_mullo_epi32(frequency, _mm256_srli_epi32(state, rans_bits));
  return _mm256_add_epi32(product, _mm256_srli_epi32(entry, 20));
}

inline __m256i refilled(__m256i state, const std::uint16_t*& words) noexcept {
  const __m256i low = _mm256_cmpeq_epi32(_mm256_srli_epi32(state, 16), _mm256_setzero_si256());
  const auto mask = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(low)));
  const __m256i next = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
  words += std::popcount(mask);
  const __m256i spread = _mm256_permutevar8x32_epi32(next, places(ranks, mask));
  return _mm256_blendv_epi8(state, _mm256_or_si256(_mm256_slli_epi32(state, 16), spread), low);
}

// The lowest bytes of eight lanes.
inline void put_symbols(std::uint8_t* out, __m256i entry) noexcept {
  const __m256i first = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1,
                                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i bytes = _mm256_shuffle_epi8(entry, first);
  const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), both);
}

// The contexts of eight symbols with the unions that their trellises are in.
inline __m256i full_contexts(const RansDecoding& task, __m256i trellis, std::size_t i) noexcept {
  const __m256i contexts =
      _mm256_or_si256(load_bytes(task.contexts + i), _mm256_and_si256(trellis, _mm256_set1_epi32(1)));
  put_symbols(task.full_contexts + i, contexts);
  return contexts;
}

// Whole numbers without sign as floats; AVX2 converts with sign alone.
inline __m256 to_float(__m256i value) noexcept {
  const __m256 high = _mm256_cvtepi32_ps(_mm256_srli_epi32(value, 16));
  const __m256 low = _mm256_cvtepi32_ps(_mm256_and_si256(value, _mm256_set1_epi32(0xffff)));
  return _mm256_add_ps(_mm256_mul_ps(high, _mm256_set1_ps(65536.0f)), low);
}

// The lowest sixteen bits of the lanes of the mask, in front of `words`; what lies before them is overwritten later.
inline void put_words(std::uint16_t*& words, __m256i state, unsigned mask) noexcept {
  const __m256i moved = _mm256_permutevar8x32_epi32(state, places(ends, mask));
  const __m256i low = _mm256_and_si256(moved, _mm256_set1_epi32(0xffff));
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words - width), packed);
  words -= std::popcount(mask);
}

inline __m256i encoded(const RansEncoding& task, __m256i state, std::size_t i, std::uint16_t*& words) noexcept {
  const __m256i place =
      _mm256_add_epi32(_mm256_slli_epi32(load_bytes(task.contexts + i), 8), load_bytes(task.symbols + i));
  const __m256i entry = gathered(task.table, place);
  const __m256i frequency = _mm256_and_si256(entry, _mm256_set1_epi32(0xffff));
  const __m256i top = _mm256_srli_epi32(state, 32 - rans_bits);
  const __m256i full = _mm256_cmpgt_epi32(_mm256_add_epi32(top, _mm256_set1_epi32(1)), frequency);
  put_words(words, state, static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(full))));
  state = _mm256_blendv_epi8(state, _mm256_srli_epi32(state, 16), full);
  // The quotient is below 2²⁰ and the reciprocal a little too small, so that what is found is right or one less.
  const __m256 reciprocal = _mm256_div_ps(_mm256_set1_ps(rans_reciprocal), _mm256_cvtepi32_ps(frequency));
  const __m256i whole = _mm256_cvttps_epi32(_mm256_mul_ps(to_float(state), reciprocal));
  const __m256i rest = _mm256_sub_epi32(state, _mm256_mullo_epi32(whole, frequency));
  const __m256i less = _mm256_cmpgt_epi32(_mm256_add_epi32(rest, _mm256_set1_epi32(1)), frequency);
  // 4096 · ⌊x / F⌋ + x mod F = x + ⌊x / F⌋ · (4096 − F)
  const __m256i gap = _mm256_sub_epi32(_mm256_set1_epi32(1 << rans_bits), frequency);
  const __m256i start = _mm256_srli_epi32(entry, 16);
  const __m256i next = _mm256_add_epi32(_mm256_add_epi32(state, start), _mm256_mullo_epi32(whole, gap));
  return _mm256_add_epi32(next, _mm256_and_si256(less, gap));
}

struct Avx2 {
  using Register = __m256i;
  static constexpr std::size_t width = detail::width;

  static Register load(const std::uint32_t* from) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static void save(std::uint32_t* to, Register states) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), states);
  }
  static Register contexts(const RansDecoding& task, std::size_t i) noexcept { return load_bytes(task.contexts + i); }
  static Register full_contexts(const RansDecoding& task, Register trellises, std::size_t i) noexcept {
    return detail::full_contexts(task, trellises, i);
  }
  static Register entries(const RansDecoding& task, Register states, Register contexts) noexcept {
    return detail::entries(task, states, contexts);
  }
  static void put_symbols(std::uint8_t* out, Register found) noexcept { detail::put_symbols(out, found); }
  static Register next(Register states, Register found, const std::uint16_t*& words) noexcept {
    return refilled(advanced(states, found), words);
  }
  static Register moved(Register trellises, Register found) noexcept { return detail::moved(trellises, found); }
  static Register encoded(const RansEncoding& task, Register states, std::size_t i, std::uint16_t*& words) noexcept {
    return detail::encoded(task, states, i, words);
  }
};

}  // namespace

const std::uint16_t* rans_decode_avx2(const RansDecoding& task) noexcept { return rans_decode_with<Avx2>(task); }

std::uint16_t* rans_encode_avx2(const RansEncoding& task) noexcept { return rans_encode_with<Avx2>(task); }

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
