#include "tensor/fields/kernel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "simd/clones.h"
#include "tensor/fields/parts.h"

namespace attar::tensor::fields {
namespace {

// An element where it stands: those of a mapped file lie at any address.
template <class U>
struct __attribute__((packed, may_alias)) Loose {
  U value;
};

template <class U>
ATTAR_INLINE const Loose<U>* as(const std::byte* values) noexcept {
  return reinterpret_cast<const Loose<U>*>(values);
}

// Calls with the layout as a constant where it is a usual one without zeros: shifts by constants take half the time.
template <class U, class Call>
ATTAR_INLINE void with_constants(const Layout& layout, unsigned zeros, const Call& call) noexcept {
  if constexpr (sizeof(U) == 2) {
    if (zeros == 0 && layout.mantissa_bits == 7) return call(Layout{2, 8, 7}, 0);
    if (zeros == 0 && layout.mantissa_bits == 10) return call(Layout{2, 5, 10}, 0);
  }
  if constexpr (sizeof(U) == 4)
    if (zeros == 0 && layout.mantissa_bits == 23) return call(Layout{4, 8, 23}, 0);
  call(layout, zeros);
}

// |x| as a float, exponents moved so that the middle of the type's range is 1; 0 where x is not finite.
template <class U>
ATTAR_INLINE float magnitude(Layout layout, U value) noexcept {
  const unsigned sign = layout.exponent_bits + layout.mantissa_bits;
  const U bits = value & static_cast<U>((U{1} << sign) - 1);
  if constexpr (sizeof(U) <= 4) {
    // Exponents of a float: they need no move.
    if (layout.exponent_bits == 8) {
      constexpr std::uint32_t least = 1u << 23, most = 0xffu << 23;
      const std::uint32_t own = static_cast<std::uint32_t>(bits) << (23 - layout.mantissa_bits);
      return own - least < most - least ? std::bit_cast<float>(own) : 0.0f;
    }
  }
  const auto exponent = static_cast<std::int32_t>(bits >> layout.mantissa_bits);
  const std::int32_t most = (1 << layout.exponent_bits) - 1;
  const U mantissa = bits & static_cast<U>((U{1} << layout.mantissa_bits) - 1);
  std::uint32_t fraction = 0;
  if constexpr (sizeof(U) == 8)
    fraction = static_cast<std::uint32_t>(mantissa >> (layout.mantissa_bits - 23));
  else
    fraction = static_cast<std::uint32_t>(mantissa) << (23 - layout.mantissa_bits);
  const std::int32_t moved = exponent - (most >> 1) + 127;
  const bool usable = moved > 0 && moved < 255 && exponent != most;
  return usable ? std::bit_cast<float>(static_cast<std::uint32_t>(moved) << 23 | fraction) : 0.0f;
}

template <class U>
ATTAR_INLINE double sum_of(Layout layout, const Loose<U>* values, const float* weights, std::size_t count) noexcept {
  constexpr std::size_t lanes = 16;
  float sums[lanes] = {};
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes)
    for (std::size_t l = 0; l < lanes; ++l) sums[l] += magnitude(layout, values[j + l].value) * weights[j + l];
  double sum = 0;
  for (; j < count; ++j) sum += static_cast<double>(magnitude(layout, values[j].value) * weights[j]);
  // In four parts, so that no addition waits for all before it.
  double parts[4] = {};
  for (std::size_t l = 0; l < lanes; ++l) parts[l % 4] += static_cast<double>(sums[l]);
  return sum + ((parts[0] + parts[1]) + (parts[2] + parts[3]));
}

template <class U>
ATTAR_INLINE void add_to(Layout layout, const Loose<U>* values, float weight, float* sums, std::size_t count) noexcept {
  for (std::size_t j = 0; j < count; ++j) sums[j] += magnitude(layout, values[j].value) * weight;
}

template <class U>
ATTAR_INLINE U all_bits(const Loose<U>* values, std::size_t count) noexcept {
  U bits = 0;
  for (std::size_t j = 0; j < count; ++j) bits |= values[j].value;
  return bits;
}

template <class U>
ATTAR_INLINE void symbols_of(Layout layout, const Row& row, Coded coded, const Loose<U>* __restrict values,
                             std::uint8_t* __restrict out) noexcept {
  // Elements of one or two bytes take half the width: twice as many at a time. Exponents differ from the scales by less
  // than 2¹¹, so that a symbol's place fits.
  using Signed = std::conditional_t<(sizeof(U) <= 2), std::int16_t, std::int32_t>;
  const unsigned top = layout.top_bits();
  const auto mask = static_cast<U>((U{1} << (layout.exponent_bits + top)) - 1);
  const unsigned shift = layout.mantissa_bits - top;
  const auto scale = static_cast<Signed>(row.scale);
  const auto fractions = static_cast<Signed>((1 << top) - 1);
  const std::int16_t* __restrict columns = row.columns;
  const std::size_t count = row.count;
  const auto first = static_cast<Signed>(std::max<int>(coded.first, 8));  // k is 1 at least
  const auto last = static_cast<Signed>(coded.last);
  for (std::size_t j = 0; j < count; ++j) {
    const auto pair = static_cast<Signed>(static_cast<U>(values[j].value >> shift) & mask);
    const auto moved = static_cast<Signed>(static_cast<Signed>(scale + columns[j]) >> 3);
    const auto k = static_cast<Signed>(static_cast<Signed>(pair >> top) - moved + exponent_offset);
    const auto symbol = static_cast<Signed>(static_cast<Signed>(k << 3) | (pair & fractions));
    const bool inside = symbol >= first && symbol <= last;
    out[j] = static_cast<std::uint8_t>(inside ? symbol : escape);
  }
}

// ---- what no symbol holds -------------------------------------------------------------------------------------------
// Its lowest bits, a multiple of eight of them, are written as whole numbers of 32, 16 and 8 bits, the others from
// bytes.

template <class Part, class U>
ATTAR_INLINE std::byte* write_whole(const U* __restrict from, std::size_t count, unsigned at,
                                    std::byte* __restrict out) noexcept {
  for (std::size_t j = 0; j < count; ++j) {
    const auto part = static_cast<Part>(from[j] >> at);
    std::memcpy(out + j * sizeof part, &part, sizeof part);
  }
  return out + count * sizeof(Part);
}

template <class Part, class U>
ATTAR_INLINE const std::byte* read_whole(const std::byte* __restrict in, std::size_t count, unsigned at,
                                         U* __restrict to) noexcept {
  for (std::size_t j = 0; j < count; ++j) {
    Part part = 0;
    std::memcpy(&part, in + j * sizeof part, sizeof part);
    to[j] = static_cast<U>(to[j] | static_cast<U>(static_cast<U>(part) << at));
  }
  return in + count * sizeof(Part);
}

template <class U>
ATTAR_INLINE void write_with(Layout layout, unsigned row_zeros, const Row& row, const std::byte* values, std::byte* out,
                             std::byte* work) noexcept {
  const unsigned bits = layout.rest_bits(row_zeros), sign = layout.exponent_bits + layout.mantissa_bits;
  const unsigned zeros = bits == 0 ? 0 : row_zeros, width = bits + 1, whole = width & ~7u;
  const auto mask = static_cast<U>((U{1} << bits) - 1);
  const std::size_t count = row.count;
  const Loose<U>* __restrict from = as<U>(values);
  auto* __restrict rest = reinterpret_cast<U*>(work);
  auto* __restrict high = reinterpret_cast<std::uint8_t*>(work + count * sizeof(U));
  for (std::size_t j = 0; j < count; ++j)
    rest[j] =
        static_cast<U>(static_cast<U>(from[j].value >> zeros & mask) | static_cast<U>(from[j].value >> sign) << bits);
  unsigned at = 0;
  if constexpr (sizeof(U) == 8)
    if ((width & 32) != 0) out = write_whole<std::uint32_t>(rest, count, at, out), at += 32;
  if constexpr (sizeof(U) >= 4)
    if ((width & 16) != 0) out = write_whole<std::uint16_t>(rest, count, at, out), at += 16;
  if ((width & 8) != 0) out = write_whole<std::uint8_t>(rest, count, at, out);
  if (whole == width) return;
  for (std::size_t j = 0; j < count; ++j) high[j] = static_cast<std::uint8_t>(rest[j] >> whole);
  pack_bytes(high, count, width - whole, reinterpret_cast<std::uint8_t*>(out));
}

template <class U>
ATTAR_INLINE void write_row(const Layout& layout, const Row& row, const std::byte* values, std::byte* out,
                            std::byte* work) noexcept {
  with_constants<U>(
      layout, row.zeros, [&](Layout own, unsigned zeros) __attribute__((always_inline)) {
        write_with<U>(own, zeros, row, values, out, work);
      });
}

// Joins elements whose lowest bits are in `rest` and the others, from bit `whole` on, in `high`.
template <class U, bool Low>
ATTAR_INLINE void joined(Layout layout, const Row& row, unsigned row_zeros, const std::uint8_t* __restrict symbols,
                         const U* __restrict rest, const std::uint8_t* __restrict high, unsigned whole,
                         U* __restrict out) noexcept {
  // Elements of one or two bytes are joined in half the width: twice as many at a time.
  using Wide = std::conditional_t<(sizeof(U) <= 2), std::uint16_t, U>;
  using Signed = std::conditional_t<(sizeof(U) <= 2), std::int16_t, std::int32_t>;
  const unsigned bits = layout.rest_bits(row_zeros), sign = layout.exponent_bits + layout.mantissa_bits;
  const unsigned top = layout.top_bits(), zeros = bits == 0 ? 0 : row_zeros, shift = layout.mantissa_bits - top;
  const auto mask = static_cast<Wide>((Wide{1} << bits) - 1);
  const auto inside = static_cast<Signed>((1u << (layout.exponent_bits + top)) - 1);
  const auto scale = static_cast<Signed>(row.scale);
  const std::int16_t* __restrict columns = row.columns;
  const std::size_t count = row.count;
  for (std::size_t j = 0; j < count; ++j) {
    const auto symbol = static_cast<Signed>(symbols[j]);
    const auto moved = static_cast<Signed>(static_cast<Signed>(scale + columns[j]) >> 3);
    const auto exponent = static_cast<Signed>(static_cast<Signed>(symbol >> 3) - exponent_offset + moved);
    const auto pair =
        static_cast<Wide>(static_cast<Signed>(static_cast<Signed>(exponent << top) | (symbol & 7)) & inside);
    auto own = static_cast<Wide>(static_cast<Wide>(high[j]) << whole);
    if constexpr (Low) own = static_cast<Wide>(own | static_cast<Wide>(rest[j]));
    const auto above = static_cast<Wide>(static_cast<Wide>(own >> bits) << sign);
    out[j] = static_cast<U>(above | static_cast<Wide>(pair << shift) | static_cast<Wide>((own & mask) << zeros));
  }
}

template <class U>
ATTAR_INLINE void join_row(const Layout& layout, const Row& row, const std::uint8_t* symbols, const std::byte* in,
                           std::byte* out, std::byte* work) noexcept {
  const unsigned width = layout.rest_bits(row.zeros) + 1, whole = width & ~7u;
  auto* rest = reinterpret_cast<U*>(work);
  auto* high = reinterpret_cast<std::uint8_t*>(work + row.count * sizeof(U));
  std::memset(high, 0, row.count);
  if (whole == 0) {
    unpack_bytes(reinterpret_cast<const std::uint8_t*>(in), row.count, width, high);
    with_constants<U>(
        layout, row.zeros, [&](Layout own, unsigned zeros) __attribute__((always_inline)) {
          joined<U, false>(own, row, zeros, symbols, rest, high, 0, reinterpret_cast<U*>(out));
        });
    return;
  }
  std::memset(rest, 0, row.count * sizeof(U));
  unsigned at = 0;
  if constexpr (sizeof(U) == 8)
    if ((width & 32) != 0) in = read_whole<std::uint32_t>(in, row.count, at, rest), at += 32;
  if constexpr (sizeof(U) >= 4)
    if ((width & 16) != 0) in = read_whole<std::uint16_t>(in, row.count, at, rest), at += 16;
  if ((width & 8) != 0) in = read_whole<std::uint8_t>(in, row.count, at, rest);
  unpack_bytes(reinterpret_cast<const std::uint8_t*>(in), row.count, width - whole, high);
  with_constants<U>(
      layout, row.zeros, [&](Layout own, unsigned zeros) __attribute__((always_inline)) {
        const unsigned from = (own.rest_bits(zeros) + 1) & ~7u;
        joined<U, true>(own, row, zeros, symbols, rest, high, from == 8 * sizeof(U) ? 0 : from,
                        reinterpret_cast<U*>(out));
      });
}

template <class U>
ATTAR_INLINE double sum_row(const Layout& layout, const std::byte* values, const float* weights,
                            std::size_t count) noexcept {
  double sum = 0;
  with_constants<U>(
      layout, 0, [&](Layout own, unsigned) __attribute__((always_inline)) {
        sum = sum_of(own, as<U>(values), weights, count);
      });
  return sum;
}

template <class U>
ATTAR_INLINE void symbols_row(const Layout& layout, const Row& row, Coded coded, const std::byte* values,
                              std::uint8_t* out) noexcept {
  with_constants<U>(
      layout,
      0, [&](Layout own, unsigned) __attribute__((always_inline)) { symbols_of(own, row, coded, as<U>(values), out); });
}

// One version of each loop for each size of element and each instruction set.
using Bytes = const std::byte*;

#define ATTAR_SIZES(Returned, name, parameters, call)         \
  ATTAR_VECTOR_CLONES Returned name##_1 parameters noexcept { \
    using U = std::uint8_t;                                   \
    return call;                                              \
  }                                                           \
  ATTAR_VECTOR_CLONES Returned name##_2 parameters noexcept { \
    using U = std::uint16_t;                                  \
    return call;                                              \
  }                                                           \
  ATTAR_VECTOR_CLONES Returned name##_4 parameters noexcept { \
    using U = std::uint32_t;                                  \
    return call;                                              \
  }                                                           \
  ATTAR_VECTOR_CLONES Returned name##_8 parameters noexcept { \
    using U = std::uint64_t;                                  \
    return call;                                              \
  }                                                           \
  constexpr std::array name##_by_size = {name##_1, name##_2, name##_4, name##_8};

