// What the codecs of floats know of a whole tensor: its layout, the scales of its columns, and its table. Bytes of the
// preamble: src/tensor/fields/spec.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/tensors.h"
#include "tensor/fields/kernel.h"

namespace attar::tensor {

struct ScaledFrame {
  static constexpr std::uint64_t most_columns = 1u << 24;

  fields::Layout layout = {};
  std::uint64_t columns = 1;
  bool scaled = false;  ///< columns have scales
  std::uint32_t table = 0;
  std::vector<std::int16_t> scales = {};  ///< of the columns, zeros where they have none

  /// Without scales or a table yet.
  explicit ScaledFrame(const codec::TensorSchema& schema);
  /// True for tensors of floats that such a frame can describe.
  [[nodiscard]] static bool takes(const codec::TensorSchema& schema) noexcept;

  [[nodiscard]] std::vector<std::byte> preamble() const;
  /// Every field is checked; the table has so many contexts.
  [[nodiscard]] static Result<ScaledFrame> read(base::ByteView preamble, const codec::TensorSchema& schema,
                                                const codec::TableSets& tables, std::size_t contexts);
};

/// A block whose elements stand as they are: in the place of what was written from `before` on, unless that is smaller.
void store_if_smaller(base::ByteView elements, std::byte kind, std::size_t before, std::vector<std::byte>& out);

}  // namespace attar::tensor
