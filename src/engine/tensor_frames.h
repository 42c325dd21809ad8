// Frames: the blocks of one tensor, written and read in waves over the pool. Bytes: FORMAT.md, "Frames section".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/tensors.h"
#include "engine/loss_meter.h"
#include "engine/refinement_index.h"
#include "format/kept_rows.h"
#include "format/section.h"
#include "format/tensors.h"

namespace attar::engine {

/// The blocks that are made at a time. Kept from frame to frame: taking its pages anew for each takes as long as coding
/// a small one.
using FrameRoom = std::vector<codec::BlockParts>;

/// Writes one frame and returns its bytes. Progress counts the tensor's bytes.
[[nodiscard]] Result<std::uint64_t> write_frame(const codec::TensorWriter& writer, const codec::TensorView& tensor,
                                                base::Sink& sink, base::ThreadPool& pool, base::Progress& progress,
                                                FrameRoom& room);

/// A frame of a lossy codec: every block is read back as it is written, and compared.
struct LossyFrame {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of what the tensor is read as
  BlockLoss loss = {};
};
/// The codec is that of the entry; an element that came back broken is `corrupt`, a defect of the codec. `rows`: those
/// that are measured; null: all.
[[nodiscard]] Result<LossyFrame> write_lossy_frame(const codec::TensorWriter& writer, const codec::TensorView& tensor,
                                                   const format::TensorEntry& entry, const codec::TableSets& tables,
                                                   const format::KeptRowsEntry* rows, base::Sink& sink,
                                                   base::ThreadPool& pool, base::Progress& progress);

/// The schema that a codec sees of an entry.
[[nodiscard]] codec::TensorSchema schema_of(const format::TensorEntry& entry) noexcept;

/// One opened frame. Its bytes were verified against the section's checksums. `base`, the bytes of the tensor that it
/// is coded against, outlives the reader; so does the index of what refines it.
class FrameReader {
 public:
  [[nodiscard]] static Result<FrameReader> open(const format::SectionReader& frames, const format::TensorEntry& entry,
                                                const codec::TableSets& tables, base::ByteView base = {},
                                                std::optional<TensorRefinements> refinements = std::nullopt);

  /// Decodes all blocks in order, a wave of them at a time, and hands out each wave's bytes; at the end their checksum
  /// is held against the index. A progressive tensor's blocks have checksums of their own.
  using Take = std::function<Status(base::ByteView bytes)>;
  [[nodiscard]] Status read(base::ThreadPool& pool, const Take& take) const;
  /// The same into memory of the tensor's size.
  [[nodiscard]] Status read(base::ThreadPool& pool, std::span<std::byte> out) const;

 private:
  FrameReader(const format::SectionReader& frames, const format::TensorEntry& entry, base::ByteView base) noexcept
      : frames_(&frames), entry_(&entry), base_(base) {}
  [[nodiscard]] Status decode(base::ThreadPool& pool, std::uint64_t first, std::span<std::byte> out) const;
  [[nodiscard]] Status decode_refined(std::uint64_t block, std::span<std::byte> out) const;
  [[nodiscard]] bool holds(std::uint64_t checksum) const noexcept {
    return refinements_.has_value() || checksum == entry_->checksum;
  }
  [[nodiscard]] Status wrong_checksum() const;
  [[nodiscard]] std::uint64_t block_bytes() const noexcept { return entry_->block_elements * entry_->element_bytes; }

  const format::SectionReader* frames_;
  const format::TensorEntry* entry_;
  base::ByteView base_;
  std::optional<TensorRefinements> refinements_ = {};
  std::vector<base::ByteView> blocks_;
  std::unique_ptr<codec::TensorReader> reader_;
};

}  // namespace attar::engine
