// The types of tensors that are exported: how their numbers become floats, or which type of GGUF they are or become.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/threads.h"
#include "data/ggml_types.h"

namespace attar::engine {

/// Numbers of a slab and of a piece, which one thread codes: whole blocks of every type.
inline constexpr std::uint64_t slab_values = 1u << 20, piece_values = 1u << 15;

/// Numbers of a type. Those of floats have `decode`.
struct ValueKind {
  std::string_view name;                  ///< as safetensors and GGUF name it
  std::string_view numpy = {};            ///< the same in an .npy file, empty: none
  std::uint32_t values = 1;               ///< of a block
  std::uint32_t bytes = 1;                ///< of a block
  const data::GgmlType* same = nullptr;   ///< the type of GGUF with these very bytes
  const data::GgmlType* wider = nullptr;  ///< where there is none, the one that holds the same whole numbers
  void (*decode)(const std::byte* from, std::uint64_t blocks, float* out) noexcept = nullptr;
  void (*widen)(const std::byte* from, std::uint64_t blocks, std::byte* out) noexcept = nullptr;

  [[nodiscard]] bool is_float() const noexcept { return decode != nullptr; }
  /// All of its numbers are floats as they are.
  bool exact = true;
};

/// The type of this name, of safetensors, GGUF or .npy; null where GGUF cannot have it.
[[nodiscard]] const ValueKind* find_value_kind(std::string_view name);

/// A slab's numbers, `out` one each; the slab is whole blocks of a type that is_float().
void decode_slab(const ValueKind& kind, base::ByteView slab, std::span<float> out, base::ThreadPool& pool);

}  // namespace attar::engine
