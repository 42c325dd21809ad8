// Rows of tensors to ggml's blocks and back, with their sizes and values checked before the kernels see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "attar/result.h"
#include "base/bytes.h"
#include "tensor/ggml/types.h"

namespace attar::tensor::ggml {

/// Bytes of a row of so many values. `invalid_argument` where they are no whole number of blocks.
[[nodiscard]] Result<std::uint64_t> row_bytes(const BlockType& type, std::uint64_t columns);

/// Blocks as floats. `invalid_argument` where `out` is no whole number of blocks, or not of as many bytes as there are.
[[nodiscard]] Status dequantize(const BlockType& type, base::ByteView blocks, std::span<float> out);

/// Rows of `columns` values as blocks that fill `out`, each block with the least weighted squared error that is found
/// (spec.md). `weights`: how much a column matters, finite and ≥ 0, one a column or none at all; only their ratios
/// within a block count. The same bytes on every machine. Errors: `invalid_argument` for sizes and weights that do not
/// fit, `invalid_data` for a value that is NaN or of a magnitude above type.largest.
[[nodiscard]] Status quantize(const BlockType& type, std::span<const float> values, std::uint64_t columns,
                              std::span<const float> weights, std::span<std::byte> out);

}  // namespace attar::tensor::ggml
