#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "simd/clones.h"
#include "tensor/ggml/kernel.h"
#include "tensor/ggml/layout.h"
#include "tensor/ggml/search.h"

namespace attar::tensor::ggml {
namespace {

constexpr int most_turns = 3;  // of codes and scale after each other
// How far candidates go beyond plain rounding, in steps of a code. Chosen on Gaussian and Laplacian numbers.
constexpr Trials scale_trials{.first = -1.2f, .step = 0.2f};
constexpr Trials byte_trials{.first = -2.5f, .step = 0.2f};
constexpr Trials line_trials{.first = -0.5f, .step = 0.35f};

// What was chosen for a block of 32 values, and its weighted squared error.
struct SmallFit {
  float scale = 0;
  float offset = 0;
  float error = 0;
  FloatLanes codes[small_values / lanes];
  FloatLanes free_sums[2];  // Σwxq and Σwq² in lanes, of x less the offset
};

// The nearest codes for a scale and an offset.
ATTAR_GGML_INLINE void fit_codes(const float* values, const float* weights, CodeRange range, float scale, float offset,
                                 SmallFit& out) noexcept {
  const float inverse = inverse_or_zero(scale);
  FloatLanes errors{}, products{}, squares{};
  for (std::size_t part = 0; part < small_values / lanes; ++part) {
    FloatLanes x, w;
    std::memcpy(&x, values + part * lanes, sizeof(x));
    std::memcpy(&w, weights + part * lanes, sizeof(w));
    const FloatLanes rest = x - offset;
    FloatLanes codes = rest * inverse;
    round_to_codes(codes, range);
    const FloatLanes miss = rest - scale * codes, weighted = w * codes;
    errors += w * miss * miss;
    products += weighted * rest;
    squares += weighted * codes;
    out.codes[part] = codes;
  }
  out.scale = scale;
  out.offset = offset;
  out.error = sum_of_lanes(errors);
  out.free_sums[0] = products;
  out.free_sums[1] = squares;
}

// The scale that fits the codes best.
ATTAR_GGML_INLINE float fitted_scale(const SmallFit& fit) noexcept {
  const float squares = sum_of_lanes(fit.free_sums[1]);
  return squares > 0 ? sum_of_lanes(fit.free_sums[0]) / squares : 0.0f;
}

// Scale alone: codes from below 0 to above.
ATTAR_GGML_INLINE void best_scale(const float* values, const float* weights, CodeRange range, Trials trials,
                                  SmallFit& best) noexcept {
  const float extreme = extreme_of<small_values>(values);
  const float plain = -range.least == range.most ? std::fabs(extreme) / range.most : extreme / range.least;
  fit_codes(values, weights, range, as_half(plain), 0, best);
  if (best.scale == 0) return;
  float scale = search_scale<small_values>(values, weights, range, extreme, trials);
  for (int turn = 0; turn < most_turns; ++turn) {
    SmallFit next;
    fit_codes(values, weights, range, as_half(scale), 0, next);
    if (!(next.error < best.error)) return;
    best = next;
    scale = fitted_scale(best);
  }
}

// The line of least squares through codes and values less `low`.
ATTAR_GGML_INLINE Line fitted_line(const float* values, const float* weights, float low, const SmallFit& fit) noexcept {
  LineSums<FloatLanes> sums;
  for (std::size_t part = 0; part < small_values / lanes; ++part) {
    FloatLanes x, w;
    std::memcpy(&x, values + part * lanes, sizeof(x));
    std::memcpy(&w, weights + part * lanes, sizeof(w));
    const FloatLanes weighted = w * fit.codes[part], rest = x - low;
    sums.w += w;
    sums.q += weighted;
    sums.qq += weighted * fit.codes[part];
    sums.x += w * rest;
    sums.qx += weighted * rest;
  }
  const LineSums<float> folded{.w = sum_of_lanes(sums.w),
                               .q = sum_of_lanes(sums.q),
                               .qq = sum_of_lanes(sums.qq),
                               .x = sum_of_lanes(sums.x),
                               .qx = sum_of_lanes(sums.qx)};
  Line out;
  fit_line(folded, std::numeric_limits<float>::max(), out.scale, out.offset);
  return out;
}

// Scale and offset: codes from 0 on.
ATTAR_GGML_INLINE void best_line(const float* values, const float* weights, float most, Trials trials,
                                 SmallFit& best) noexcept {
  const CodeRange range{.least = 0, .most = most};
  float low = values[0], high = values[0];
  for (std::size_t i = 1; i < small_values; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  fit_codes(values, weights, range, as_half((high - low) / most), as_half(low), best);
  if (best.scale == 0) return;
  alignas(64) float above[small_values];
  for (std::size_t i = 0; i < small_values; ++i) above[i] = values[i] - low;
  Line line = search_line<small_values>(above, weights, most, high - low, std::numeric_limits<float>::max(), trials);
  for (int turn = 0; turn < most_turns; ++turn) {
    SmallFit next;
    fit_codes(values, weights, range, as_half(line.scale), as_half(low + line.offset), next);
    // The offset was rounded: the scale is fitted once more to what it leaves.
    fit_codes(values, weights, range, as_half(fitted_scale(next)), next.offset, next);
    if (!(next.error < best.error)) return;
    best = next;
    line = fitted_line(values, weights, low, best);
  }
}

void put_half(float value, std::byte* to) noexcept { base::store(to, base::float_to_half(value)); }

// Codes as floats, `zero` added, as bytes.
ATTAR_GGML_INLINE void whole_codes(const SmallFit& fit, std::int32_t zero, std::int32_t* out) noexcept {
  float codes[small_values];
  std::memcpy(codes, fit.codes, sizeof(codes));
  for (std::size_t i = 0; i < small_values; ++i) out[i] = static_cast<std::int32_t>(codes[i]) + zero;
}

template <SmallLayout layout>
ATTAR_GGML_INLINE void put_small(const SmallFit& fit, std::byte* out) noexcept {
  std::int32_t codes[small_values];
  whole_codes(fit, layout.offset ? 0 : layout.levels() / 2, codes);
  put_half(fit.scale, out);
  if (layout.offset) put_half(fit.offset, out + half_bytes);
  if (layout.fifth_bit) {
    std::uint32_t top = 0;
    for (std::size_t i = 0; i < small_values; ++i) top |= static_cast<std::uint32_t>(codes[i] >> 4) << i;
    base::store(out + layout.top_at(), top);
  }
  for (std::size_t i = 0; i < small_values / 2; ++i)
    out[layout.low_at() + i] = static_cast<std::byte>((codes[i] & 15) | (codes[i + small_values / 2] & 15) << 4);
}

template <SmallLayout layout>
ATTAR_GGML_INLINE void quantize_small(const float* values, const float* weights, std::uint64_t blocks, std::byte* out,
                                      Trials trials) noexcept {
  constexpr auto levels = static_cast<float>(layout.levels());
  for (std::uint64_t b = 0; b < blocks; ++b, values += small_values, out += layout.bytes()) {
    alignas(64) float w[small_values];
    normalised_weights<small_values>(weights == nullptr ? nullptr : weights + b * small_values, w);
    SmallFit best;
    if (layout.offset)
      best_line(values, w, levels - 1, trials, best);
    else
      best_scale(values, w, {.least = -levels / 2, .most = levels / 2 - 1}, trials, best);
    put_small<layout>(best, out);
  }
}

ATTAR_VECTOR_CLONES void q4_0_blocks(const float* values, const float* weights, std::uint64_t blocks,
                                     std::byte* out) noexcept {
  quantize_small<q4_0_layout>(values, weights, blocks, out, scale_trials);
}
ATTAR_VECTOR_CLONES void q4_1_blocks(const float* values, const float* weights, std::uint64_t blocks,
                                     std::byte* out) noexcept {
  quantize_small<q4_1_layout>(values, weights, blocks, out, line_trials);
}
ATTAR_VECTOR_CLONES void q5_0_blocks(const float* values, const float* weights, std::uint64_t blocks,
                                     std::byte* out) noexcept {
  quantize_small<q5_0_layout>(values, weights, blocks, out, scale_trials);
}
ATTAR_VECTOR_CLONES void q5_1_blocks(const float* values, const float* weights, std::uint64_t blocks,
                                     std::byte* out) noexcept {
  quantize_small<q5_1_layout>(values, weights, blocks, out, line_trials);
}
ATTAR_VECTOR_CLONES void q8_0_blocks(const float* values, const float* weights, std::uint64_t blocks,
                                     std::byte* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b, values += small_values, out += q8_0_bytes) {
    alignas(64) float w[small_values];
    normalised_weights<small_values>(weights == nullptr ? nullptr : weights + b * small_values, w);
    SmallFit best;
    best_scale(values, w, {.least = -127, .most = 127}, byte_trials, best);
    std::int32_t codes[small_values];
    whole_codes(best, 0, codes);
    put_half(best.scale, out);
    for (std::size_t i = 0; i < small_values; ++i) out[half_bytes + i] = static_cast<std::byte>(codes[i]);
  }
}

}  // namespace

void quantize_f32(const float* values, const float* /*weights*/, std::uint64_t blocks, std::byte* out) noexcept {
  if (blocks != 0) std::memcpy(out, values, blocks * sizeof(float));
}
void quantize_f16(const float* values, const float* /*weights*/, std::uint64_t blocks, std::byte* out) noexcept {
  for (std::uint64_t i = 0; i < blocks; ++i) put_half(values[i], out + 2 * i);
}
void quantize_bf16(const float* values, const float* /*weights*/, std::uint64_t blocks, std::byte* out) noexcept {
  for (std::uint64_t i = 0; i < blocks; ++i) base::store(out + 2 * i, base::float_to_bf16(values[i]));
}
void quantize_q8_0(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  q8_0_blocks(values, weights, blocks, out);
}
void quantize_q4_0(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  q4_0_blocks(values, weights, blocks, out);
}
void quantize_q4_1(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  q4_1_blocks(values, weights, blocks, out);
}
void quantize_q5_0(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  q5_0_blocks(values, weights, blocks, out);
}
void quantize_q5_1(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  q5_1_blocks(values, weights, blocks, out);
}

}  // namespace attar::tensor::ggml
