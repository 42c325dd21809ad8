#include "tensor/fields/kernel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "simd/clones.h"
#include "tensor/fields/parts.h"

namespace attar::tensor::fields {
namespace {

template <class U>
ATTAR_INLINE const U* as(const std::byte* values) noexcept {
  return reinterpret_cast<const U*>(values);
}

// |x| as a float, exponents moved so that the middle of the type's range is 1; 0 where x is not finite.
template <class U>
ATTAR_INLINE float magnitude(const Layout& layout, U value) noexcept {
  const unsigned sign = layout.exponent_bits + layout.mantissa_bits;
  const U bits = value & static_cast<U>((U{1} << sign) - 1);
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
ATTAR_INLINE double sum_of(const Layout& layout, const U* values, const float* weights, std::size_t count) noexcept {
  constexpr std::size_t lanes = 16;
  float sums[lanes] = {};
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes)
    for (std::size_t l = 0; l < lanes; ++l) sums[l] += magnitude(layout, values[j + l]) * weights[j + l];
  double sum = 0;
  for (; j < count; ++j) sum += static_cast<double>(magnitude(layout, values[j]) * weights[j]);
  for (const float own : sums) sum += static_cast<double>(own);
  return sum;
}

template <class U>
ATTAR_INLINE void add_to(const Layout& layout, const U* values, float weight, float* sums, std::size_t count) noexcept {
  for (std::size_t j = 0; j < count; ++j) sums[j] += magnitude(layout, values[j]) * weight;
}

template <class U>
ATTAR_INLINE U all_bits(const U* values, std::size_t count) noexcept {
  U bits = 0;
  for (std::size_t j = 0; j < count; ++j) bits |= values[j];
  return bits;
}

template <class U>
ATTAR_INLINE void symbols_of(const Layout& layout, const Row& row, const U* values, std::uint8_t* out) noexcept {
  const unsigned top = layout.top_bits();
  const auto mask = static_cast<U>((U{1} << (layout.exponent_bits + top)) - 1);
  const unsigned shift = layout.mantissa_bits - top;
  const auto scale = static_cast<std::int16_t>(row.scale);
  for (std::size_t j = 0; j < row.count; ++j) {
    const auto pair = static_cast<std::int32_t>(static_cast<U>(values[j] >> shift) & mask);
    const std::int32_t exponent = pair >> top, fraction = pair & ((1 << top) - 1);
    const std::int32_t k = exponent - ((scale + row.columns[j]) >> 3) + exponent_offset;
    const bool inside = k >= 1 && k <= most_offset;
    out[j] = static_cast<std::uint8_t>(inside ? k << 3 | fraction : escape);
  }
}

template <class U>
ATTAR_INLINE void rest_of(const Layout& layout, const Row& row, const U* values, U* out) noexcept {
  const unsigned bits = layout.rest_bits(row.zeros), sign = layout.exponent_bits + layout.mantissa_bits;
  const auto mask = static_cast<U>((U{1} << bits) - 1);
  const unsigned zeros = bits == 0 ? 0 : row.zeros;
  for (std::size_t j = 0; j < row.count; ++j)
    out[j] = static_cast<U>(static_cast<U>(values[j] >> zeros & mask) | static_cast<U>(values[j] >> sign) << bits);
}

template <class U>
ATTAR_INLINE void joined(const Layout& layout, const Row& row, const std::uint8_t* symbols, const U* rest,
                         U* out) noexcept {
  const unsigned bits = layout.rest_bits(row.zeros), sign = layout.exponent_bits + layout.mantissa_bits;
  const unsigned top = layout.top_bits(), zeros = bits == 0 ? 0 : row.zeros, shift = layout.mantissa_bits - top;
  const auto mask = static_cast<U>((U{1} << bits) - 1);
  const auto inside = static_cast<std::int32_t>((1u << (layout.exponent_bits + top)) - 1);
  const auto scale = static_cast<std::int16_t>(row.scale);
  for (std::size_t j = 0; j < row.count; ++j) {
    const std::int32_t symbol = symbols[j];
    const std::int32_t exponent = (symbol >> 3) - exponent_offset + ((scale + row.columns[j]) >> 3);
    const auto pair = static_cast<U>((exponent << top | (symbol & 7)) & inside);
    const auto high = static_cast<U>(static_cast<U>(rest[j] >> bits) << sign);
    out[j] = static_cast<U>(high | static_cast<U>(pair << shift) | static_cast<U>((rest[j] & mask) << zeros));
  }
}

template <class U>
ATTAR_INLINE void write_row(const Layout& layout, const Row& row, const std::byte* values, std::byte* out,
                            std::byte* work) noexcept {
  auto* rest = reinterpret_cast<U*>(work);
  rest_of(layout, row, as<U>(values), rest);
  for_each_part(layout.rest_bits(row.zeros) + 1,
                [&]<unsigned Width>(unsigned at) { out += write_part<Width>(rest, row.count, at, out); });
}

template <class U>
ATTAR_INLINE void join_row(const Layout& layout, const Row& row, const std::uint8_t* symbols, const std::byte* in,
                           std::byte* out, std::byte* work) noexcept {
  auto* rest = reinterpret_cast<U*>(work);
  std::memset(rest, 0, row.count * sizeof(U));
  for_each_part(layout.rest_bits(row.zeros) + 1,
                [&]<unsigned Width>(unsigned at) { in += read_part<Width>(in, row.count, at, rest); });
  joined(layout, row, symbols, rest, reinterpret_cast<U*>(out));
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
            sum_of(layout, as<U>(values), weights, count))
ATTAR_SIZES(void, add, (const Layout& layout, Bytes values, float weight, float* sums, std::size_t count),
            add_to(layout, as<U>(values), weight, sums, count))
ATTAR_SIZES(std::uint64_t, all, (Bytes values, std::size_t count), all_bits(as<U>(values), count))
ATTAR_SIZES(void, symbols, (const Layout& layout, const Row& row, Bytes values, std::uint8_t* out),
            symbols_of(layout, row, as<U>(values), out))
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

ATTAR_VECTOR_CLONES void contexts_of(const std::int16_t* columns, std::size_t count, std::int16_t scale,
                                     std::uint8_t* out) noexcept {
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

void find_symbols(const Layout& layout, const Row& row, const std::byte* values, std::uint8_t* out) noexcept {
  symbols_by_size[size_of(layout)](layout, row, values, out);
}

std::uint16_t escaped(const Layout& layout, const std::byte* value) noexcept {
  const unsigned top = layout.top_bits();
  const std::uint64_t pair = load_bits(layout, value) >> (layout.mantissa_bits - top);
  return static_cast<std::uint16_t>(pair & ((std::uint64_t{1} << (layout.exponent_bits + top)) - 1));
}

std::size_t rest_bytes(const Layout& layout, std::size_t count, unsigned zeros) noexcept {
  std::size_t bytes = 0;
  for_each_part(layout.rest_bits(zeros) + 1, [&]<unsigned Width>(unsigned) { bytes += (count * Width + 7) / 8; });
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