ATTAR_SIZES(double, sum, (const Layout& layout, Bytes values, const float* weights, std::size_t count),
            sum_row<U>(layout, values, weights, count))
ATTAR_SIZES(void, add, (const Layout& layout, Bytes values, float weight, float* sums, std::size_t count),
            add_to(layout, as<U>(values), weight, sums, count))
ATTAR_SIZES(std::uint64_t, all, (Bytes values, std::size_t count), all_bits(as<U>(values), count))
ATTAR_SIZES(void, symbols, (const Layout& layout, const Row& row, Coded coded, Bytes values, std::uint8_t* out),
            symbols_row<U>(layout, row, coded, values, out))
ATTAR_SIZES(void, write, (const Layout& layout, const Row& row, Bytes values, std::byte* out, std::byte* work),
            write_row<U>(layout, row, values, out, work))
ATTAR_SIZES(void, join_values,
            (const Layout& layout, const Row& row, const std::uint8_t* symbols, Bytes rest, std::byte* out,
             std::byte* work),
            join_row<U>(layout, row, symbols, rest, out, work))

#undef ATTAR_SIZES

std::size_t size_of(const Layout& layout) noexcept { return static_cast<std::size_t>(std::countr_zero(layout.bytes)); }

std::uint64_t load_bits(const Layout& layout, const std::byte* value) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, value, layout.bytes);
  return bits;
}

