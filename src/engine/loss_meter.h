// How far a tensor that came back is from what it was: every element is compared.
#pragma once

#include <cstdint>

#include "attar/loss.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "codec/tensors.h"
#include "format/kept_rows.h"
#include "format/losses.h"

namespace attar::engine {

/// What the elements of a block are off by. Blocks are measured on any thread, and added up in their order, so that
/// sums come out the same.
struct BlockLoss {
  double square = 0;         ///< of the finite elements
  double squared_error = 0;  ///< of all differences
  double max_error = 0;
  bool broken = false;  ///< an element that is no finite number came back as another, or a finite one as none

  void add(const BlockLoss& other) noexcept;
};

/// F32, BF16 or F16 as they were and as they came back, of the same length; all others must be the same bytes, and are
/// broken where they are not.
[[nodiscard]] BlockLoss measure_loss(const codec::Element& element, base::ByteView original, base::ByteView back);

/// measure_loss() of a part of a table of `table_bytes` that begins at byte `at` of it: of its kept rows alone.
/// `rows`: null where all are kept.
[[nodiscard]] BlockLoss measure_kept_rows(const codec::Element& element, base::ByteView original, base::ByteView back,
                                          const format::KeptRowsEntry* rows, std::uint64_t table_bytes,
                                          std::uint64_t at);

/// What a file says of a tensor, as users are told.
[[nodiscard]] TensorLoss loss_of(const format::TensorLossEntry& entry) noexcept;

}  // namespace attar::engine
