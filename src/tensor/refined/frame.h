// What both sides know of a progressive tensor and of each of its blocks before any pass. Bytes: spec.md.
#pragma once

#include <cstdint>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/tensors.h"
#include "tensor/steps/kernel.h"

namespace attar::tensor::refined {

inline constexpr std::uint64_t most_columns = 1u << 24;
inline constexpr int least_scale = -8192, most_scale = 8191;
inline constexpr float least_step = 0x1p-125f, most_step = 0x1p100f;

struct Frame {
  steps::Type type = steps::Type::f32;
  std::uint64_t columns = 1;
  bool column_scales = false, row_scales = false;
  std::uint32_t table = 0;
  std::vector<std::int16_t> scales = {};  ///< of the columns, zeros where they have none

  [[nodiscard]] std::uint64_t scales_of(std::uint64_t rows) const noexcept { return row_scales ? rows : 1; }
};

/// A block without its passes.
struct Root {
  float step = 1;
  unsigned planes = 0;
  std::vector<std::int16_t> scales = {};   ///< of the rows
  std::vector<std::uint64_t> places = {};  ///< of the escapes, ascending
  base::ByteView escapes = {};             ///< the elements themselves
};

[[nodiscard]] std::vector<std::byte> write_frame(const Frame& frame);
/// Every field is checked, and the table that it names.
[[nodiscard]] Result<Frame> read_frame(base::ByteView preamble, const codec::TensorSchema& schema,
                                       const codec::TableSets& tables);

void write_root(base::ByteWriter& out, const Root& root);
/// Of a block of so many elements. Every field is checked.
[[nodiscard]] Result<Root> read_root(base::ByteReader& in, const Frame& frame, std::uint64_t count);

}  // namespace attar::tensor::refined
