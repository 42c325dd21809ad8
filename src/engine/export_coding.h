// Slabs of a tensor's numbers coded as ggml's blocks, and what that costs in error; over the threads of a pool, with
// the same sums for any number of them.
#pragma once

#include <span>
#include <vector>

#include "attar/result.h"
#include "engine/export_values.h"
#include "tensor/ggml/types.h"

namespace attar::engine {

class SlabCoder {
 public:
  explicit SlabCoder(base::ThreadPool& pool);

  /// The slab's numbers as floats; the kind is_float().
  void load(const ValueKind& kind, base::ByteView slab);
  [[nodiscard]] std::span<const float> values() const noexcept { return values_; }
  [[nodiscard]] double squared_norm();

  /// Adds ‖Ŵ − W‖² of the slab in each type to its sum; no finite number where the type cannot hold a value.
  void add_errors(std::span<const tensor::ggml::BlockType* const> types, std::span<double> sums);
  /// The slab's blocks; they are the coder's own until the next call. Adds ‖Ŵ − W‖² to `error`. `invalid_data` where
  /// the type cannot hold a value.
  [[nodiscard]] Result<base::ByteView> code(const tensor::ggml::BlockType& type, double& error);

 private:
  struct Scratch {
    std::vector<std::byte> blocks;
    std::vector<float> back;
  };
  [[nodiscard]] std::uint64_t pieces() const noexcept;
  [[nodiscard]] std::span<const float> piece(std::size_t number) const noexcept;
  // Codes a piece and returns its squared error; not a number where it cannot be held.
  static double code_piece(const tensor::ggml::BlockType& type, std::span<const float> values,
                           std::span<std::byte> blocks, std::vector<float>& back);

  base::ThreadPool& pool_;
  std::vector<float> values_;
  std::vector<double> sums_;
  std::vector<std::byte> coded_;
  std::vector<Scratch> scratch_;  // a worker
};

}  // namespace attar::engine
