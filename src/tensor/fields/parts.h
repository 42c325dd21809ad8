// Parts of 1 to 32 bits of whole numbers, packed element after element and unpacked: loops that compilers make vectors
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

template <unsigned Width>
struct WholeBytes;
template <>
struct WholeBytes<8> {
  using type = std::uint8_t;
};
template <>
struct WholeBytes<16> {
  using type = std::uint16_t;
};
template <>
struct WholeBytes<32> {
  using type = std::uint32_t;
};

/// Writes bits [at, at + Width) of `count` elements; returns the bytes written.
template <unsigned Width, class U>
ATTAR_INLINE std::size_t write_part(const U* from, std::size_t count, unsigned at, std::byte* out) noexcept {
  if constexpr (Width >= 8) {
    using Part = typename WholeBytes<Width>::type;
    for (std::size_t j = 0; j < count; ++j) {
      const auto part = static_cast<Part>(from[j] >> at);
      std::memcpy(out + j * sizeof part, &part, sizeof part);
    }
    return count * sizeof(Part);
  } else {
    constexpr std::size_t each = 8 / Width;
    constexpr std::uint8_t mask = (1u << Width) - 1;
    const std::size_t whole = count / each;
    const auto part = [&](std::size_t j) { return static_cast<std::uint8_t>(from[j] >> at & mask); };
    for (std::size_t i = 0; i < whole; ++i) {
      if constexpr (Width == 1) {
        std::uint8_t eight[8];
        for (std::size_t l = 0; l < 8; ++l) eight[l] = part(8 * i + l);
        std::uint64_t together = 0;
        std::memcpy(&together, eight, sizeof together);
        out[i] = static_cast<std::byte>(together * 0x0102'0408'1020'4080 >> 56);
      } else {
        unsigned byte = 0;
        for (std::size_t l = 0; l < each; ++l) byte |= static_cast<unsigned>(part(each * i + l)) << (l * Width);
        out[i] = static_cast<std::byte>(byte);
      }
    }
    if (whole * each == count) return whole;
    unsigned byte = 0;
    for (std::size_t j = whole * each; j < count; ++j)
      byte |= static_cast<unsigned>(part(j)) << (j - whole * each) * Width;
    out[whole] = static_cast<std::byte>(byte);
    return whole + 1;
  }
}

/// Adds bits [at, at + Width) to `count` elements, in which they are zero; returns the bytes read.
template <unsigned Width, class U>
ATTAR_INLINE std::size_t read_part(const std::byte* in, std::size_t count, unsigned at, U* to) noexcept {
  if constexpr (Width >= 8) {
    using Part = typename WholeBytes<Width>::type;
    for (std::size_t j = 0; j < count; ++j) {
      Part part = 0;
      std::memcpy(&part, in + j * sizeof part, sizeof part);
      to[j] = static_cast<U>(to[j] | static_cast<U>(static_cast<U>(part) << at));
    }
    return count * sizeof(Part);
  } else {
    constexpr std::size_t each = 8 / Width;
    constexpr std::uint8_t mask = (1u << Width) - 1;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(in);
    const std::size_t whole = count / each;
    for (std::size_t i = 0; i < whole; ++i) {
      std::uint8_t parts[each];
      if constexpr (Width == 1)
        std::memcpy(parts, &spread_bits[bytes[i]], sizeof parts);
      else
        for (std::size_t l = 0; l < each; ++l) parts[l] = static_cast<std::uint8_t>(bytes[i] >> (l * Width) & mask);
      for (std::size_t l = 0; l < each; ++l)
        to[each * i + l] = static_cast<U>(to[each * i + l] | static_cast<U>(static_cast<U>(parts[l]) << at));
    }
    for (std::size_t j = whole * each; j < count; ++j) {
      const auto part = static_cast<std::uint8_t>(bytes[whole] >> ((j - whole * each) * Width) & mask);
      to[j] = static_cast<U>(to[j] | static_cast<U>(static_cast<U>(part) << at));
    }
    return (count + each - 1) / each;
  }
}

/// Calls visit.template operator()<Width>(at) for the binary digits of `bits`, from the highest on; places from 0 up.
template <class Visit>
ATTAR_INLINE void for_each_part(unsigned bits, const Visit& visit) noexcept {
  unsigned at = 0;
  if ((bits & 32) != 0) visit.template operator()<32>(at), at += 32;
  if ((bits & 16) != 0) visit.template operator()<16>(at), at += 16;
  if ((bits & 8) != 0) visit.template operator()<8>(at), at += 8;
  if ((bits & 4) != 0) visit.template operator()<4>(at), at += 4;
  if ((bits & 2) != 0) visit.template operator()<2>(at), at += 2;
  if ((bits & 1) != 0) visit.template operator()<1>(at);
}

}  // namespace attar::tensor::fields
