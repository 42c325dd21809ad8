// What both sides know of a tensor of steps: the preamble. Bytes: spec.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/tensors.h"
#include "tensor/steps/kernel.h"

namespace attar::tensor::steps {

inline constexpr std::uint64_t most_columns = 1u << 24;
inline constexpr int least_scale = -8192, most_scale = 8191;
inline constexpr float least_half_step = 0x1p-126f, most_half_step = 0x1p119f;

inline constexpr unsigned most_finer = 40;

inline constexpr std::uint8_t kind_stored = 0, kind_steps = 1;

struct Frame {
  Type type = Type::f32;
  std::uint64_t columns = 1;
  bool column_scales = false, row_scales = false;
  bool plain = false;  ///< no trellis: every symbol stands for the nearest number
  bool finer = false;  ///< blocks say how much finer than the tensor's their rows' steps are
  int width = 2;       ///< of a class, eighths of an octave
  std::uint32_t table = 0;
  float half_step = 1;
  float centre = 0;                       ///< what numbers are counted from; 0 unless plain
  unsigned low = 0;                       ///< bits below a symbol's number; 0 unless plain
  std::vector<std::int16_t> scales = {};  ///< of the columns, zeros where they have none

  /// What scales are measured by: the half step of the symbols' numbers.
  [[nodiscard]] float coarse() const noexcept { return half_step * static_cast<float>(1u << low); }
  /// The half step of a row whose steps are so many half octaves finer.
  [[nodiscard]] float half_step_of(unsigned half_octaves) const noexcept;
  [[nodiscard]] std::uint64_t scales_of(std::uint64_t rows) const noexcept { return row_scales ? rows : 1; }
};

/// None for elements that the codec is not for.
[[nodiscard]] std::optional<Type> type_of(const codec::Element& element) noexcept;

[[nodiscard]] std::vector<std::byte> write_frame(const Frame& frame);
/// Every field is checked, against the tables too.
[[nodiscard]] Result<Frame> read_frame(base::ByteView preamble, const codec::TensorSchema& schema,
                                       const codec::TableSets& tables);

}  // namespace attar::tensor::steps
