// The tensors of the files that are packed together: which of them share a frame, and which a base holds already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/tensors.h"
#include "engine/lossy_tensors.h"
#include "engine/tensor_frames.h"
#include "engine/tensor_sources.h"
#include "engine/tensor_state.h"
#include "format/kept_rows.h"
#include "format/losses.h"
#include "format/tensors.h"

namespace attar::engine {

/// A tensor of the sources, and how it is packed.
struct PackedItem {
  codec::TensorView view;
  format::TensorEntry entry;
  std::size_t first;                       ///< the item whose frame it shares: itself where it has one of its own
  std::optional<std::uint32_t> base = {};  ///< number of the base's tensor that it may be coded against
  codec::CodecChoice choice = {};
  LossyTensor* lossy = nullptr;             ///< null: it comes back as it is, or is refined
  std::optional<std::size_t> refined = {};  ///< its place among the progressive tensors
  std::uint64_t refinement_bytes = 0;
  format::TensorLossEntry loss = {};                 ///< as it was measured while the frame was written
  const format::KeptRowsEntry* kept_rows = nullptr;  ///< null: all
};

/// All tensors in the order of the sources, cut into blocks; their checksums are not yet taken. What a file has to say
/// of itself is added to `notes`.
[[nodiscard]] std::vector<PackedItem> list_items(const std::vector<TensorSource>& sources, std::uint64_t block_bytes,
                                                 std::vector<std::string>& notes);

/// Tensors of the same bytes and cut share a frame: tied weights, and files that a folder holds twice. Returns how many
/// take the frame of another one.
std::uint64_t share_frames(std::vector<PackedItem>& items);

/// Names for each tensor the one of the base that it may be coded against: of the same bytes, or else of the same name.
void match_base(std::vector<PackedItem>& items, const TensorArtifact::State& base);

/// Where a tensor's bytes lie, and how they are read, as of another one.
void take_frame_of(const format::TensorEntry& other, format::TensorEntry& entry);

}  // namespace attar::engine
