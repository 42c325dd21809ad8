#include "vector/tcq/transform.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.h"
#include "simd/clones.h"

namespace attar::vector::tcq {
namespace {

// Rows that are summed side by side. The compiler makes what it can of such vectors on every instruction set.
constexpr std::size_t lanes = 16;
using Floats = float __attribute__((vector_size(lanes * sizeof(float))));

// Columns that are widened at a time, for a batch of queries.
constexpr std::size_t columns_together = 16;

ATTAR_VECTOR_CLONES void widen(const std::int8_t* column, const float* steps, std::size_t rows, float* out) noexcept {
  for (std::size_t j = 0; j < rows; ++j) out[j] = static_cast<float>(column[j]) * steps[j];
}

ATTAR_VECTOR_CLONES void add_column(const std::int8_t* column, const float* steps, std::size_t rows, float value,
                                    float* out) noexcept {
  for (std::size_t j = 0; j < rows; ++j) out[j] += static_cast<float>(column[j]) * steps[j] * value;
}

// sums[row][query] grow by what some columns (floats, `stride` apart) add for eight queries, given as [query][column].
ATTAR_VECTOR_CLONES void add_columns(const float* columns, std::size_t stride, std::size_t count, const float* values,
                                     Floats* sums) noexcept {
  for (std::size_t row = 0; row < stride; row += lanes, sums += codec::max_batch) {
    Floats own[codec::max_batch];
    std::memcpy(own, sums, sizeof(own));
    for (std::size_t i = 0; i < count; ++i) {
      Floats column;
      std::memcpy(&column, columns + i * stride + row, sizeof(column));
      for (std::size_t q = 0; q < codec::max_batch; ++q) own[q] += column * values[q * columns_together + i];
    }
    std::memcpy(sums, own, sizeof(own));
  }
}

}  // namespace

ByteMatrix::ByteMatrix(std::span<const std::int16_t> entries, std::span<const float> steps)
    : rows_(steps.size()), padded_rows_(base::round_up(steps.size(), lanes)), steps_(steps.begin(), steps.end()) {
  steps_.resize(padded_rows_);
  const std::size_t dims = entries.size() / std::max<std::size_t>(1, rows_);
  columns_.resize(dims * padded_rows_);
  for (std::size_t row = 0; row < rows_; ++row)
    for (std::size_t i = 0; i < dims; ++i)
      columns_[i * padded_rows_ + row] = static_cast<std::int8_t>(entries[row * dims + i]);
}

void ByteMatrix::multiply(codec::QueryBatch queries, std::size_t stride, float* out) const {
  if (queries.size() == codec::max_batch) return multiply_batch(queries, stride, out);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    float* own = out + q * stride;
    std::fill_n(own, rows_, 0.0f);
    for (std::size_t i = 0; i < queries.dims; ++i)
      add_column(columns_.data() + i * padded_rows_, steps_.data(), rows_, queries.query(q)[i], own);
  }
}

void ByteMatrix::multiply_batch(codec::QueryBatch queries, std::size_t stride, float* out) const {
  std::vector<float> columns(columns_together * padded_rows_);
  std::vector<Floats> sums(padded_rows_ / lanes * codec::max_batch);
  for (std::size_t first = 0; first < queries.dims; first += columns_together) {
    const std::size_t count = std::min<std::size_t>(columns_together, queries.dims - first);
    std::array<float, codec::max_batch * columns_together> values{};
    for (std::size_t q = 0; q < codec::max_batch; ++q)
      std::copy_n(queries.query(q).data() + first, count, values.data() + q * columns_together);
    for (std::size_t i = 0; i < count; ++i)
      widen(columns_.data() + (first + i) * padded_rows_, steps_.data(), padded_rows_,
            columns.data() + i * padded_rows_);
    add_columns(columns.data(), padded_rows_, count, values.data(), sums.data());
  }
  for (std::size_t row = 0; row < rows_; row += lanes)
    for (std::size_t q = 0; q < codec::max_batch; ++q)
      std::memcpy(out + q * stride + row, &sums[row / lanes * codec::max_batch + q],
                  std::min(lanes, rows_ - row) * sizeof(float));
}

}  // namespace attar::vector::tcq
