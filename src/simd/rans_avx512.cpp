// rANS with AVX-512: two registers of sixteen states, words spread and gathered under masks.
#include "simd/rans.h"

#if defined(__x86_64__)

// GCC 12 takes the vectors that its own intrinsics leave undefined on purpose for an oversight.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <bit>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,popcnt"))), \
                                 apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,popcnt")
#endif

namespace attar::simd::detail {
namespace {

constexpr std::size_t half = 16;
static_assert(rans_lanes == 2 * half);

inline __m512i load_bytes(const std::uint8_t* from) noexcept {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

inline __m512i load_words(const std::uint16_t* from) noexcept {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

// What a state becomes by its table entry, before words are read.
inline __m512i advanced(__m512i state, __m512i entry) noexcept {
  const __m512i mask = _mm512_set1_epi32(static_cast<int>(rans_mask));
  const __m512i frequency = _mm512_add_epi32(_mm512_and_si512(_mm512_srli_epi32(entry, 8), mask), _mm512_set1_epi32(1));
  const __m512i product = _mm512_mullo_epi32(frequency, _mm512_srli_epi32(state, rans_bits));
  return _mm512_add_epi32(product, _mm512_srli_epi32(entry, 20));
}

inline __m512i entries(const RansDecoding& task, __m512i state, std::size_t i) noexcept {
  const __m512i slot = _mm512_and_si512(state, _mm512_set1_epi32(static_cast<int>(rans_mask)));
  const __m512i context = _mm512_slli_epi32(load_bytes(task.contexts + i), rans_bits);
  return _mm512_i32gather_epi32(_mm512_or_si512(context, slot), task.table, 4);
}

inline __m512i refilled(__m512i state, const std::uint16_t*& words) noexcept {
  const __mmask16 low = _mm512_cmplt_epu32_mask(state, _mm512_set1_epi32(static_cast<int>(rans_least)));
  const __m512i next = _mm512_maskz_expand_epi32(low, load_words(words));
  words += std::popcount(static_cast<unsigned>(low));
  return _mm512_mask_or_epi32(state, low, _mm512_slli_epi32(state, 16), next);
}

inline void put_symbols(std::uint8_t* out, __m512i entry) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(entry));
}

// One step back of sixteen states; the words of those that would overflow are put in front of `words`.
inline __m512i encoded(const RansEncoding& task, __m512i state, std::size_t i, std::uint16_t*& words) noexcept {
  const __m512i place =
      _mm512_add_epi32(_mm512_slli_epi32(load_bytes(task.contexts + i), 8), load_bytes(task.symbols + i));
  const __m512i entry = _mm512_i32gather_epi32(place, task.table, 4);
  const __m512i frequency = _mm512_and_si512(entry, _mm512_set1_epi32(0xffff));
  const __mmask16 full = _mm512_cmpge_epu32_mask(_mm512_srli_epi32(state, 32 - rans_bits), frequency);
  const unsigned count = static_cast<unsigned>(std::popcount(static_cast<unsigned>(full)));
  words -= count;
  _mm512_mask_cvtepi32_storeu_epi16(words, static_cast<__mmask16>((1u << count) - 1),
                                    _mm512_maskz_compress_epi32(full, state));
  state = _mm512_mask_srli_epi32(state, full, state, 16);
  // The quotient is below 2²⁰, so that single precision is off by one at most.
  const __m512 quotient = _mm512_div_ps(_mm512_cvtepu32_ps(state), _mm512_cvtepu32_ps(frequency));
  __m512i whole = _mm512_cvttps_epu32(quotient);
  __m512i rest = _mm512_sub_epi32(state, _mm512_mullo_epi32(whole, frequency));
  const __mmask16 below = _mm512_movepi32_mask(rest);
  whole = _mm512_mask_sub_epi32(whole, below, whole, _mm512_set1_epi32(1));
  rest = _mm512_mask_add_epi32(rest, below, rest, frequency);
  const __mmask16 above = _mm512_cmpge_epi32_mask(rest, frequency);
  whole = _mm512_mask_add_epi32(whole, above, whole, _mm512_set1_epi32(1));
  rest = _mm512_mask_sub_epi32(rest, above, rest, frequency);
  return _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(whole, rans_bits), rest), _mm512_srli_epi32(entry, 16));
}

}  // namespace

const std::uint16_t* rans_decode_avx512(const RansDecoding& task) noexcept {
  __m512i low = _mm512_loadu_si512(task.states), high = _mm512_loadu_si512(task.states + half);
  const std::uint16_t* words = task.words;
  std::size_t i = 0;
  for (; i + rans_lanes <= task.count && task.end - words >= static_cast<std::ptrdiff_t>(rans_lanes); i += rans_lanes) {
    const __m512i low_entry = entries(task, low, i), high_entry = entries(task, high, i + half);
    put_symbols(task.out + i, low_entry);
    put_symbols(task.out + i + half, high_entry);
    low = refilled(advanced(low, low_entry), words);
    high = refilled(advanced(high, high_entry), words);
  }
  _mm512_storeu_si512(task.states, low);
  _mm512_storeu_si512(task.states + half, high);
  return rans_decode_rest(task, words, i);
}

std::uint16_t* rans_encode_avx512(const RansEncoding& task) noexcept {
  const std::size_t whole = task.count / rans_lanes * rans_lanes;
  std::uint16_t* words = rans_encode_range(task, task.end, whole, task.count);
  __m512i low = _mm512_loadu_si512(task.states), high = _mm512_loadu_si512(task.states + half);
  for (std::size_t i = whole; i > 0; i -= rans_lanes) {
    high = encoded(task, high, i - half, words);
    low = encoded(task, low, i - rans_lanes, words);
  }
  _mm512_storeu_si512(task.states, low);
  _mm512_storeu_si512(task.states + half, high);
  return words;
}

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
