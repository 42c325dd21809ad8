// Linear layers, y = W·x + b for many rows x: one contract, and the precisions that weights are kept in. spec.md has
// the arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "attar/result.h"
#include "nn/output_bound.h"
#include "simd/isa.h"

namespace attar::nn {

/// How a layer keeps its weights.
enum class Precision : std::uint8_t { f32, bf16, int8, int4 };

/// "f32", "bf16", "int8", "int4".
[[nodiscard]] std::string_view precision_name(Precision precision) noexcept;
/// The precision of this name; nothing for any other word.
[[nodiscard]] std::optional<Precision> parse_precision(std::string_view name) noexcept;

/// A layer's numbers as its maker gets them; they are copied.
struct LinearWeights {
  std::size_t inputs = 0;          ///< 1 … 32,768
  std::size_t outputs = 0;         ///< at least 1
  std::span<const float> weights;  ///< outputs × inputs, finite
  std::span<const float> biases;   ///< outputs, finite
};

/// Rows through a layer.
struct LinearTask {
  const float* rows = nullptr;  ///< count × inputs, dense
  std::size_t count = 0;
  float* out = nullptr;          ///< count × outputs, dense
  std::byte* scratch = nullptr;  ///< scratch_bytes() of them, aligned to 64; what they hold is of no matter
};

/// Const and safe to use from many threads at once, each with a scratch of its own.
class Linear {
 public:
  virtual ~Linear() = default;

  [[nodiscard]] virtual std::size_t inputs() const noexcept = 0;
  [[nodiscard]] virtual std::size_t outputs() const noexcept = 0;
  /// Bytes that the weights and their scales take, padding included.
  [[nodiscard]] virtual std::size_t weight_bytes() const noexcept = 0;
  /// How far an output may lie from that of the weights that the layer was made of. output < outputs().
  [[nodiscard]] virtual OutputBound output_bound(std::size_t output) const noexcept = 0;
  /// Bytes that apply() needs beside its rows, whatever their number.
  [[nodiscard]] virtual std::size_t scratch_bytes() const noexcept = 0;
  /// Each row's result is the same whichever rows stand beside it.
  virtual void apply(const LinearTask& task) const noexcept = 0;
};

/// Makes a layer; how is up to whoever hands it to a model.
using MakeLinear = std::function<std::unique_ptr<Linear>(const LinearWeights&)>;

/// Layers of this precision with the kernels of this level.
[[nodiscard]] MakeLinear linear_maker(Precision precision, simd::Level level = simd::active_level());

}  // namespace attar::nn
