#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/half.h"
#include "simd/clones.h"
#include "tensor/ggml/kernel.h"
#include "tensor/ggml/layout.h"

namespace attar::tensor::ggml {
namespace {

using base::load;

float half_at(const std::byte* from) noexcept { return base::half_to_float(load<std::uint16_t>(from)); }

// The fields moved to their places in a float, whose exponent is then 112 too small; subnormals come out right as well.
ATTAR_VECTOR_CLONES void widen_halves(const std::byte* from, std::uint64_t count, float* out) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint32_t bits = load<std::uint16_t>(from + 2 * i);
    const float magnitude = std::bit_cast<float>((bits & 0x7fffu) << 13) * 0x1.0p112f;
    // Infinities and NaNs keep the largest exponent.
    const std::uint32_t exponent = (bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
    out[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | exponent | (bits & 0x8000u) << 16);
  }
}

ATTAR_VECTOR_CLONES void widen_bf16(const std::byte* from, std::uint64_t count, float* out) noexcept {
  for (std::uint64_t i = 0; i < count; ++i)
    out[i] = std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(from + 2 * i)} << 16);
}

// Codes of a block of 32 values with four bits each, the first half in the lower bits.
void spread_nibbles(const std::uint8_t* from, std::int32_t* codes) noexcept {
  for (std::size_t i = 0; i < small_values / 2; ++i) {
    codes[i] = from[i] & 15;
    codes[i + small_values / 2] = from[i] >> 4;
  }
}

template <SmallLayout layout>
[[gnu::always_inline]] inline void dequantize_small(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b, from += layout.bytes(), out += small_values) {
    std::int32_t codes[small_values];
    spread_nibbles(reinterpret_cast<const std::uint8_t*>(from + layout.low_at()), codes);
    if (layout.fifth_bit) {
      const auto top = load<std::uint32_t>(from + layout.top_at());
      for (std::size_t i = 0; i < small_values; ++i) codes[i] |= static_cast<std::int32_t>((top >> i & 1u) << 4);
    }
    const float scale = half_at(from);
    if (layout.offset) {
      const float offset = half_at(from + half_bytes);
      for (std::size_t i = 0; i < small_values; ++i) out[i] = scale * static_cast<float>(codes[i]) + offset;
    } else {
      constexpr int zero = layout.levels() / 2;
      for (std::size_t i = 0; i < small_values; ++i) out[i] = scale * static_cast<float>(codes[i] - zero);
    }
  }
}

ATTAR_VECTOR_CLONES void q4_0_values(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  dequantize_small<q4_0_layout>(from, blocks, out);
}
ATTAR_VECTOR_CLONES void q4_1_values(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  dequantize_small<q4_1_layout>(from, blocks, out);
}
ATTAR_VECTOR_CLONES void q5_0_values(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  dequantize_small<q5_0_layout>(from, blocks, out);
}
ATTAR_VECTOR_CLONES void q5_1_values(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  dequantize_small<q5_1_layout>(from, blocks, out);
}

ATTAR_VECTOR_CLONES void scale_bytes(const std::int8_t* codes, float scale, float* out) noexcept {
  for (std::size_t i = 0; i < small_values; ++i) out[i] = scale * static_cast<float>(codes[i]);
}

// Two groups of 32 values that share their bytes.
ATTAR_VECTOR_CLONES void scale_nibbles(const std::uint8_t* from, const float* scales, const float* offsets,
                                       float* out) noexcept {
  for (std::size_t i = 0; i < q4_k_group; ++i) {
    out[i] = scales[0] * static_cast<float>(from[i] & 15) - offsets[0];
    out[q4_k_group + i] = scales[1] * static_cast<float>(from[i] >> 4) - offsets[1];
  }
}

// Codes of half a Q6_K block, 128 of them.
ATTAR_VECTOR_CLONES void spread_six_bits(const std::uint8_t* low, const std::uint8_t* top,
                                         std::int8_t* codes) noexcept {
  for (std::size_t i = 0; i < 32; ++i) {
    codes[i] = static_cast<std::int8_t>((low[i] & 15) | (top[i] & 3) << 4);
    codes[32 + i] = static_cast<std::int8_t>((low[32 + i] & 15) | (top[i] >> 2 & 3) << 4);
    codes[64 + i] = static_cast<std::int8_t>(low[i] >> 4 | (top[i] >> 4 & 3) << 4);
    codes[96 + i] = static_cast<std::int8_t>(low[32 + i] >> 4 | (top[i] >> 6 & 3) << 4);
  }
}

}  // namespace

void dequantize_f32(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  if (blocks != 0) std::memcpy(out, from, blocks * sizeof(float));
}
void dequantize_f16(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  widen_halves(from, blocks, out);
}
void dequantize_bf16(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  widen_bf16(from, blocks, out);
}

void dequantize_q8_0(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b, from += q8_0_bytes, out += small_values)
    scale_bytes(reinterpret_cast<const std::int8_t*>(from + half_bytes), half_at(from), out);
}

void dequantize_q4_0(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  q4_0_values(from, blocks, out);
}
void dequantize_q4_1(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  q4_1_values(from, blocks, out);
}
void dequantize_q5_0(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  q5_0_values(from, blocks, out);
}
void dequantize_q5_1(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  q5_1_values(from, blocks, out);
}

void dequantize_q4_k(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b, from += q4_k_bytes) {
    const float d = half_at(from), e = half_at(from + half_bytes);
    const auto* s = reinterpret_cast<const std::uint8_t*>(from + q4_k_scales_at);
    float scales[q4_k_groups], offsets[q4_k_groups];
    for (std::size_t j = 0; j < q4_k_groups / 2; ++j) {
      scales[j] = d * static_cast<float>(s[j] & 63);
      offsets[j] = e * static_cast<float>(s[4 + j] & 63);
      scales[4 + j] = d * static_cast<float>((s[8 + j] & 15) | s[j] >> 6 << 4);
      offsets[4 + j] = e * static_cast<float>(s[8 + j] >> 4 | s[4 + j] >> 6 << 4);
    }
    const auto* low = reinterpret_cast<const std::uint8_t*>(from + q4_k_low_at);
    for (std::size_t j = 0; j < q4_k_groups; j += 2, low += q4_k_group, out += 2 * q4_k_group)
      scale_nibbles(low, scales + j, offsets + j, out);
  }
}

void dequantize_q6_k(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t b = 0; b < blocks; ++b, from += q6_k_bytes) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(from);
    std::int8_t codes[super_values];
    spread_six_bits(bytes, bytes + q6_k_top_at, codes);
    spread_six_bits(bytes + 64, bytes + q6_k_top_at + 32, codes + 128);
    const float d = half_at(from + q6_k_scale_at);
    for (std::size_t j = 0; j < q6_k_groups; ++j, out += q6_k_group) {
      const float scale = d * static_cast<float>(static_cast<std::int8_t>(bytes[q6_k_scales_at + j]));
      for (std::size_t i = 0; i < q6_k_group; ++i) out[i] = scale * static_cast<float>(codes[j * q6_k_group + i] - 32);
    }
  }
}

}  // namespace attar::tensor::ggml
