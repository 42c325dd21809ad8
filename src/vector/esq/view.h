// esq's codes opened for reading.
#pragma once

#include <memory>

#include "codec/codec.h"
#include "vector/esq/kernel.h"
#include "vector/esq/model.h"

namespace attar::vector::esq {

class EsqView final : public codec::View, public codec::Scorable {
 public:
  [[nodiscard]] static Result<std::unique_ptr<codec::View>> open(format::SectionReader codes,
                                                                 std::shared_ptr<const EsqModel> model,
                                                                 const codec::Schema& schema);

  [[nodiscard]] std::uint64_t size() const noexcept override { return schema_.rows; }
  [[nodiscard]] Status verify(codec::Range rows) const override;
  [[nodiscard]] Status decode(codec::Range rows, std::span<float> out) const override;
  [[nodiscard]] Status copy(std::span<const std::uint32_t> rows, base::Sink& sink) const override;
  [[nodiscard]] const codec::Scorable* scorable() const noexcept override { return this; }
  [[nodiscard]] Result<std::unique_ptr<codec::Scorer>> prepare(codec::QueryBatch queries) const override;
  [[nodiscard]] std::vector<double> part_costs() const override;
  [[nodiscard]] bool walks() const override { return true; }

  [[nodiscard]] const EsqModel& model() const noexcept { return *model_; }
  [[nodiscard]] bool l2() const noexcept { return schema_.metric == Metric::l2; }
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const std::byte* walk(std::uint64_t row) const noexcept { return bytes_ + row * layout_.walk_bytes; }
  [[nodiscard]] const std::byte* finish(std::uint64_t row) const noexcept {
    return bytes_ + layout_.finish + row * layout_.finish_bytes;
  }
  [[nodiscard]] float walk_scale(const std::byte* walk) const noexcept {
    return scale_from(base::load<std::uint16_t>(walk + model_->shape().walk_codes));
  }
  [[nodiscard]] float finish_scale(const std::byte* finish) const noexcept {
    return scale_from(base::load<std::uint16_t>(finish + model_->shape().finish_codes));
  }
  /// ‖x‖² of a row; l2 only.
  [[nodiscard]] float norm(const std::byte* walk) const noexcept {
    return base::load<float>(walk + layout_.walk_bytes - 4);
  }

 private:
  EsqView(format::SectionReader codes, std::shared_ptr<const EsqModel> model, const codec::Schema& schema);

  format::SectionReader codes_;
  std::shared_ptr<const EsqModel> model_;
  codec::Schema schema_;
  Layout layout_;
  const std::byte* bytes_;
};

}  // namespace attar::vector::esq
