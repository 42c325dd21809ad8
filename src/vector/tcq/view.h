// tcq's codes opened for reading: decoding, and scans that stop early without changing the answer.
#pragma once

#include <memory>

#include "codec/codec.h"
#include "vector/tcq/layout.h"
#include "vector/tcq/model.h"

namespace attar::vector::tcq {

class TcqView final : public codec::View, public codec::Scorable {
 public:
  /// Lists that many queries want are decoded once for all of them: the more come together, the less each pays.
  static constexpr std::size_t largest_batch = 1024;

  [[nodiscard]] static Result<std::unique_ptr<codec::View>> open(format::SectionReader codes,
                                                                 std::shared_ptr<const TcqModel> model,
                                                                 const codec::Schema& schema);

  [[nodiscard]] std::uint64_t size() const noexcept override { return schema_.rows; }
  [[nodiscard]] Status verify(codec::Range rows) const override;
  [[nodiscard]] Status decode(codec::Range rows, std::span<float> out) const override;
  [[nodiscard]] const codec::Scorable* scorable() const noexcept override { return this; }
  [[nodiscard]] std::size_t most_queries() const override { return largest_batch; }
  [[nodiscard]] Result<std::unique_ptr<codec::Scorer>> prepare(codec::QueryBatch queries) const override;
  [[nodiscard]] std::vector<double> part_costs() const override;

  /// A block of 32 rows in a run's plane; the last, partial one is read from a copy filled up with zeros.
  [[nodiscard]] const std::byte* block(std::size_t run, std::uint64_t index) const noexcept {
    return index < layout_.full_blocks ? bytes_ + layout_.plane[run] + index * block_bytes(run)
                                       : tail_block_[run].data();
  }
  [[nodiscard]] float scale(std::uint64_t row) const noexcept;
  /// Where the scales lie, and what those of one byte stand for.
  [[nodiscard]] const std::byte* scale_codes() const noexcept { return bytes_ + layout_.scales; }
  [[nodiscard]] const float* scale_grid() const noexcept { return grid_.data(); }
  /// What a step of a two-byte scale stands for.
  [[nodiscard]] float scale_step() const noexcept { return scale_step_; }
  [[nodiscard]] float norm(std::uint64_t row) const noexcept {
    return base::load<float>(bytes_ + layout_.norms + 4 * row);
  }
  [[nodiscard]] const TcqModel& model() const noexcept { return *model_; }
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const codec::Schema& schema() const noexcept { return schema_; }
  /// What the sums of the first `part` + 1 parts are multiplied with when they alone are looked at; 1 for all parts.
  [[nodiscard]] float gain(std::size_t part) const noexcept { return gains_[part]; }
  /// Bound on what runs r and later add, in units of the query's norm; 0 past the last run.
  [[nodiscard]] float tail(std::size_t run) const noexcept { return tails_[run]; }
  /// By component, the squared error that its quantizers are made to leave, without the row's scale.
  [[nodiscard]] std::span<const double> errors() const noexcept { return errors_; }

 private:
  TcqView(format::SectionReader codes, std::shared_ptr<const TcqModel> model, const codec::Schema& schema);
  [[nodiscard]] Status read_gains();
  void copy_tail_block();
  void estimate_errors();
  [[nodiscard]] std::uint64_t block_bytes(std::size_t run) const noexcept {
    return block_rows * model_->shape.runs[run].row_bytes();
  }

  format::SectionReader codes_;
  std::shared_ptr<const TcqModel> model_;
  codec::Schema schema_;
  Layout layout_;
  const std::byte* bytes_;
  std::array<float, 256> grid_{};
  float scale_step_ = 0;
  std::vector<float> gains_;  // by part
  std::array<std::vector<std::byte>, max_runs> tail_block_;
  std::array<float, max_runs + 1> tails_{};
  std::vector<double> errors_;  // by component
};

}  // namespace attar::vector::tcq
