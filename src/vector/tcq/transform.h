// The product of a matrix of small integers with queries, for which it is read once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/scorer.h"

namespace attar::vector::tcq {

/// A matrix stored as bytes, column by column; every row has a step.
class ByteMatrix {
 public:
  ByteMatrix() = default;
  /// entries: rows × columns, −127 … 127; steps: by row.
  ByteMatrix(std::span<const std::int16_t> entries, std::span<const float> steps);

  /// out[query · stride + row] = Σ_i (entry · step) · q_i over the columns in order, each product and each sum rounded
  /// to single precision. At most codec::max_batch queries.
  void multiply(codec::QueryBatch queries, std::size_t stride, float* out) const;

 private:
  void multiply_batch(codec::QueryBatch queries, std::size_t stride, float* out) const;

  std::size_t rows_ = 0;
  std::size_t padded_rows_ = 0;       // to whole groups of lanes
  std::vector<std::int8_t> columns_;  // [column][padded row]
  std::vector<float> steps_;          // [padded row]
};

}  // namespace attar::vector::tcq
