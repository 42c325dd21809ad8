#include "tensor/delta/kernel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "simd/clones.h"
#include "tensor/fields/parts.h"

namespace attar::tensor::delta {
namespace {

constexpr int fine_from = 24, guard_bits = 3, coarse_contexts = 14, coarse_offset = 8;
constexpr int middle_symbol = 128, most_symbol = 127;

template <class U>
ATTAR_INLINE constexpr U ordered(U bits) noexcept {
  constexpr U sign = U{1} << (8 * sizeof(U) - 1);
  return static_cast<U>((bits & sign) != 0 ? ~bits : bits | sign);
}

template <class U>
ATTAR_INLINE constexpr U from_ordered(U place) noexcept {
  constexpr U sign = U{1} << (8 * sizeof(U) - 1);
  return static_cast<U>((place & sign) != 0 ? place ^ sign : ~place);
}

template <class U>
U load_at(const std::byte* from, std::size_t j) noexcept {
  U out;
  std::memcpy(&out, from + j * sizeof(U), sizeof(U));
  return out;
}

/// The exponent as stored, at least 1: numbers below the least normal one have its steps.
template <class U>
ATTAR_INLINE int exponent_of(const Layout& layout, U bits) noexcept {
  const auto mask = static_cast<U>((U{1} << layout.exponent_bits) - 1);
  return std::max(1, static_cast<int>(static_cast<U>(bits >> layout.mantissa_bits) & mask));
}

template <class U>
ATTAR_INLINE void know_as(Layout layout, const std::byte* base, const std::int16_t* __restrict columns, int scale,
                          std::size_t count, const Known& out) noexcept {
  const int most = static_cast<int>(8 * sizeof(U)) - 8;
  const auto* __restrict bits = reinterpret_cast<const U*>(base);
  std::uint8_t* __restrict contexts = out.contexts;
  std::uint8_t* __restrict shifts = out.shifts;
  for (std::size_t j = 0; j < count; ++j) {
    const int p = scale + columns[j] - 8 * exponent_of(layout, bits[j]);
    const int coarse = std::max(p >> 2, -coarse_offset) + coarse_offset;
    contexts[j] = static_cast<std::uint8_t>(p >= fine_from ? coarse_contexts + (p & 7) : coarse);
    shifts[j] = static_cast<std::uint8_t>(std::max(0, std::min((p >> 3) - guard_bits, most)));
  }
}

template <class U>
void differences_as(const std::byte* values, const std::byte* base, std::size_t count, std::int64_t* out) noexcept {
  using Signed = std::make_signed_t<U>;
  for (std::size_t j = 0; j < count; ++j)
    out[j] = static_cast<Signed>(static_cast<U>(ordered(load_at<U>(values, j)) - ordered(load_at<U>(base, j))));
}

template <class U>
void magnitudes_as(const Layout& layout, const std::byte* base, const std::int64_t* differences, std::size_t count,
                   float* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) {
    const int exponent = exponent_of(layout, load_at<U>(base, j)) - middle(layout);
    // Single precision has 126 octaves below 1 and 127 above; what lies beyond is far from any scale that pays.
    const auto unit = std::bit_cast<float>(static_cast<std::uint32_t>(std::clamp(exponent, -100, 60) + 127) << 23);
    out[j] = std::abs(static_cast<float>(differences[j])) * unit;
  }
}

template <class U>
ATTAR_INLINE void join_plain_as(const std::uint8_t* __restrict symbols, const U* __restrict base, std::size_t count,
                                U* __restrict out) noexcept {
  for (std::size_t j = 0; j < count; ++j) {
    const auto difference = static_cast<U>(static_cast<U>(symbols[j]) - static_cast<U>(middle_symbol));
    out[j] = from_ordered(static_cast<U>(ordered(base[j]) + difference));
  }
}

ATTAR_VECTOR_CLONES void join_plain_2(const std::uint8_t* symbols, const std::uint16_t* base, std::size_t count,
                                      std::uint16_t* out) noexcept {
  join_plain_as(symbols, base, count, out);
}

ATTAR_VECTOR_CLONES void join_plain_4(const std::uint8_t* symbols, const std::uint32_t* base, std::size_t count,
                                      std::uint32_t* out) noexcept {
  join_plain_as(symbols, base, count, out);
}

ATTAR_VECTOR_CLONES void know_2(const Layout& layout, const std::byte* base, const std::int16_t* columns, int scale,
                                std::size_t count, const Known& out) noexcept {
  know_as<std::uint16_t>(layout, base, columns, scale, count, out);
}

ATTAR_VECTOR_CLONES void know_4(const Layout& layout, const std::byte* base, const std::int16_t* columns, int scale,
                                std::size_t count, const Known& out) noexcept {
  know_as<std::uint32_t>(layout, base, columns, scale, count, out);
}

template <class U>
void join_plain_any(const std::uint8_t* symbols, const std::byte* base, std::size_t count, std::byte* out) noexcept {
  const auto* from = reinterpret_cast<const U*>(base);
  auto* to = reinterpret_cast<U*>(out);
  if constexpr (sizeof(U) == 2)
    join_plain_2(symbols, from, count, to);
  else if constexpr (sizeof(U) == 4)
    join_plain_4(symbols, from, count, to);
  else
    join_plain_as(symbols, from, count, to);
}

template <class U>
bool join_each(const std::uint8_t* symbols, const std::uint8_t* shifts, const std::byte* base, std::size_t count,
               Rest& rest, std::byte* out) noexcept {
  std::uint64_t at = rest.at;
  for (std::size_t j = 0; j < count; ++j) {
    U difference = 0;
    if (symbols[j] == escape) {
      if (static_cast<std::size_t>(rest.escapes_end - rest.escapes) < sizeof(U)) return false;
      difference = load_at<U>(rest.escapes, 0);
      rest.escapes += sizeof(U);
    } else {
      const unsigned shift = shifts[j];
      if (at + shift > rest.end) return false;
      std::uint64_t word = 0;
      std::memcpy(&word, rest.bits + at / 8, sizeof word);
      const std::uint64_t low = word >> (at % 8) & ((std::uint64_t{1} << shift) - 1);
      at += shift;
      difference = static_cast<U>((static_cast<std::uint64_t>(symbols[j]) - middle_symbol) << shift | low);
    }
    const U bits = from_ordered(static_cast<U>(ordered(load_at<U>(base, j)) + difference));
    std::memcpy(out + j * sizeof(U), &bits, sizeof bits);
  }
  rest.at = at;
  return true;
}

// One element of a row with low bits or an escape leaves most groups of its neighbours without.
constexpr std::size_t group = 32;

bool is_plain(const std::uint8_t* symbols, const std::uint8_t* shifts) noexcept {
  unsigned special = 0;
  for (std::size_t j = 0; j < group; ++j) special |= shifts[j] | (symbols[j] == escape ? 1u : 0u);
  return special == 0;
}

template <class U>
bool join_as(const std::uint8_t* symbols, const std::uint8_t* shifts, const std::byte* base, std::size_t count,
             Rest& rest, std::byte* out) noexcept {
  for (std::size_t j = 0; j < count; j += group) {
    const std::size_t length = std::min(group, count - j), at = j * sizeof(U);
    if (length == group && is_plain(symbols + j, shifts + j))
      join_plain_any<U>(symbols + j, base + at, length, out + at);
    else if (!join_each<U>(symbols + j, shifts + j, base + at, length, rest, out + at))
      return false;
  }
  return true;
}

// Calls with a number of the element's size.
template <class Call>
void by_size(const Layout& layout, const Call& call) noexcept {
  switch (layout.bytes) {
    case 1: return call(std::uint8_t{});
    case 2: return call(std::uint16_t{});
    case 4: return call(std::uint32_t{});
    default: return call(std::uint64_t{});
  }
}

}  // namespace

