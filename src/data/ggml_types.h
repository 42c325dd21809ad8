// The types of tensors in GGUF files, by ggml's numbers: how many values make a block, and in how many bytes. Only
// sizes stand here; what the bytes of a block mean is told in tensor/ggml.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace attar::data {

/// A type's row: a row of a tensor is a whole number of blocks.
struct GgmlType {
  std::uint32_t number = 0;
  std::string_view name;
  std::uint32_t values = 0;  ///< of a block
  std::uint32_t bytes = 0;   ///< of a block
};

/// All types that are known, in the order of their numbers. The numbers between them belong to types that ggml has
/// given up.
[[nodiscard]] std::span<const GgmlType> ggml_types() noexcept;

/// The type of this number or name ("Q4_K"); null where there is none.
[[nodiscard]] const GgmlType* find_ggml_type(std::uint32_t number) noexcept;
[[nodiscard]] const GgmlType* find_ggml_type(std::string_view name) noexcept;

/// The product of the lengths, 1 where there are none; nothing where it does not fit 64 bits.
[[nodiscard]] std::optional<std::uint64_t> element_count(std::span<const std::uint64_t> shape) noexcept;

/// Bytes of a row-major array; nothing where its rows, of as many values as the last length says, are no whole blocks
/// or where the size does not fit 64 bits.
[[nodiscard]] std::optional<std::uint64_t> ggml_bytes(const GgmlType& type,
                                                      std::span<const std::uint64_t> shape) noexcept;

}  // namespace attar::data
