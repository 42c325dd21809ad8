// esq's arithmetic: the quantizer, its planes, and exact integer sums of a query with rows. Pure functions; spec.md has
// the formulas.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "simd/isa.h"
#include "vector/esq/layout.h"

namespace attar::vector::esq {

/// v of crumb 3 is 128 + far·(2f + 1), of crumb 2 near·(2f + 1).
struct Slopes {
  std::int8_t near = 0;
  std::int8_t far = 0;
};
/// By bits / 2.
inline constexpr std::array<Slopes, 5> slopes = {{{}, {64, 64}, {16, 32}, {4, 8}, {1, 3}}};
inline constexpr int unit = 128;  ///< v of u = 1

/// One component's code.
struct Code {
  std::uint8_t crumb = 0;
  std::uint8_t rest = 0;  ///< f
};

/// u as a code of so many bits; not a number counts as large.
[[nodiscard]] Code quantize(float u, unsigned bits) noexcept;

[[nodiscard]] constexpr int value_of(Code code, unsigned bits) noexcept {
  const auto [near, far] = slopes[bits / 2];
  const bool outer = code.crumb == 0 || code.crumb == 3;
  const int size = (outer ? unit : 0) + (outer ? far : near) * (2 * code.rest + 1);
  return code.crumb < 2 ? -size : size;
}
[[nodiscard]] constexpr int largest_value(unsigned bits) noexcept {
  return value_of({.crumb = 3, .rest = static_cast<std::uint8_t>((1u << (bits - 2)) - 1)}, bits);
}

/// A row's two parts.
struct Place {
  const std::byte* walk = nullptr;
  const std::byte* finish = nullptr;
};

/// Writes a group's codes (4c of them) into zero bytes.
void put_group(const Group& group, std::span<const Code> codes, std::byte* walk, std::byte* finish) noexcept;
/// The code of component `index` of the group.
[[nodiscard]] Code code_at(const Group& group, Place row, std::size_t index) noexcept;

/// Unsigned 16-bit floats (spec.md). Every pattern is a number; what is beyond the largest, or none, becomes it.
[[nodiscard]] inline float scale_from(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(std::uint32_t{bits} << 12) * 0x1p112f;
}
/// Of a number that is not negative: to the nearest, ties to even.
[[nodiscard]] std::uint16_t scale_to_bits(double value) noexcept;

/// A query rounded for the walk. Bytes beyond the codes of the last load meet zeros.
struct WalkQuery {
  static constexpr std::size_t load_bytes = 32;
  static constexpr std::size_t most_loads = most_walk_bytes / load_bytes;

  std::size_t loads = 0;
  std::int32_t constant = 0;  ///< −3·Σ 2^(7−κ)·Σ q
  /// [load][t][byte]: q of the component that is crumb t of the byte.
  alignas(32) std::array<std::int8_t, most_loads * 4 * load_bytes> values{};
  alignas(32) std::array<std::int16_t, most_loads * load_bytes / 2> weights{};  ///< [pair of bytes]: 2^(7−κ)

  [[nodiscard]] static std::size_t value_place(std::size_t byte, std::size_t crumb) noexcept {
    return byte / load_bytes * 4 * load_bytes + crumb * load_bytes + byte % load_bytes;
  }
};

/// A query rounded for the finish: 64 numbers a group, zeros where a quarter is shorter, in the order that
/// finish_place() says.
struct FinishQuery {
  std::span<const Group> groups;
  const std::int16_t* values = nullptr;
};

/// Where component i of quarter t of a group stands among its 64: two quarters are scored together, half by half.
[[nodiscard]] constexpr std::size_t finish_place(std::size_t t, std::size_t i) noexcept {
  return t / 2 * 32 + i / 8 * 16 + t % 2 * 8 + i % 8;
}

/// sums[i] = I of the row at rows[i]. At least overread_bytes can be read past each part.
struct Kernel {
  void (*walk)(const WalkQuery& query, const std::byte* const* rows, std::size_t count, std::int32_t* sums) noexcept;
  void (*finish)(const FinishQuery& query, const Place* rows, std::size_t count, std::int32_t* sums) noexcept;
};
[[nodiscard]] const Kernel& kernel_for(simd::Level level) noexcept;

namespace detail {
void walk_avx2(const WalkQuery& query, const std::byte* const* rows, std::size_t count, std::int32_t* sums) noexcept;
void finish_avx2(const FinishQuery& query, const Place* rows, std::size_t count, std::int32_t* sums) noexcept;
}  // namespace detail

}  // namespace attar::vector::esq
