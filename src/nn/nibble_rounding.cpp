#include "nn/nibble_rounding.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/half.h"
#include "nn/nibble_tile.h"
#include "simd/clones.h"
#include "simd/lanes.h"

namespace attar::nn {
namespace {

using simd::FloatLanes;
using simd::lanes;

static_assert(group_inputs == 2 * lanes);

// Scales that are tried: the largest weight becomes −8 in the first, and is cut off in the others. The last shares are
// chosen by few groups, and more of them by none that tell (docs/decisions/0041).
constexpr int tried_scales = 12;
constexpr float first_share = 1.05f, share_step = 0.03f;

// A float of less than 2²² loses its fraction, ties to even.
constexpr float no_fraction = 0x1.8p23f;

[[gnu::always_inline]] inline void round_lanes(FloatLanes& x) noexcept {
  const FloatLanes lowest = FloatLanes{} - 8.0f, highest = FloatLanes{} + 7.0f;
  x = x > lowest ? x : lowest;
  x = x < highest ? x : highest;
  x = x + no_fraction - no_fraction;
}

// Σ(weight − scale · code)², lane by lane and then by halves.
ATTAR_VECTOR_CLONES float squared_error(const float* weights, float scale, float inverse) noexcept {
  FloatLanes low, high;
  std::memcpy(&low, weights, sizeof(low));
  std::memcpy(&high, weights + lanes, sizeof(high));
  FloatLanes low_codes = low * inverse, high_codes = high * inverse;
  round_lanes(low_codes);
  round_lanes(high_codes);
  low -= low_codes * scale;
  high -= high_codes * scale;
  const FloatLanes squares = low * low + high * high;
  float sums[lanes];
  std::memcpy(sums, &squares, sizeof(sums));
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  return sums[0];
}

ATTAR_VECTOR_CLONES void round_codes(const float* weights, float inverse, std::uint8_t* codes) noexcept {
  for (std::size_t at = 0; at < group_inputs; at += lanes) {
    FloatLanes x;
    std::memcpy(&x, weights + at, sizeof(x));
    x *= inverse;
    round_lanes(x);
    for (std::size_t lane = 0; lane < lanes; ++lane)
      codes[at + lane] = static_cast<std::uint8_t>(x[lane] + nibble_zero);
  }
}

}  // namespace

std::uint16_t round_nibbles(const float* weights, std::uint8_t* codes) noexcept {
  float largest = 0;
  for (std::size_t k = 0; k < group_inputs; ++k)
    if (std::fabs(weights[k]) > std::fabs(largest)) largest = weights[k];
  std::uint16_t best = 0;
  float best_inverse = 0, least = std::numeric_limits<float>::infinity();
  for (int i = 0; i < tried_scales; ++i) {
    const std::uint16_t scale =
        base::float_to_bf16(largest / -8.0f * (first_share - share_step * static_cast<float>(i)));
    const float widened = base::bf16_to_float(scale), inverse = 1.0f / widened;
    if (!std::isnormal(widened) || !std::isnormal(inverse)) continue;
    const float error = squared_error(weights, widened, inverse);
    if (!(error < least) && best != 0) continue;
    least = error;
    best = scale;
    best_inverse = inverse;
  }
  round_codes(weights, best_inverse, codes);
  return best;
}

}  // namespace attar::nn