ATTAR_VECTOR_CLONES void contexts_of(const std::int16_t* __restrict columns, std::size_t count, std::int16_t scale,
                                     std::uint8_t* __restrict out) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] = static_cast<std::uint8_t>((scale + columns[j]) & (contexts - 1));
}

}  // namespace

double sum_magnitudes(const Layout& layout, const std::byte* values, const float* weights, std::size_t count) noexcept {
  return sum_by_size[size_of(layout)](layout, values, weights, count);
}

void add_magnitudes(const Layout& layout, const std::byte* values, float weight, float* sums,
                    std::size_t count) noexcept {
  add_by_size[size_of(layout)](layout, values, weight, sums, count);
}

unsigned common_zeros(const Layout& layout, const std::byte* values, std::size_t count) noexcept {
  const std::uint64_t bits = all_by_size[size_of(layout)](values, count);
  return std::min<unsigned>(static_cast<unsigned>(std::countr_zero(bits)), layout.mantissa_bits);
}

void find_contexts(const Row& row, std::uint8_t* out) noexcept {
  contexts_of(row.columns, row.count, static_cast<std::int16_t>(row.scale), out);
}

void find_symbols(const Layout& layout, const Row& row, Coded coded, const std::byte* values,
                  std::uint8_t* out) noexcept {
  symbols_by_size[size_of(layout)](layout, row, coded, values, out);
}

