#include <cstring>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "simd/clones.h"
#include "tensor/ggml/kernel.h"
#include "tensor/ggml/layout.h"
#include "tensor/ggml/search.h"

namespace attar::tensor::ggml {
namespace {

constexpr int most_turns_of_levels = 3;  // of the groups' whole numbers and the block's scales after each other
constexpr Trials group_line_trials{.first = -0.8f, .step = 0.5f};
constexpr Trials group_scale_trials{.first = -8.0f, .step = 0.6f};

// What was chosen for a block of 256 values: two scales of the block, a whole-numbered scale and offset a group, codes,
// and the weighted squared error.
template <std::size_t groups>
struct SuperFit {
  float scale = 0;
  float offset = 0;
  float error = 0;
  float scales[groups] = {};
  float offsets[groups] = {};
  FloatLanes codes[super_values / lanes];
};

// What codes, scales and offsets of groups may be.
struct Levels {
  CodeRange codes;
  CodeRange scales;
  CodeRange offsets;
};
constexpr Levels q4_k_levels{
    .codes = {.least = 0, .most = 15}, .scales = {.least = 0, .most = 63}, .offsets = {.least = 0, .most = 63}};
constexpr Levels q6_k_levels{
    .codes = {.least = -32, .most = 31}, .scales = {.least = -128, .most = 127}, .offsets = {}};

// The nearest codes of a group.
template <std::size_t count>
ATTAR_GGML_INLINE void nearest_codes(const float* values, CodeRange range, float scale, float offset,
                                     FloatLanes* codes) noexcept {
  const float inverse = inverse_or_zero(scale);
  for (std::size_t part = 0; part < count / lanes; ++part) {
    FloatLanes x;
    std::memcpy(&x, values + part * lanes, sizeof(x));
    codes[part] = (x + offset) * inverse;
    round_to_codes(codes[part], range);
  }
}

// 0, −1, 1, −2, 2 and so on: of equals the nearest is taken.
ATTAR_GGML_INLINE float nth_step(std::size_t i) noexcept {
  const std::size_t size = (i + 1) / 2;
  return i % 2 == 0 ? static_cast<float>(size) : -static_cast<float>(size);
}

// For each group the best of sixteen neighbours of its whole numbers, with their codes; step(i) tells how far neighbour
// i is away. `values` and `weights` are the block's.
template <std::size_t groups, class Step>
ATTAR_GGML_INLINE void settle_groups(const float* values, const float* weights, const Levels& levels, const Step& step,
                                     SuperFit<groups>& fit) noexcept {
  constexpr std::size_t count = super_values / groups;
  fit.error = 0;
  for (std::size_t j = 0; j < groups; ++j) {
    const float* const x = values + j * count;
    const float scale = fit.scales[j], offset = fit.offsets[j];
    float least = std::numeric_limits<float>::max();
    for (std::size_t first = 0; first < candidates; first += lanes) {
      FloatLanes scales, offsets, errors;
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const auto [scale_step, offset_step] = step(first + lane);
        scales[lane] = std::clamp(scale + scale_step, levels.scales.least, levels.scales.most);
        offsets[lane] = std::clamp(offset + offset_step, levels.offsets.least, levels.offsets.most);
      }
      errors_of<count>(x, weights + j * count, levels.codes, fit.scale * scales, fit.offset * offsets, errors);
      const std::size_t lane = largest_lane(-errors);
      if (!(errors[lane] < least)) continue;
      least = errors[lane];
      fit.scales[j] = scales[lane];
      fit.offsets[j] = offsets[lane];
    }
    fit.error += least;
    nearest_codes<count>(x, levels.codes, fit.scale * fit.scales[j], fit.offset * fit.offsets[j],
                         fit.codes + j * count / lanes);
  }
}

// The block's two scales of least squares for the groups' whole numbers and codes: x ≈ d·(scale·code) − e·offset.
template <std::size_t groups>
ATTAR_GGML_INLINE void fit_super_scales(const float* values, const float* weights, SuperFit<groups>& fit) noexcept {
  constexpr std::size_t parts = super_values / groups / lanes;
  FloatLanes aa{}, ab{}, bb{}, ax{}, bx{};
  for (std::size_t part = 0; part < super_values / lanes; ++part) {
    FloatLanes x, w;
    std::memcpy(&x, values + part * lanes, sizeof(x));
    std::memcpy(&w, weights + part * lanes, sizeof(w));
    const FloatLanes a = fit.scales[part / parts] * fit.codes[part], b = FloatLanes{} - fit.offsets[part / parts];
    aa += w * a * a;
    ab += w * a * b;
    bb += w * b * b;
    ax += w * a * x;
    bx += w * b * x;
  }
  const float faa = sum_of_lanes(aa), fab = sum_of_lanes(ab), fbb = sum_of_lanes(bb), fax = sum_of_lanes(ax),
              fbx = sum_of_lanes(bx);
  const float spread = faa * fbb - fab * fab;
  if (fbb > 0 && spread > 1e-6f * faa * fbb) {
    fit.scale = as_half((fax * fbb - fbx * fab) / spread);
    fit.offset = as_half((faa * fbx - fab * fax) / spread);
  } else if (faa > 0) {
    fit.scale = as_half((fax + fit.offset * -fab) / faa);
  }
}

ATTAR_GGML_INLINE float whole_ratio(float value, float unit, CodeRange range) noexcept {
  return unit != 0 ? std::clamp(std::nearbyint(value / unit), range.least, range.most) : 0.0f;
}

// Settles groups and fits the block's scales by turns; `best` is the best seen.
template <std::size_t groups, class Step>
ATTAR_GGML_INLINE void improve(const float* values, const float* weights, const Levels& levels, const Step& step,
                               SuperFit<groups>& best) noexcept {
  settle_groups(values, weights, levels, step, best);
  for (int turn = 0; turn < most_turns_of_levels; ++turn) {
    SuperFit<groups> next = best;
    fit_super_scales(values, weights, next);
    settle_groups(values, weights, levels, step, next);
    if (!(next.error < best.error)) return;
    best = next;
  }
}

// A group's own scale, and its offset that is taken away.
ATTAR_GGML_INLINE Line group_line(const float* values, const float* weights) noexcept {
  float low = 0, high = 0;
  for (std::size_t i = 0; i < q4_k_group; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  if (!(high - low > least_extent)) return {};
  alignas(64) float above[q4_k_group];
  for (std::size_t i = 0; i < q4_k_group; ++i) above[i] = values[i] - low;
  const Line line =
      search_line<q4_k_group>(above, weights, q4_k_levels.codes.most, high - low, -low, group_line_trials);
  return {.scale = line.scale, .offset = -(low + line.offset)};
}

ATTAR_GGML_INLINE void best_q4_k(const float* values, const float* weights, SuperFit<q4_k_groups>& best) noexcept {
  Line lines[q4_k_groups];
  float scale = 0, offset = 0;
  for (std::size_t j = 0; j < q4_k_groups; ++j) {
    lines[j] = group_line(values + j * q4_k_group, weights + j * q4_k_group);
    scale = std::max(scale, lines[j].scale);
    offset = std::max(offset, lines[j].offset);
  }
  best.scale = as_half(scale / q4_k_levels.scales.most);
  best.offset = as_half(offset / q4_k_levels.offsets.most);
  for (std::size_t j = 0; j < q4_k_groups; ++j) {
    best.scales[j] = whole_ratio(lines[j].scale, best.scale, q4_k_levels.scales);
    best.offsets[j] = whole_ratio(lines[j].offset, best.offset, q4_k_levels.offsets);
  }
  // Three scales, five offsets; the last is the first again.
  const auto step = [](std::size_t i) __attribute__((always_inline)) {
    return std::pair(nth_step(i / 5 % 3), nth_step(i % 5));
  };
  improve(values, weights, q4_k_levels, step, best);
}

ATTAR_GGML_INLINE void best_q6_k(const float* values, const float* weights, SuperFit<q6_k_groups>& best) noexcept {
  float scales[q6_k_groups];
  float largest = 0;
  for (std::size_t j = 0; j < q6_k_groups; ++j) {
    const float extreme = extreme_of<q6_k_group>(values + j * q6_k_group);
    scales[j] = search_scale<q6_k_group>(values + j * q6_k_group, weights + j * q6_k_group, q6_k_levels.codes, extreme,
                                         group_scale_trials);
    if (std::fabs(scales[j]) > std::fabs(largest)) largest = scales[j];
  }
  best.scale = as_half(largest / q6_k_levels.scales.least);
  for (std::size_t j = 0; j < q6_k_groups; ++j) best.scales[j] = whole_ratio(scales[j], best.scale, q6_k_levels.scales);
  const auto step = [](std::size_t i) __attribute__((always_inline)) { return std::pair(nth_step(i), 0.0f); };
  improve(values, weights, q6_k_levels, step, best);
}

// Whole numbers held as floats, `zero` added.
template <std::size_t count>
ATTAR_GGML_INLINE void to_whole(const float* from, int zero, int* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<int>(from[i]) + zero;
}

template <std::size_t groups>
ATTAR_GGML_INLINE void codes_of(const SuperFit<groups>& fit, int zero, int* out) noexcept {
  float codes[super_values];
  std::memcpy(codes, fit.codes, sizeof(codes));
  to_whole<super_values>(codes, zero, out);
}

std::byte low_bits(int value) noexcept { return static_cast<std::byte>(value & 0xff); }

ATTAR_GGML_INLINE void put_q4_k(const SuperFit<q4_k_groups>& fit, std::byte* out) noexcept {
  int codes[super_values], s[q4_k_groups], m[q4_k_groups];
  codes_of(fit, 0, codes);
  to_whole<q4_k_groups>(fit.scales, 0, s);
  to_whole<q4_k_groups>(fit.offsets, 0, m);
  base::store(out, base::float_to_half(fit.scale));
  base::store(out + half_bytes, base::float_to_half(fit.offset));
  std::byte* packed = out + q4_k_scales_at;
  for (std::size_t j = 0; j < q4_k_groups / 2; ++j) {
    packed[j] = low_bits(s[j] | s[4 + j] >> 4 << 6);
    packed[4 + j] = low_bits(m[j] | m[4 + j] >> 4 << 6);
    packed[8 + j] = low_bits((s[4 + j] & 15) | (m[4 + j] & 15) << 4);
  }
  for (std::size_t j = 0; j < q4_k_groups / 2; ++j)
    for (std::size_t i = 0; i < q4_k_group; ++i) {
      const int* pair = codes + 2 * j * q4_k_group + i;
      out[q4_k_low_at + j * q4_k_group + i] = low_bits(pair[0] | pair[q4_k_group] << 4);
    }
}

ATTAR_GGML_INLINE void put_q6_k(const SuperFit<q6_k_groups>& fit, std::byte* out) noexcept {
  int codes[super_values], s[q6_k_groups];
  codes_of(fit, 32, codes);
  to_whole<q6_k_groups>(fit.scales, 0, s);
  for (std::size_t half = 0; half < 2; ++half) {
    const int* q = codes + half * 128;
    std::byte* low = out + half * 64;
    std::byte* top = out + q6_k_top_at + half * 32;
    for (std::size_t i = 0; i < 32; ++i) {
      low[i] = low_bits((q[i] & 15) | (q[64 + i] & 15) << 4);
      low[32 + i] = low_bits((q[32 + i] & 15) | (q[96 + i] & 15) << 4);
      top[i] = low_bits(q[i] >> 4 | q[32 + i] >> 4 << 2 | q[64 + i] >> 4 << 4 | q[96 + i] >> 4 << 6);
    }
  }
  for (std::size_t j = 0; j < q6_k_groups; ++j) out[q6_k_scales_at + j] = low_bits(s[j]);
  base::store(out + q6_k_scale_at, base::float_to_half(fit.scale));
}

ATTAR_VECTOR_CLONES void q4_k_block(const float* values, const float* weights, std::byte* out) noexcept {
  alignas(64) float w[super_values];
  normalised_weights<super_values>(weights, w);
  SuperFit<q4_k_groups> best;
  best_q4_k(values, w, best);
  put_q4_k(best, out);
}

ATTAR_VECTOR_CLONES void q6_k_block(const float* values, const float* weights, std::byte* out) noexcept {
  alignas(64) float w[super_values];
  normalised_weights<super_values>(weights, w);
  SuperFit<q6_k_groups> best;
  best_q6_k(values, w, best);
  put_q6_k(best, out);
}

}  // namespace

void quantize_q4_k(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b)
    q4_k_block(values + b * super_values, weights == nullptr ? nullptr : weights + b * super_values,
               out + b * q4_k_bytes);
}

void quantize_q6_k(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b)
    q6_k_block(values + b * super_values, weights == nullptr ? nullptr : weights + b * super_values,
               out + b * q6_k_bytes);
}

}  // namespace attar::tensor::ggml
