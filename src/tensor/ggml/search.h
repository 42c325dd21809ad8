// The search for scales that all quantizers share: candidates side by side, one a lane. Everything is inlined into the
// kernels, which are compiled for each instruction set.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "simd/lanes.h"

#define ATTAR_GGML_INLINE [[gnu::always_inline]] inline

namespace attar::tensor::ggml {

/// Eight: what AVX2 holds. Longer ones are compared one by one where registers are shorter (GCC 12).
inline constexpr std::size_t lanes = 8;
using FloatLanes [[gnu::vector_size(lanes * sizeof(float))]] = float;

/// Candidates of a search, some lanes at a time.
inline constexpr std::size_t candidates = 16;

/// Values that reach no further need no scale: all of their halves are 0. What is divided by them would overflow.
inline constexpr float least_extent = 1e-20f;

/// Whole numbers that a code may be.
struct CodeRange {
  float least = 0;
  float most = 0;
};

/// To the nearest whole number of the range, ties to even; no value is NaN.
ATTAR_GGML_INLINE void round_to_codes(FloatLanes& values, CodeRange range) noexcept {
  // Added to a float of less than 2²² and taken away again, it leaves the nearest whole number.
  constexpr float no_fraction = 0x1.8p23f;
  const FloatLanes least = FloatLanes{} + range.least, most = FloatLanes{} + range.most;
  values = values < least ? least : values;
  values = values > most ? most : values;
  values = (values + no_fraction) - no_fraction;
}

/// The lanes added in halves.
ATTAR_GGML_INLINE float sum_of_lanes(const FloatLanes& values) noexcept {
  float sums[lanes];
  std::memcpy(sums, &values, sizeof(sums));
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  return sums[0];
}

/// The first lane that holds the largest value.
ATTAR_GGML_INLINE std::size_t largest_lane(const FloatLanes& values) noexcept {
  std::size_t best = 0;
  for (std::size_t lane = 1; lane < lanes; ++lane)
    if (values[lane] > values[best]) best = lane;
  return best;
}

/// Numbers that candidates try: first, first + step, first + 2·step and so on.
struct Trials {
  float first = 0;
  float step = 0;