void know(const Layout& layout, const std::byte* base, const std::int16_t* columns, int scale, std::size_t count,
          const Known& out) noexcept {
  if (layout.bytes == 2) return know_2(layout, base, columns, scale, count, out);
  if (layout.bytes == 4) return know_4(layout, base, columns, scale, count, out);
  by_size(layout, [&]<class U>(U) { know_as<U>(layout, base, columns, scale, count, out); });
}

void differences(const Layout& layout, const std::byte* values, const std::byte* base, std::size_t count,
                 std::int64_t* out) noexcept {
  by_size(layout, [&]<class U>(U) { differences_as<U>(values, base, count, out); });
}

void magnitudes(const Layout& layout, const std::byte* base, const std::int64_t* differences, std::size_t count,
                float* out) noexcept {
  by_size(layout, [&]<class U>(U) { magnitudes_as<U>(layout, base, differences, count, out); });
}

void find_symbols(const std::int64_t* differences, const std::uint8_t* shifts, std::size_t count,
                  std::uint8_t* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) {
    const std::int64_t q = differences[j] >> shifts[j];
    out[j] = static_cast<std::uint8_t>(q >= -most_symbol && q <= most_symbol ? q + middle_symbol : escape);
  }
}

void join_plain(const Layout& layout, const std::uint8_t* symbols, const std::byte* base, std::size_t count,
                std::byte* out) noexcept {
  by_size(layout, [&]<class U>(U) { join_plain_any<U>(symbols, base, count, out); });
}

bool join(const Layout& layout, const std::uint8_t* symbols, const std::uint8_t* shifts, const std::byte* base,
          std::size_t count, Rest& rest, std::byte* out) noexcept {
  bool whole = true;
  by_size(layout, [&]<class U>(U) { whole = join_as<U>(symbols, shifts, base, count, rest, out); });
  return whole;
}

}  // namespace attar::tensor::delta
