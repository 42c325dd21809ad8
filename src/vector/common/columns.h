// Codecs whose components are decoded to floats, column by column, and scored by products: f32, f16, f8, lvq.
// spec.md, "Scoring".
#pragma once

#include <memory>

#include "vector/common/blocks.h"

namespace attar::vector {

/// Components decoded at a time; the runs of the spec's sums.
inline constexpr std::size_t slab_components = 64;

/// Rows of one block that are decoded together.
struct Lanes {
  const std::byte* block = nullptr;
  std::size_t rows = 0;   ///< rows of the block: the stride of its columns
  std::size_t first = 0;  ///< first row wanted
  std::size_t count = 0;  ///< rows wanted, 1 … 32
};

/// What turns a row's values v into components: weight · v + offset.
struct RowTerms {
  double weight = 1;
  double offset = 0;
};

class ColumnModel : public BlockModel {
 public:
  /// Components [first, first + count) of the lanes: out[component · 32 + lane]. `first` is a multiple of 64, count
  /// ≤ 64.
  virtual void decode_slab(const Lanes& lanes, std::size_t first, std::size_t count, float* out) const noexcept = 0;
  /// The same of one lane, side by side: out[component]. A codec may do better where the row is a block of its own.
  virtual void decode_one(const Lanes& lane, std::size_t first, std::size_t count, float* out) const noexcept;
  [[nodiscard]] virtual RowTerms row_terms(const std::byte* block, std::size_t rows, std::size_t row) const noexcept;
  /// Whether products are summed in double: for values without bounds.
  [[nodiscard]] virtual bool wide() const noexcept { return false; }

 protected:
  using BlockModel::BlockModel;
};

class ColumnView final : public BlockView {
 public:
  [[nodiscard]] static Result<std::unique_ptr<codec::View>> open(format::SectionReader codes,
                                                                 std::shared_ptr<const ColumnModel> model,
                                                                 const codec::Schema& schema);
  [[nodiscard]] Result<std::unique_ptr<codec::Scorer>> prepare(codec::QueryBatch queries) const override;
  [[nodiscard]] const ColumnModel& model() const noexcept { return *model_; }

 private:
  ColumnView(format::SectionReader codes, std::shared_ptr<const ColumnModel> model, const codec::Schema& schema);
  void decode_row(std::uint64_t row, std::span<float> out) const override;

  std::shared_ptr<const ColumnModel> model_;
};

/// totals[lane] += Σ query[j] · slab[j · 32 + lane] for 32 lanes, summed as the spec says; `count` ≤ 64.
void add_products(const float* slab, const float* query, std::size_t count, double* totals) noexcept;
/// The same with all products and sums in double.
void add_products_wide(const float* slab, const float* query, std::size_t count, double* totals) noexcept;
/// What add_products or add_products_wide adds for one lane, whose values lie side by side here. The scalar reference.
[[nodiscard]] double row_product(const float* values, const float* query, std::size_t count, bool wide) noexcept;

}  // namespace attar::vector
