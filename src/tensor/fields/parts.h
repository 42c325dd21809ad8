// Parts of a few bits of whole numbers, packed element after element and unpacked: loops that compilers make vectors
// of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// For loops that are inlined into a version for each instruction set.
#define ATTAR_INLINE inline __attribute__((always_inline))

namespace attar::tensor::fields {

/// By byte: its bits as eight bytes.
inline constexpr std::array<std::uint64_t, 256> spread_bits = [] {
  std::array<std::uint64_t, 256> out{};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned bit = 0; bit < 8; ++bit) out[byte] |= std::uint64_t{byte >> bit & 1} << (8 * bit);
  return out;
}();

[[nodiscard]] constexpr std::size_t part_bytes(std::size_t count, unsigned width) noexcept {
  return (count * width + 7) / 8;
}

/// Packs bits [at, at + Width) of bytes; Width is 1, 2 or 4.
template <unsigned Width>
ATTAR_INLINE void pack_part(const std::uint8_t* __restrict from, std::size_t count, unsigned at,
                            std::uint8_t* __restrict out) noexcept {
  constexpr std::size_t each = 8 / Width;
  constexpr std::uint8_t mask = (1u << Width) - 1;
  const std::size_t whole = count / each;
  for (std::size_t i = 0; i < whole; ++i) {
    if constexpr (Width == 1) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, from + 8 * i, sizeof eight);
      out[i] = static_cast<std::uint8_t>((eight >> at & 0x0101'0101'0101'0101) * 0x0102'0408'1020'4080 >> 56);
    } else {
      std::uint8_t byte = 0;
      for (std::size_t l = 0; l < each; ++l)
        byte = static_cast<std::uint8_t>(byte | (from[each * i + l] >> at & mask) << (l * Width));
      out[i] = byte;
    }
  }
  if (whole * each == count) return;
  std::uint8_t byte = 0;
  for (std::size_t j = whole * each; j < count; ++j)
    byte = static_cast<std::uint8_t>(byte | (from[j] >> at & mask) << (j - whole * each) * Width);
  out[whole] = byte;
}

/// Adds bits [at, at + Width) to bytes in which they are zero; up to 7 bytes past the last are changed.
template <unsigned Width>
ATTAR_INLINE void unpack_part(const std::uint8_t* __restrict in, std::size_t count, unsigned at,
                              std::uint8_t* __restrict to) noexcept {
  constexpr std::size_t each = 8 / Width;
  constexpr std::uint8_t mask = (1u << Width) - 1;
  const std::size_t bytes = part_bytes(count, Width);
  for (std::size_t i = 0; i < bytes; ++i) {
    if constexpr (Width == 1) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, to + 8 * i, sizeof eight);
      eight |= spread_bits[in[i]] << at;
      std::memcpy(to + 8 * i, &eight, sizeof eight);
    } else {
      for (std::size_t l = 0; l < each; ++l)
        to[each * i + l] = static_cast<std::uint8_t>(to[each * i + l] | (in[i] >> (l * Width) & mask) << at);
    }
  }
}

/// Packs bytes of `width` < 8 bits: the binary digits of the width, from the highest on, are the parts. Returns the
/// end.
ATTAR_INLINE std::uint8_t* pack_bytes(const std::uint8_t* from, std::size_t count, unsigned width,
                                      std::uint8_t* out) noexcept {
  unsigned at = 0;
  if ((width & 4) != 0) {
    pack_part<4>(from, count, at, out);
    out += part_bytes(count, 4);
    at += 4;
  }
  if ((width & 2) != 0) {
    pack_part<2>(from, count, at, out);
    out += part_bytes(count, 2);
    at += 2;
  }
  if ((width & 1) == 0) return out;
  pack_part<1>(from, count, at, out);
  return out + part_bytes(count, 1);
}

/// The reverse, into bytes that are zero; up to 7 past the last are changed. Returns the end of what was read.
ATTAR_INLINE const std::uint8_t* unpack_bytes(const std::uint8_t* in, std::size_t count, unsigned width,
                                              std::uint8_t* to) noexcept {
  unsigned at = 0;
  if ((width & 4) != 0) {
    unpack_part<4>(in, count, at, to);
    in += part_bytes(count, 4);
    at += 4;
  }
  if ((width & 2) != 0) {
    unpack_part<2>(in, count, at, to);
    in += part_bytes(count, 2);
    at += 2;
  }
  if ((width & 1) == 0) return in;
  unpack_part<1>(in, count, at, to);
  return in + part_bytes(count, 1);
}

}  // namespace attar::tensor::fields
