// The arithmetic of ggml's block types; spec.md has the bytes. Pure functions over whole blocks, one pair a type.
#pragma once

#include <cstddef>
#include <cstdint>

namespace attar::tensor::ggml {

/// Blocks at `from` as floats: out[blocks · values of a block].
using Dequantize = void (*)(const std::byte* from, std::uint64_t blocks, float* out) noexcept;

/// Floats as blocks. `values` are finite and at most 65,504 in magnitude where the type has scales; `weights`, null or
/// one a value, are finite and not negative, and types without scales do not look at them.
using Quantize = void (*)(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;

void dequantize_f32(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_f16(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_bf16(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q8_0(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q4_0(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q4_1(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q5_0(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q5_1(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q4_k(const std::byte* from, std::uint64_t blocks, float* out) noexcept;
void dequantize_q6_k(const std::byte* from, std::uint64_t blocks, float* out) noexcept;

void quantize_f32(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_f16(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_bf16(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q8_0(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q4_0(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q4_1(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q5_0(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q5_1(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q4_k(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;
void quantize_q6_k(const float* values, const float* weights, std::uint64_t blocks, std::byte* out) noexcept;

}  // namespace attar::tensor::ggml
