#include "data/ggml_types.h"

#include <algorithm>
#include <array>

namespace attar::data {
namespace {

// Sizes after the definitions of ggml (ggml-common.h). Q8_1 and Q8_K are forms of activations at work and hardly ever
// stand in a file.
constexpr std::array<GgmlType, 34> ggml_rows{{
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},
}};
static_assert(std::ranges::is_sorted(ggml_rows, {}, &GgmlType::number));

}  // namespace

std::span<const GgmlType> ggml_types() noexcept { return ggml_rows; }

const GgmlType* find_ggml_type(std::uint32_t number) noexcept {
  const auto* at = std::ranges::lower_bound(ggml_rows, number, {}, &GgmlType::number);
  return at != ggml_rows.end() && at->number == number ? at : nullptr;
}

const GgmlType* find_ggml_type(std::string_view name) noexcept {
  const auto* at = std::ranges::find(ggml_rows, name, &GgmlType::name);
  return at != ggml_rows.end() ? at : nullptr;
}

std::optional<std::uint64_t> element_count(std::span<const std::uint64_t> shape) noexcept {
  std::uint64_t count = 1;
  // A length of 0 makes the product 0, whatever the others are.
  if (std::ranges::find(shape, 0u) != shape.end()) return 0;
  for (const std::uint64_t length : shape)
    if (__builtin_mul_overflow(count, length, &count)) return std::nullopt;
  return count;
}

std::optional<std::uint64_t> ggml_bytes(const GgmlType& type, std::span<const std::uint64_t> shape) noexcept {
  const auto count = element_count(shape);
  const std::uint64_t row = shape.empty() ? 1 : shape.back();
  if (!count || row % type.values != 0) return std::nullopt;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(*count / type.values, std::uint64_t{type.bytes}, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace attar::data
