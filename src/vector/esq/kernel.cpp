#include "vector/esq/kernel.h"

#include <algorithm>
#include <cmath>

namespace attar::vector::esq {
namespace {

constexpr std::array<float, 5> far_reach = {0, 1, 2, 2, 3};  // ρ, by bits / 2

unsigned crumb_of(const std::byte* plane, std::size_t byte, std::size_t t) noexcept {
  return std::to_integer<unsigned>(plane[byte]) >> (2 * t) & 3;
}

unsigned nibble_of(const std::byte* plane, std::size_t quarter, std::size_t t, std::size_t i) noexcept {
  return std::to_integer<unsigned>(plane[quarter * (t % 2) + i]) >> (4 * (t / 2)) & 15;
}

void walk_scalar(const WalkQuery& query, const std::byte* const* rows, std::size_t count, std::int32_t* sums) noexcept {
  for (std::size_t row = 0; row < count; ++row) {
    std::int32_t sum = 0;
    for (std::size_t byte = 0; byte < query.loads * WalkQuery::load_bytes; ++byte) {
      std::int32_t own = 0;
      for (std::size_t t = 0; t < 4; ++t)
        own += static_cast<std::int32_t>(crumb_of(rows[row], byte, t)) * query.values[WalkQuery::value_place(byte, t)];
      sum += own * query.weights[byte / 2];
    }
    sums[row] = 2 * sum + query.constant;
  }
}

void finish_scalar(const FinishQuery& query, const Place* rows, std::size_t count, std::int32_t* sums) noexcept {
  for (std::size_t row = 0; row < count; ++row) {
    std::int32_t sum = 0;
    const std::int16_t* values = query.values;
    for (const Group& group : query.groups) {
      for (std::size_t t = 0; t < 4; ++t)
        for (std::size_t i = 0; i < group.quarter; ++i)
          sum += value_of(code_at(group, rows[row], group.quarter * t + i), group.bits) * values[finish_place(t, i)];
      values += largest_group;
    }
    sums[row] = sum;
  }
}

constexpr Kernel scalar = {.walk = walk_scalar, .finish = finish_scalar};
#if defined(__x86_64__)
constexpr Kernel avx2 = {.walk = detail::walk_avx2, .finish = detail::finish_avx2};
#endif

}  // namespace

const Kernel& kernel_for(simd::Level level) noexcept {
#if defined(__x86_64__)
  return level == simd::Level::scalar ? scalar : avx2;
#else
  (void)level;
  return scalar;
#endif
}

Code quantize(float u, unsigned bits) noexcept {
  const float size = std::fabs(u);
  const bool outer = !(size < 1);
  const auto levels = static_cast<float>(1u << (bits - 2));
  const float place = outer ? (size - 1) / far_reach[bits / 2] * levels : size * levels;
  const auto rest = place < levels ? static_cast<std::uint8_t>(place) : static_cast<std::uint8_t>(levels - 1);
  const bool negative = u < 0;
  return {.crumb = static_cast<std::uint8_t>(negative ? (outer ? 0 : 1) : (outer ? 3 : 2)), .rest = rest};
}

void put_group(const Group& group, std::span<const Code> codes, std::byte* walk, std::byte* finish) noexcept {
  const std::size_t c = group.quarter;
  std::byte* crumbs = (group.walked ? walk : finish) + group.place;
  std::byte* nibbles = finish + group.rest;
  std::byte* last = nibbles + (group.bits == 8 ? 2 * c : 0);
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < c; ++i) {
      const auto [crumb, rest] = codes[c * t + i];
      crumbs[i] |= static_cast<std::byte>(crumb << (2 * t));
      if (group.bits >= 6)
        nibbles[c * (t % 2) + i] |= static_cast<std::byte>((group.bits == 8 ? rest >> 2 : rest) << (4 * (t / 2)));
      if (group.bits == 4 || group.bits == 8) last[i] |= static_cast<std::byte>((rest & 3) << (2 * t));
    }
}

Code code_at(const Group& group, Place row, std::size_t index) noexcept {
  const std::size_t c = group.quarter, t = index / c, i = index % c;
  const std::byte* rest = row.finish + group.rest;
  unsigned value = 0;
  if (group.bits >= 6) value = nibble_of(rest, c, t, i);
  if (group.bits == 8) value = value << 2 | crumb_of(rest + 2 * c, i, t);
  if (group.bits == 4) value = crumb_of(rest, i, t);
  const unsigned crumb = crumb_of((group.walked ? row.walk : row.finish) + group.place, i, t);
  return {.crumb = static_cast<std::uint8_t>(crumb), .rest = static_cast<std::uint8_t>(value)};
}

std::uint16_t scale_to_bits(double value) noexcept {
  constexpr double least_normal = 0x1p-14, last_exponent = 0x1p16;
  constexpr std::uint16_t largest = 0xffff;
  if (!(value < 2 * last_exponent)) return largest;
  // Of one exponent the steps are even, and the patterns follow one another across exponents.
  const int exponent = value < least_normal ? -14 : std::ilogb(value);
  const double steps = std::nearbyint(std::ldexp(value, 11 - exponent)) + 2048.0 * (exponent + 14);
  return static_cast<std::uint16_t>(std::min(steps, static_cast<double>(largest)));
}

}  // namespace attar::vector::esq
