// What an opened artifact of tensors keeps: its index, its tables, and the artifact below that some tensors need.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "attar/tensors.h"
#include "engine/refinement_index.h"
#include "engine/tensor_frames.h"
#include "format/kept_rows.h"
#include "format/losses.h"
#include "format/reader.h"
#include "format/tensors.h"

namespace attar {

struct TensorArtifact::State {
  explicit State(format::ArtifactReader from) : reader(std::move(from)) {}

  /// Opens the file and, where it is coded against another, that one: `base`, or one of its folder with the digest.
  /// Without it all opens but the tensors that need it.
  [[nodiscard]] static Result<std::unique_ptr<State>> open(const std::filesystem::path& path,
                                                           const OpenOptions& options,
                                                           const std::filesystem::path& base);

  format::ArtifactReader reader;
  OpenLimits limits = {};
  std::vector<format::TensorEntry> tensors;
  codec::TableSets tables;
  std::optional<format::SectionReader> frames;
  std::optional<format::BaseEntry> base_entry;
  format::Losses losses;                         ///< of the tensors with lossy codecs; none where there are no such
  std::vector<format::KeptRowsEntry> kept_rows;  ///< of the tables that were trimmed
  std::optional<engine::RefinementIndex> refinements;  ///< of progressive tensors; none where there are no such
  bool is_cut = false;                                 ///< some of the file is forgotten
  std::shared_ptr<const State> base;                   ///< null where there is none, or it was not found

  // Sources are read when they are asked for: a single tensor needs none.
  mutable std::once_flag sources_once;
  mutable std::optional<Result<std::vector<format::SourceEntry>>> sources_read;

  [[nodiscard]] const Result<std::vector<format::SourceEntry>>& sources() const;
  [[nodiscard]] std::string source_path(const format::TensorEntry& tensor) const;
  /// Null where the tensor comes back as it was.
  [[nodiscard]] const format::TensorLossEntry* loss_of(std::size_t number) const noexcept;
  /// Null where it has all of its rows.
  [[nodiscard]] const format::KeptRowsEntry* kept_rows_of(std::size_t number) const noexcept;
  /// Σ α t² over the tensors that lost something; those that share a frame are one.
  [[nodiscard]] double weighed_error() const;
  /// Of the tensor, what refines it counted.
  [[nodiscard]] std::uint64_t packed_bytes(std::size_t number) const noexcept;
  /// The section's length with the first so many refinements alone.
  [[nodiscard]] std::uint64_t length_with(const format::SectionEntry& entry, std::size_t count) const;
  /// The exact size of the artifact with the first so many refinements alone, without its certificate, and with room
  /// for another.
  [[nodiscard]] Result<std::uint64_t> bytes_with(std::size_t count, std::uint64_t certificate_bytes = 0) const;
  /// The most refinements with which that is not larger than `bytes`; `goal_unreachable` where none helps, and
  /// `invalid_argument` for an artifact without progressive tensors.
  [[nodiscard]] Result<std::size_t> refinements_within(std::uint64_t bytes, std::uint64_t certificate_bytes = 0) const;
  /// What a budget is in bytes: of the weights for bits, of the sources for shares.
  [[nodiscard]] Result<std::uint64_t> bytes_of(const Budget& budget) const;
  /// Forgets all but the first so many refinements, which are what a budget of so many bytes left, and a certificate:
  /// it was of all of them.
  void keep(std::size_t count, std::uint64_t budget);
  /// Writes the artifact so, with room for a certificate; returns its size.
  [[nodiscard]] Result<std::uint64_t> write_kept(const std::filesystem::path& output,
                                                 std::uint64_t certificate_bytes) const;
  /// Artifacts below.
  [[nodiscard]] std::uint32_t depth() const noexcept { return base_entry ? base_entry->depth : 0; }

  /// Index, tables and the entry of the base.
  [[nodiscard]] Status load();
  /// Takes the base where it is the one that was meant; its tensors are held against the index.
  [[nodiscard]] Status set_base(std::shared_ptr<const State> found);

  /// Hands out the tensor's bytes, in order, decoded and held against their checksum.
  [[nodiscard]] Status stream(std::size_t number, base::ThreadPool& pool, const engine::FrameReader::Take& take) const;
  /// The same in memory; `over_limit` above OpenLimits::max_tensor_bytes.
  [[nodiscard]] Result<std::vector<std::byte>> whole(std::size_t number, base::ThreadPool& pool) const;

 private:
  [[nodiscard]] Status load_losses();
  [[nodiscard]] Result<engine::FrameReader> frame(std::size_t number, base::ThreadPool& pool,
                                                  std::vector<std::byte>& base_bytes) const;
  [[nodiscard]] Status need_base(const format::TensorEntry& tensor) const;
};

}  // namespace attar
