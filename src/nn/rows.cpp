#include "nn/rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "simd/clones.h"
#include "simd/lanes.h"

#define ATTAR_INLINE [[gnu::always_inline]] inline

namespace attar::nn {
namespace {

using simd::FloatLanes;
using simd::lanes;
using IntLanes [[gnu::vector_size(lanes * sizeof(std::int32_t))]] = std::int32_t;
using ByteLanes [[gnu::vector_size(lanes)]] = std::uint8_t;

// Added to a float of less than 2²², it leaves the nearest whole number in the lowest bits, ties to even.
constexpr float no_fraction = 0x1.8p23f;
constexpr std::int32_t no_fraction_bits = std::bit_cast<std::int32_t>(no_fraction);

// The bits of floats, and back.
ATTAR_INLINE void to_bits(const FloatLanes& values, IntLanes& out) noexcept { std::memcpy(&out, &values, sizeof(out)); }
ATTAR_INLINE void to_floats(const IntLanes& bits, FloatLanes& out) noexcept { std::memcpy(&out, &bits, sizeof(out)); }

// The lanes at `from`, or the first `count` and `rest` in the others.
ATTAR_INLINE void load(const float* from, std::size_t count, float rest, FloatLanes& out) noexcept {
  if (count >= lanes) {
    std::memcpy(&out, from, sizeof(out));
    return;
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) out[lane] = lane < count ? from[lane] : rest;
}

ATTAR_INLINE void store(const FloatLanes& values, std::size_t count, float* to) noexcept {
  std::memcpy(to, &values, count * sizeof(float));
}

// Calls step(i, n) for each 16 of `count` values, those from i on, and for the n < 16 that are left: twice in the code,
// so that the first is compiled for sixteen.
template <class Step>
ATTAR_INLINE void for_lanes(std::size_t count, const Step& step) noexcept {
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) step(i, lanes);
  if (i < count) step(i, count - i);
}

// The lanes added in halves.
ATTAR_INLINE float total(const FloatLanes& values) noexcept {
  float sums[lanes];
  std::memcpy(sums, &values, sizeof(sums));
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  return sums[0];
}

struct Extent {
  float lowest, highest;
};

ATTAR_VECTOR_CLONES Extent extent_of(const float* row, std::size_t count) noexcept {
  FloatLanes low = {}, high = {};
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes next;
        load(row + i, n, 0.0f, next);
        low = next < low ? next : low;
        high = next > high ? next : high;
      });
  Extent out{0.0f, 0.0f};
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    out.lowest = out.lowest < low[lane] ? out.lowest : low[lane];
    out.highest = out.highest > high[lane] ? out.highest : high[lane];
  }
  return out;
}

ATTAR_VECTOR_CLONES void round_row(const float* row, std::size_t count, float factor, std::int32_t zero,
                                   std::uint8_t* out) noexcept {
  const FloatLanes lowest = FloatLanes{} + static_cast<float>(-zero);
  const FloatLanes highest = FloatLanes{} + static_cast<float>(255 - zero);
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes x;
        load(row + i, n, 0.0f, x);
        x = x * factor;
        x = x > lowest ? x : lowest;  // what is not a number too
        x = x < highest ? x : highest;
        IntLanes whole;
        to_bits(x + no_fraction, whole);
        whole -= no_fraction_bits - zero;
        const ByteLanes bytes = __builtin_convertvector(whole, ByteLanes);
        std::memcpy(out + i, &bytes, n);
      });
}

ATTAR_VECTOR_CLONES void normalise(float* row, const float* added, const Norm& norm) noexcept {
  const std::size_t count = norm.scale.size();
  FloatLanes sum = {};
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes x, y;
        load(row + i, n, 0.0f, x);
        load(added + i, n, 0.0f, y);
        x += y;
        store(x, n, row + i);
        sum += x;
      });
  const auto size = static_cast<float>(count);
  const float mean = total(sum) / size;
  FloatLanes squares = {};
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes x;
        load(row + i, n, mean, x);
        x -= mean;
        squares += x * x;
      });
  const float rate = 1.0f / std::sqrt(total(squares) / size + norm.epsilon);
  for (std::size_t i = 0; i < count; ++i) row[i] = (row[i] - mean) * rate * norm.scale[i] + norm.shift[i];
}