  [[nodiscard]] constexpr float at(std::size_t index) const noexcept {
    return first + static_cast<float>(index) * step;
  }
};

/// A scale or an offset as it will be read back; 0 without a sign.
ATTAR_GGML_INLINE float as_half(float value) noexcept {
  constexpr float largest = 65504.0f;
  return base::half_to_float(base::float_to_half(std::clamp(value, -largest, largest))) + 0.0f;
}

ATTAR_GGML_INLINE float inverse_or_zero(float value) noexcept { return value != 0 ? 1 / value : 0; }

/// Weights of a block in ratio to the largest, a millionth at least: sums neither overflow nor vanish, and values of no
/// weight are not lost altogether. 1 where there are none or all are 0.
template <std::size_t count>
ATTAR_GGML_INLINE void normalised_weights(const float* weights, float* out) noexcept {
  std::fill_n(out, count, 1.0f);
  if (weights == nullptr) return;
  const float largest = simd::largest_of(weights, count);
  if (!(largest > 0)) return;
  for (std::size_t i = 0; i < count; ++i) out[i] = std::max(weights[i] / largest, 1e-6f);
}

/// Scales and offsets of candidates: weighted squared errors of values read back as scale·code − offset, with the
/// nearest codes.
template <std::size_t count>
ATTAR_GGML_INLINE void errors_of(const float* values, const float* weights, CodeRange range, const FloatLanes& scales,
                                 const FloatLanes& offsets, FloatLanes& errors) noexcept {
  const FloatLanes inverses = scales != 0 ? 1 / scales : FloatLanes{};
  errors = FloatLanes{};
  for (std::size_t i = 0; i < count; ++i) {
    const FloatLanes rest = values[i] + offsets;
    FloatLanes codes = rest * inverses;
    round_to_codes(codes, range);
    const FloatLanes miss = rest - scales * codes;
    errors += weights[i] * miss * miss;
  }
}

/// The value of the largest magnitude, with its sign; the first of several.
template <std::size_t count>
ATTAR_GGML_INLINE float extreme_of(const float* values) noexcept {
  float extreme = values[0];
  for (std::size_t i = 1; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  return extreme;
}

/// The scale s for which s·codes comes nearest to the values, over candidates that give `extreme` codes beside one end
/// of the range or the other: least − t and most + t for sixteen trials t. One end only where both are alike.
template <std::size_t count>
ATTAR_GGML_INLINE float search_scale(const float* values, const float* weights, CodeRange range, float extreme,
                                     Trials trials) noexcept {
  if (!(std::fabs(extreme) > least_extent)) return 0;
  float best_gain = 0, best_scale = 0;
  const bool symmetric = -range.least == range.most;
  const float divisor = symmetric ? std::fabs(extreme) : extreme;
  for (std::size_t first = 0; first < (symmetric ? 1 : 2) * candidates; first += lanes) {
    FloatLanes factors;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const float trial = trials.at(first % candidates + lane);
      factors[lane] = (first < candidates ? range.most + trial : range.least - trial) / divisor;
    }
    FloatLanes products{}, squares{};
    for (std::size_t i = 0; i < count; ++i) {
      FloatLanes codes = values[i] * factors;
      round_to_codes(codes, range);
      const FloatLanes weighted = weights[i] * codes;
      products += values[i] * weighted;
      squares += codes * weighted;
    }
    // What the least-squares scale takes off the weighted square of the values; 0 where all codes are 0.
    const FloatLanes gains = products * products / (squares + 1e-30f);
    const std::size_t lane = largest_lane(gains);
    if (!(gains[lane] > best_gain)) continue;
    best_gain = gains[lane];
    best_scale = products[lane] / squares[lane];
  }
  return best_scale;
}

/// A scale ≥ 0 and an offset: values are near scale·code + offset, codes 0 … most.
struct Line {
  float scale = 0;
  float offset = 0;
};

/// Weighted sums of codes q from 0 on and of values x.
template <class T>
struct LineSums {
  T w{}, q{}, qq{}, x{}, qx{};
};

/// The line of least squares, with the offset at most `highest`. All codes alike: scale 0.
template <class T>
ATTAR_GGML_INLINE void fit_line(const LineSums<T>& sums, float highest, T& scale, T& offset) noexcept {
  const T spread = sums.w * sums.qq - sums.q * sums.q;
  const T top = T{} + highest, nothing{};
  scale = spread > 0 ? (sums.w * sums.qx - sums.q * sums.x) / spread : nothing;
  offset = (sums.x - scale * sums.q) / sums.w;
  scale = offset > top ? (sums.qx - top * sums.q) / (sums.qq + 1e-30f) : scale;
  offset = offset > top ? top : offset;
  scale = scale > 0 ? scale : nothing;
}

/// The best line over candidates that cut four trials t of a step off below and as many above, in all pairs. `values`
/// are 0 or more, the largest is `range` > least_extent.
template <std::size_t count>
ATTAR_GGML_INLINE Line search_line(const float* values, const float* weights, float most, float range, float highest,
                                   Trials trials) noexcept {
  const CodeRange codes_of{.least = 0, .most = most};
  const float step = range / most;
  Line best;
  float best_gain = 0;
  for (std::size_t first = 0; first < candidates; first += lanes) {
    FloatLanes factors, starts;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const float below = trials.at((first + lane) % 4), above = trials.at((first + lane) / 4);
      factors[lane] = most / (range - (below + above) * step);
      starts[lane] = below * step;
    }
    LineSums<FloatLanes> sums;
    for (std::size_t i = 0; i < count; ++i) {
      FloatLanes codes = (values[i] - starts) * factors;
      round_to_codes(codes, codes_of);
      const FloatLanes weighted = weights[i] * codes;
      sums.q += weighted;
      sums.qq += weighted * codes;
      sums.qx += weighted * values[i];
      sums.w += weights[i];
      sums.x += weights[i] * values[i];
    }
    FloatLanes scales, offsets;
    fit_line(sums, highest, scales, offsets);
    // What the line takes off the weighted square of the values: Σw(x² − (x − sq − o)²), multiplied out.
    const FloatLanes gains =
        scales * (2 * sums.qx - scales * sums.qq - 2 * offsets * sums.q) + offsets * (2 * sums.x - offsets * sums.w);
    const std::size_t lane = largest_lane(gains);
    if (!(gains[lane] > best_gain)) continue;
    best_gain = gains[lane];
    best = {.scale = scales[lane], .offset = offsets[lane]};
  }
  return best;
}

}  // namespace attar::tensor::ggml
