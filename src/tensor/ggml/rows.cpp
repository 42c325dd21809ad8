#include "tensor/ggml/rows.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/checked.h"
#include "simd/clones.h"

namespace attar::tensor::ggml {
namespace {

// How many magnitudes are above `largest`, or NaN.
ATTAR_VECTOR_CLONES std::uint32_t count_beyond(const float* values, std::uint32_t count, float largest) noexcept {
  std::uint32_t out = 0;
  for (std::uint32_t i = 0; i < count; ++i) out += std::fabs(values[i]) <= largest ? 0 : 1;
  return out;
}

// The first value that a type does not take; the number of values where it takes all.
std::uint64_t first_beyond(std::span<const float> values, float largest) noexcept {
  constexpr std::uint64_t stretch = 1 << 16;
  for (std::uint64_t from = 0; from < values.size(); from += stretch) {
    const auto part = values.subspan(from, std::min(stretch, values.size() - from));
    if (count_beyond(part.data(), static_cast<std::uint32_t>(part.size()), largest) == 0) continue;
    for (std::uint64_t i = 0; i < part.size(); ++i)
      if (!(std::fabs(part[i]) <= largest)) return from + i;
  }
  return values.size();
}

Status check_weights(std::span<const float> weights, std::uint64_t columns) {
  if (!weights.empty() && weights.size() != columns)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} weights were given for rows of {} values; give one a column", weights.size(), columns));
  for (std::uint64_t i = 0; i < weights.size(); ++i)
    if (!(weights[i] >= 0) || std::isinf(weights[i]))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the weight of column {} is {}; give a finite one that is 0 or more", i, weights[i]));
  return {};
}

}  // namespace

Result<std::uint64_t> row_bytes(const BlockType& type, std::uint64_t columns) {
  if (columns % type.size.values != 0)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("rows of {} values are no whole blocks of {}, which has {} values a block; choose another type",
                    columns, type.size.name, type.size.values));
  return base::checked_mul(columns / type.size.values, type.size.bytes);
}

Status dequantize(const BlockType& type, base::ByteView blocks, std::span<float> out) {
  ATTAR_ASSIGN(const std::uint64_t bytes, row_bytes(type, out.size()));
  if (blocks.size() != bytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} values of {} take {} bytes, not {}", out.size(), type.size.name, bytes, blocks.size()));
  type.dequantize(blocks.data(), out.size() / type.size.values, out.data());
  return {};
}

Status quantize(const BlockType& type, std::span<const float> values, std::uint64_t columns,
                std::span<const float> weights, std::span<std::byte> out) {
  ATTAR_ASSIGN(const std::uint64_t bytes, row_bytes(type, columns));
  ATTAR_TRY(check_weights(weights, columns));
  if (values.empty() && out.empty()) return {};
  if (columns == 0 || values.size() % columns != 0 || out.size() % bytes != 0 ||
      out.size() / bytes != values.size() / columns)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} values and {} bytes are not the same number of rows of {} values in {} bytes",
                            values.size(), out.size(), columns, bytes));
  if (const std::uint64_t at = first_beyond(values, type.largest); at != values.size())
    return fail(ErrorCode::invalid_data,
                fmt::format("row {}, column {} holds {}, which {} cannot hold (magnitudes up to {})", at / columns,
                            at % columns, values[at], type.size.name, type.largest));
  const std::uint64_t blocks = columns / type.size.values;
  for (std::uint64_t row = 0; row < values.size() / columns; ++row)
    type.quantize(values.data() + row * columns, weights.empty() ? nullptr : weights.data(), blocks,
                  out.data() + row * bytes);
  return {};
}

}  // namespace attar::tensor::ggml