std::uint16_t escaped(const Layout& layout, const std::byte* value) noexcept {
  const unsigned top = layout.top_bits();
  const std::uint64_t pair = load_bits(layout, value) >> (layout.mantissa_bits - top);
  return static_cast<std::uint16_t>(pair & ((std::uint64_t{1} << (layout.exponent_bits + top)) - 1));
}

std::size_t rest_bytes(const Layout& layout, std::size_t count, unsigned zeros) noexcept {
  const unsigned width = layout.rest_bits(zeros) + 1;
  std::size_t bytes = count * (width / 8);
  for (const unsigned part : {4u, 2u, 1u}) bytes += (width & part) != 0 ? part_bytes(count, part) : 0;
  return bytes;
}

void write_rest(const Layout& layout, const Row& row, const std::byte* values, std::byte* out,
                std::byte* work) noexcept {
  write_by_size[size_of(layout)](layout, row, values, out, work);
}

void join(const Layout& layout, const Row& row, const std::uint8_t* symbols, const std::byte* rest, std::byte* out,
          std::byte* work) noexcept {
  join_values_by_size[size_of(layout)](layout, row, symbols, rest, out, work);
}

void set_escaped(const Layout& layout, std::uint16_t pair, std::byte* value) noexcept {
  const unsigned top = layout.top_bits(), shift = layout.mantissa_bits - top;
  const std::uint64_t mask = ((std::uint64_t{1} << (layout.exponent_bits + top)) - 1) << shift;
  const std::uint64_t bits = (load_bits(layout, value) & ~mask) | (static_cast<std::uint64_t>(pair) << shift & mask);
  std::memcpy(value, &bits, layout.bytes);
}

}  // namespace attar::tensor::fields
