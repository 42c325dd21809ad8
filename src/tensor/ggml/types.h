// ggml's block types that Attar reads and writes, one row each.
#pragma once

#include <cstdint>
#include <span>

#include "data/ggml_types.h"
#include "tensor/ggml/kernel.h"

namespace attar::tensor::ggml {

struct BlockType {
  data::GgmlType size;  ///< number, name, values and bytes of a block
  Dequantize dequantize = nullptr;
  Quantize quantize = nullptr;
  float largest = 0;  ///< magnitude of a value that it takes
};

/// All of them, in the order of their numbers.
[[nodiscard]] std::span<const BlockType> block_types() noexcept;

/// The type of ggml's number; null where only its size is known, or nothing.
[[nodiscard]] const BlockType* find_block_type(std::uint32_t number) noexcept;

}  // namespace attar::tensor::ggml
