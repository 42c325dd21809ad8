// Which steps tensors lose by: one number for all of them that meets a budget, pins, and the tables that their symbols
// share. Why it is one number: docs/decisions/0036-weights-by-uniform-steps.md.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attar/loss.h"
#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/tensors.h"
#include "tensor/steps/steps.h"

namespace attar::engine {

/// A tensor that may lose, and what was decided for it.
struct LossyTensor {
  std::size_t item = 0;                    ///< the caller's number of it
  codec::TensorView view = {};             ///< without its base
  std::optional<std::uint32_t> base = {};  ///< the caller's number of what it is coded against
  const TensorPin* pin = nullptr;          ///< not a lossless one; null: the budget's
  std::optional<ErrorBound> bound = {};    ///< of the pin, or of all tensors
  double sensitivity = 1;                  ///< α
  double lossless_bytes = HUGE_VAL;        ///< what it takes without loss

  std::unique_ptr<const tensor::steps::Weights> weights = {};  ///< of the tensor, or of how far it is from its base
  double square = 0;                                           ///< ‖W‖² of the tensor itself
  std::vector<tensor::steps::Rate> rates = {};                 ///< from the widest step to the finest
  tensor::steps::Setting setting = {};
  bool fixed = false;                  ///< no budget moves its step
  double widest_half_step = HUGE_VAL;  ///< what the budget may not pass
  bool lossless = false;               ///< it is smaller so
  std::uint32_t table = 0;
  double bits = 0, squared_error = 0;  ///< expected of the whole tensor

  [[nodiscard]] double elements() const noexcept { return static_cast<double>(view.schema.count); }
  /// True where it is its difference from the base that is coded.
  [[nodiscard]] bool moves() const noexcept { return weights->has_base(); }
  /// ‖Ŵ − W‖² / ‖W‖² as expected.
  [[nodiscard]] double relative_error() const noexcept;
};

/// Fits steps and tables on blocks of all tensors, or of a sample where there are many.
class WeightFit {
 public:
  /// The bytes of what a tensor is coded against.
  using LoadBase = std::function<Result<std::vector<std::byte>>(const LossyTensor&)>;

  WeightFit(std::span<LossyTensor> tensors, base::ThreadPool& pool, base::Progress& progress, LoadBase load_base)
      : tensors_(tensors), pool_(pool), progress_(progress), load_base_(std::move(load_base)) {}

  /// Looks at all tensors and settles those with pins and bounds; to be called first.
  [[nodiscard]] Status look();
  /// The bits of all tensors at the widest step that is of use.
  [[nodiscard]] double least_bits() const;
  /// Steps and tables with which all tensors take about so many bits; least_bits() and more.
  [[nodiscard]] Status fit(double bits);
  /// Tables where no step is free.
  [[nodiscard]] Status fit_tables();
  [[nodiscard]] Status add_tables(codec::TableSets& tables);

  /// What all tensors would take and lose now: bits, squared_error.
  [[nodiscard]] Status foresee() { return turn(); }

  /// c of decision 0036: the step of a tensor is c · ‖W‖ / √α. 0 where no step is free.
  [[nodiscard]] double step() const noexcept { return step_; }
  /// Other steps, rounded as before, with the tables as they are, or with such as are fitted to them.
  void set_step(double step);
  [[nodiscard]] Status fit_at(double step);
  /// Whether the tables were fitted to nearly this step.
  [[nodiscard]] bool is_near(double step) const noexcept;
  /// What all tensors together are expected to take with their tables, and how many bits fewer for steps of twice the
  /// width.
  [[nodiscard]] double bits() const;
  [[nodiscard]] double bits_of_an_octave() const;

 private:
  using Tallies = std::map<std::uint32_t, tensor::steps::Tally>;
  using OfBlock = std::function<tensor::steps::Tally(const LossyTensor&, std::uint64_t, base::ByteView)>;

  [[nodiscard]] Status look_at(LossyTensor& tensor, base::ByteView base) const;
  [[nodiscard]] double bits_at(double step) const;
  [[nodiscard]] double step_for(double bits) const;
  void apply(double step, bool keep_rounding);
  [[nodiscard]] Status begin_models();
  /// One round: measures all tensors under the models, and fits these to what came out.
  [[nodiscard]] Status turn();
  void leave_to_lossless();
  [[nodiscard]] Status count_table_bits();
  [[nodiscard]] Result<Tallies> gather(const OfBlock& of_block, bool keep_bits);

  std::span<LossyTensor> tensors_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  LoadBase load_base_;
  double step_ = 0, fitted_step_ = 0;
  double table_bits_ = 8 * 4000;                     ///< of the tables; before they are fitted, about
  std::map<std::uint32_t, math::RansModel> models_;  ///< by group: tensors whose symbols are alike
};

}  // namespace attar::engine