// (Φ(z) − ½) / z of |z| ≤ widest as a polynomial in z²/12.5 − 1, lowest power first: fitted for the least largest error
// of the product below, and to ½ / widest at the end, so that what lies beyond becomes 0 or stays as it is.
constexpr float widest = 5.0f;
constexpr std::array gelu_coefficients = {
    0.141363802f,   -0.0702957887f, 0.0515189679f,   -0.0404550579f, 0.0314673065f, -0.0231829498f, 0.0162612732f,
    -0.0113998169f, 0.00675430422f, -0.00240745169f, 0.00134689421f, -0.001731033f, 0.000759549953f};

ATTAR_VECTOR_CLONES void gelu_of(float* values, std::size_t count) noexcept {
  constexpr std::size_t terms = gelu_coefficients.size();
  const FloatLanes low = FloatLanes{} - widest, high = FloatLanes{} + widest;
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes x;
        load(values + i, n, 0.0f, x);
        FloatLanes z = x < low ? low : x;
        z = z > high ? high : z;
        const FloatLanes t = z * z * (2.0f / (widest * widest)) - 1.0f;
        FloatLanes p = FloatLanes{} + gelu_coefficients[terms - 1];
        for (std::size_t k = terms - 1; k-- > 0;) p = p * t + gelu_coefficients[k];
        store(x * (z * p + 0.5f), n, values + i);
      });
}

// e^x of x ≤ 0 in place.
ATTAR_INLINE void exponential(FloatLanes& x) noexcept {
  constexpr float smallest = -87.0f, log2_e = 1.44269504f;
  constexpr float ln_2_high = 0.693359375f, ln_2_low = -2.12194440e-4f;  // the first has few bits: n · it is exact
  const FloatLanes floor = FloatLanes{} + smallest;
  x = x < floor ? floor : x;
  const FloatLanes shifted = x * log2_e + no_fraction;
  const FloatLanes n = shifted - no_fraction;
  const FloatLanes r = (x - n * ln_2_high) - n * ln_2_low;
  // Fitted for the least largest relative error, and to 1 at 0.
  FloatLanes p = FloatLanes{} + 0.00829030601f;
  for (const float coefficient : {0.0418979754f, 0.166676366f, 0.499991492f, 0.999999707f, 1.0f})
    p = p * r + coefficient;
  IntLanes power;
  to_bits(shifted, power);
  power = (power - (no_fraction_bits - 127)) << 23;
  FloatLanes scale;
  to_floats(power, scale);
  x = p * scale;
}

ATTAR_VECTOR_CLONES float exponentials_of(float* values, std::size_t count, float factor) noexcept {
  FloatLanes best = FloatLanes{} + values[0];
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes next;
        load(values + i, n, values[0], next);
        best = next > best ? next : best;
      });
  float largest = best[0];
  for (std::size_t lane = 1; lane < lanes; ++lane) largest = std::max(largest, best[lane]);
  FloatLanes sum = {};
  for_lanes(
      count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        FloatLanes x;
        load(values + i, n, largest, x);
        x = (x - largest) * factor;
        exponential(x);
        for (std::size_t lane = n; lane < lanes; ++lane) x[lane] = 0;
        std::memcpy(values + i, &x, sizeof(x));
        sum += x;
      });
  return total(sum);
}

}  // namespace

ByteScale round_to_bytes(std::span<const float> row, std::span<std::uint8_t> out) noexcept {
  const Extent extent = extent_of(row.data(), row.size());
  const float range = extent.highest - extent.lowest;
  const float factor = 255.0f / range;
  ByteScale scale{.unit = range / 255.0f, .zero = 0};
  if (!(range <= std::numeric_limits<float>::max())) {
    scale.unit = std::numeric_limits<float>::quiet_NaN();
    std::ranges::fill(out, std::uint8_t{0});
    return scale;
  }
  if (!std::isfinite(factor)) {  // all zero, or too small to tell
    std::ranges::fill(out, std::uint8_t{0});
    return {};
  }
  scale.zero = static_cast<std::int32_t>(std::nearbyint(-extent.lowest * factor));
  round_row(row.data(), row.size(), factor, scale.zero, out.data());
  std::ranges::fill(out.subspan(row.size()), std::uint8_t{0});
  return scale;
}

void add_and_normalise(std::span<float> row, std::span<const float> added, const Norm& norm) noexcept {
  normalise(row.data(), added.data(), norm);
}

void gelu(std::span<float> values) noexcept { gelu_of(values.data(), values.size()); }

float exponentials(float* values, std::size_t count, float factor) noexcept {
  return exponentials_of(values, count, factor);
}

}  // namespace attar::nn
