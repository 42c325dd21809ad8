// The inner loops of interleaved range asymmetric numeral systems (rANS): 32 states that take turns, so that as many
// symbols are decoded at once. The streams are the same at every level. Formulas: src/math/rans.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace attar::simd {

inline constexpr unsigned rans_bits = 12;              ///< of a probability: frequencies of a context sum to 2¹²
inline constexpr std::size_t rans_most_lanes = 64;     ///< states of a stream, at most
inline constexpr std::size_t rans_lanes = 32;          ///< states of a long stream
inline constexpr std::size_t rans_symbols = 256;       ///< symbols of a context, at most
inline constexpr std::uint32_t rans_least = 1u << 16;  ///< of a state between two symbols
inline constexpr std::uint32_t rans_mask = (1u << rans_bits) - 1;
/// Over a frequency: its reciprocal in single precision, less than exact by more than the roundings of a product with a
/// state, and by less than one in 2²¹.
inline constexpr float rans_reciprocal = 1.0f - 0x1p-22f;

/// Decoding: the states have been read; symbol i is decoded by state i mod lanes in context contexts[i].
struct RansDecoding {
  const std::uint32_t* table = nullptr;  ///< contexts × 2^rans_bits: symbol | (frequency − 1) << 8 | offset << 20
  const std::uint8_t* contexts =
      nullptr;                      ///< of each symbol, all below the table's number of them; 64 more bytes readable
  std::uint32_t* states = nullptr;  ///< `lanes` of them
  const std::uint16_t* words = nullptr;  ///< the next to read; no alignment needed
  const std::uint16_t* end = nullptr;    ///< after the last
  std::uint8_t* out = nullptr;           ///< room for `count` and 64 more bytes
  std::size_t count = 0;
  std::size_t lanes = rans_lanes;  ///< 32 and 64: with vectors
  /// Null, or `lanes` states of trellises, each below 8: then contexts are even numbers, the lowest bit of the lane's
  /// trellis state is added to each before its symbol is decoded, and the state moves by the symbol's lowest bit.
  std::uint32_t* trellis = nullptr;
  std::uint8_t* full_contexts = nullptr;  ///< with a trellis: the contexts with what was added; as long as `out`
};

/// Where a trellis goes from a state by a symbol's parity (Ungerboeck's code of eight states, h0 = 13, h1 = 4 octal).
[[nodiscard]] constexpr std::uint32_t rans_next_state(std::uint32_t state, std::uint32_t parity) noexcept {
  return (state >> 1) ^ ((state & 1) * 5) ^ ((parity & 1) * 2);
}

/// Decodes all symbols and leaves `states` as they are then. Returns the next word to read, or null where the words
/// end early (the output is then not to be used).
[[nodiscard]] const std::uint16_t* rans_decode(const RansDecoding& task, Level level = active_level()) noexcept;

/// Encoding, from the last symbol to the first: words are written backwards.
struct RansEncoding {
  const std::uint32_t* table =
      nullptr;  ///< contexts × rans_symbols: frequency (not 0 for any symbol here) | start << 16
  const std::uint8_t* contexts = nullptr;  ///< of each symbol; 64 more bytes readable
  const std::uint8_t* symbols = nullptr;   ///< 64 more bytes readable
  std::size_t count = 0;
  std::size_t lanes = rans_lanes;   ///< other numbers: without vectors
  std::uint32_t* states = nullptr;  ///< `lanes` of them, each rans_least at first
  std::uint16_t* end = nullptr;     ///< behind the last word; room for `count` words and 64 more in front of it
};

/// Encodes all symbols and returns the first word of those written in front of `end`.
[[nodiscard]] std::uint16_t* rans_encode(const RansEncoding& task, Level level = active_level()) noexcept;

namespace detail {
const std::uint16_t* rans_decode_scalar(const RansDecoding& task) noexcept;
const std::uint16_t* rans_decode_avx2(const RansDecoding& task) noexcept;
const std::uint16_t* rans_decode_avx512(const RansDecoding& task) noexcept;  // needs AVX-512 F, BW, DQ, VL
std::uint16_t* rans_encode_scalar(const RansEncoding& task) noexcept;
std::uint16_t* rans_encode_avx2(const RansEncoding& task) noexcept;
std::uint16_t* rans_encode_avx512(const RansEncoding& task) noexcept;

/// The symbols from `first` on, `first` being a multiple of the lanes; every read of a word is checked.
const std::uint16_t* rans_decode_rest(const RansDecoding& task, const std::uint16_t* words, std::size_t first) noexcept;
/// The symbols [first, last), backwards.
std::uint16_t* rans_encode_range(const RansEncoding& task, std::uint16_t* words, std::size_t first,
                                 std::size_t last) noexcept;
}  // namespace detail

}  // namespace attar::simd
