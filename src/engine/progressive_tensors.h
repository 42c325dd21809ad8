// Packing tensors so that the artifact may be cut anywhere: every block is coded pass by pass, and passes lie in the
// order in which they lower the sum of α t² per byte most. Why so: docs/decisions/0036-weights-by-uniform-steps.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/table_sets.h"
#include "engine/lossy_tensors.h"
#include "format/refinements.h"
#include "math/rans.h"
#include "tensor/refined/refined.h"

namespace attar::engine {

/// Elements of a progressive tensor's block.
[[nodiscard]] std::uint64_t refined_block_elements(std::uint64_t columns) noexcept;

class ProgressivePacking {
 public:
  /// Tensors that no pin fixes, their views cut into blocks of refined_block_elements().
  ProgressivePacking(std::vector<LossyTensor> tensors, base::ThreadPool& pool, base::Progress& progress)
      : tensors_(std::move(tensors)), pool_(pool), progress_(progress) {}

  [[nodiscard]] const std::vector<LossyTensor>& tensors() const noexcept { return tensors_; }

  /// Looks at all tensors, and fits steps and the table for so many bits a weight where nothing is left out.
  [[nodiscard]] Status fit(double bits);
  [[nodiscard]] Status add_table(codec::TableSets& tables);

  /// Codes the tensor of this place, writes its frame and keeps its passes; in the order of their places. Returns the
  /// frame's bytes.
  [[nodiscard]] Result<std::uint64_t> write_frame(std::size_t place, std::uint32_t number, base::Sink& sink);
  /// Once all frames are written: puts the refinements in order, and writes them.
  [[nodiscard]] Status write_refinements(base::Sink& sink);

  /// A tensor with all that refines it.
  struct Whole {
    std::uint32_t number = 0;
    std::uint64_t refinement_bytes = 0;
    double squared_error = 0, max_error = 0;
  };
  /// All tensors, after write_refinements().
  [[nodiscard]] std::vector<Whole> whole() const;
  /// After write_refinements().
  [[nodiscard]] const format::RefinementOrder& order() const noexcept { return order_; }
  /// ‖W‖² of the tensor of this place.
  [[nodiscard]] double square(std::size_t place) const noexcept { return planes_[place]->square(); }
  /// c: steps are c · ‖W‖ / √α, times what tells blocks apart.
  [[nodiscard]] double step() const noexcept { return step_; }

 private:
  struct Coded {
    tensor::refined::CodedBlock block = {};
    std::vector<format::BlockState> states = {};  ///< after each number of passes
  };
  struct Refined {
    format::Refinement refinement = {};
    double slope = 0;  ///< of α t² over bytes
    std::vector<std::byte> bytes = {};
  };

  [[nodiscard]] Status look();
  [[nodiscard]] double step_for(double bits) const;
  [[nodiscard]] double step_of(std::size_t place, std::uint64_t block) const;
  [[nodiscard]] Status fit_table();
  [[nodiscard]] Coded code(std::size_t place, std::uint64_t block) const;
  void take_refinements(Coded& coded, std::uint32_t block, double weight);

  std::vector<LossyTensor> tensors_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  std::vector<std::unique_ptr<const tensor::refined::Planes>> planes_;
  std::vector<std::uint32_t> first_blocks_;
  std::optional<math::RansModel> model_;
  std::uint32_t table_ = 0;
  double step_ = 0;
  format::RefinementOrder order_;
  std::vector<Refined> refined_;
};

}  // namespace attar::engine
