// The list of what may be left out of progressive tensors. Bytes: FORMAT.md, "Refinements section and order section".
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "attar/limits.h"
#include "attar/result.h"
#include "format/section.h"
#include "format/tensors.h"

namespace attar::format {

inline constexpr std::uint16_t refinements_wire_version = 1;
inline constexpr std::size_t most_passes_of_a_block = 48;

/// How far a block is from what it was.
struct BlockState {
  std::uint64_t checksum = 0;  ///< XXH3-64 of its bytes as they are read
  double squared_error = 0, max_error = 0;
};

/// Some passes of one block.
struct Refinement {
  std::uint32_t block = 0;                  ///< counted over all progressive tensors
  std::vector<std::uint32_t> lengths = {};  ///< of its passes, in bytes
  BlockState state = {};                    ///< of the block, with this one

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

/// Progressive tensors and what refines them, the best first.
struct RefinementOrder {
  struct Tensor {
    std::uint32_t number = 0;       ///< in the index
    std::uint32_t first_block = 0;  ///< over all progressive tensors
    std::uint32_t blocks = 0;
  };
  std::vector<Tensor> tensors = {};
  std::vector<BlockState> roots = {};  ///< of all blocks, without a refinement
  std::vector<Refinement> refinements = {};
};

/// With the first so many refinements, or all.
[[nodiscard]] std::vector<std::byte> encode_order(const RefinementOrder& order,
                                                  std::size_t count = std::numeric_limits<std::size_t>::max());
/// Every field is checked, against the index and the length of the refinements section too.
[[nodiscard]] Result<RefinementOrder> decode_order(const SectionReader& section,
                                                   const std::vector<TensorEntry>& tensors,
                                                   std::uint64_t refinements_bytes, const OpenLimits& limits);

}  // namespace attar::format
