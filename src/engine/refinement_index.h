// The refinements of an opened artifact, by tensor and block. Bytes: FORMAT.md, "Refinements section and order
// section".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "format/losses.h"
#include "format/reader.h"
#include "format/refinements.h"
#include "format/tensors.h"

namespace attar::engine {

class RefinementIndex;

/// What refines one tensor.
class TensorRefinements {
 public:
  TensorRefinements(const RefinementIndex& index, const format::RefinementOrder::Tensor& tensor) noexcept
      : index_(&index), tensor_(&tensor) {}

  /// Appends the passes of a block as its codec reads them, their checksums verified.
  [[nodiscard]] Status append_passes(std::uint64_t block, std::vector<std::byte>& out) const;
  [[nodiscard]] const format::BlockState& state(std::uint64_t block) const noexcept;
  /// All passes of the tensor.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] std::uint64_t blocks() const noexcept { return tensor_->blocks; }

 private:
  const RefinementIndex* index_;
  const format::RefinementOrder::Tensor* tensor_;
};

/// Immutable but for keep(); safe to use from many threads.
class RefinementIndex {
 public:
  /// None where an artifact has no progressive tensors. `corrupt` unless the order names exactly these.
  [[nodiscard]] static Result<std::optional<RefinementIndex>> open(const format::ArtifactReader& reader,
                                                                   const std::vector<format::TensorEntry>& tensors,
                                                                   const OpenLimits& limits);

  [[nodiscard]] const format::RefinementOrder& order() const noexcept { return order_; }
  [[nodiscard]] const format::SectionReader& section() const noexcept { return section_; }
  /// None for a tensor that is not progressive; those of the same frame share it.
  [[nodiscard]] std::optional<TensorRefinements> of(std::size_t number) const noexcept;
  /// Forgets all but the first so many refinements.
  void keep(std::size_t count);
  /// What tensors have lost, with the refinements that are kept, beside what losses say otherwise.
  void state_errors(format::Losses& losses) const;

 private:
  friend class TensorRefinements;
  struct Pass {
    std::uint64_t at = 0;
    std::uint32_t length = 0;
  };
  explicit RefinementIndex(format::SectionReader section) noexcept : section_(std::move(section)) {}
  void arrange();

  format::SectionReader section_;
  format::RefinementOrder order_;
  std::vector<std::optional<std::uint32_t>> slots_;  ///< of each tensor of the artifact: its place in the order
  std::vector<std::vector<Pass>> passes_;            ///< by block
  std::vector<format::BlockState> states_;           ///< by block
};

}  // namespace attar::engine
