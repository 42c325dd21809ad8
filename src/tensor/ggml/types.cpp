#include "tensor/ggml/types.h"

#include <algorithm>
#include <array>
#include <limits>

namespace attar::tensor::ggml {
namespace {

constexpr float any_number = std::numeric_limits<float>::infinity();
constexpr float largest_half = 65504.0f;

BlockType block_row(std::uint32_t number, Dequantize dequantize, Quantize quantize, float largest) noexcept {
  return {.size = *data::find_ggml_type(number), .dequantize = dequantize, .quantize = quantize, .largest = largest};
}

}  // namespace

std::span<const BlockType> block_types() noexcept {
  static const std::array<BlockType, 10> rows{block_row(0, dequantize_f32, quantize_f32, any_number),
                                              block_row(1, dequantize_f16, quantize_f16, largest_half),
                                              block_row(2, dequantize_q4_0, quantize_q4_0, largest_half),
                                              block_row(3, dequantize_q4_1, quantize_q4_1, largest_half),
                                              block_row(6, dequantize_q5_0, quantize_q5_0, largest_half),
                                              block_row(7, dequantize_q5_1, quantize_q5_1, largest_half),
                                              block_row(8, dequantize_q8_0, quantize_q8_0, largest_half),
                                              block_row(12, dequantize_q4_k, quantize_q4_k, largest_half),
                                              block_row(14, dequantize_q6_k, quantize_q6_k, largest_half),
                                              block_row(30, dequantize_bf16, quantize_bf16, any_number)};
  return rows;
}

const BlockType* find_block_type(std::uint32_t number) noexcept {
  const auto rows = block_types();
  const auto at = std::ranges::find(rows, number, [](const BlockType& type) { return type.size.number; });
  return at != rows.end() ? &*at : nullptr;
}

}  // namespace attar::tensor::ggml
