// rANS with AVX-512: registers of sixteen states, two or four of them, words spread and gathered under masks.
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

#include "simd/rans_loops.h"  // in the target region

namespace attar::simd::detail {
namespace {

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

inline __m512i entries(const RansDecoding& task, __m512i state, __m512i contexts) noexcept {
  const __m512i slot = _mm512_and_si512(state, _mm512_set1_epi32(static_cast<int>(rans_mask)));
  return _mm512_i32gather_epi32(_mm512_or_si512(_mm512_slli_epi32(contexts, rans_bits), slot), task.table, 4);
}

// The contexts of sixteen symbols with the unions that their trellises are in.
inline __m512i full_contexts(const RansDecoding& task, __m512i trellis, std::size_t i) noexcept {
  const __m512i contexts =
      _mm512_or_si512(load_bytes(task.contexts + i), _mm512_and_si512(trellis, _mm512_set1_epi32(1)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(task.full_contexts + i), _mm512_cvtepi32_epi8(contexts));
  return contexts;
}

inline __m512i moved(__m512i trellis, __m512i entry) noexcept {
  const __m512i by_state = _mm512_setr_epi32(0, 5, 1, 4, 2, 7, 3, 6, 0, 5, 1, 4, 2, 7, 3, 6);
  const __m512i parity = _mm512_and_si512(entry, _mm512_set1_epi32(1));
  return _mm512_xor_si512(_mm512_permutexvar_epi32(trellis, by_state), _mm512_add_epi32(parity, parity));
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
  // The quotient is below 2²⁰ and the reciprocal a little too small, so that what is found is right or one less.
  const __m512 reciprocal = _mm512_div_ps(_mm512_set1_ps(rans_reciprocal), _mm512_cvtepu32_ps(frequency));
  const __m512i whole = _mm512_cvttps_epu32(_mm512_mul_ps(_mm512_cvtepu32_ps(state), reciprocal));
  // The rest is below 2 · 4096: sixteen bits of it are enough, and half the work.
  const __m512i rest = _mm512_maskz_sub_epi16(0x5555'5555, state, _mm512_mullo_epi16(whole, frequency));
  const __mmask16 less = _mm512_cmpge_epu32_mask(rest, frequency);
  const __m512i start = _mm512_srli_epi32(entry, 16);
  const __m512i next = _mm512_add_epi32(_mm512_add_epi32(rest, start), _mm512_slli_epi32(whole, rans_bits));
  const __m512i gap = _mm512_sub_epi32(_mm512_set1_epi32(1 << rans_bits), frequency);
  return _mm512_mask_add_epi32(next, less, next, gap);
}

struct Avx512 {
  using Register = __m512i;
  static constexpr std::size_t width = 16;

  static Register load(const std::uint32_t* from) noexcept { return _mm512_loadu_si512(from); }
  static void save(std::uint32_t* to, Register states) noexcept { _mm512_storeu_si512(to, states); }
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

const std::uint16_t* rans_decode_avx512(const RansDecoding& task) noexcept { return rans_decode_with<Avx512>(task); }

std::uint16_t* rans_encode_avx512(const RansEncoding& task) noexcept { return rans_encode_with<Avx512>(task); }

}  // namespace attar::simd::detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
