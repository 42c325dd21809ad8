// Rows in blocks of 32, codes and per-row values together: what the small codecs share of layout, encoding and
// scanning. spec.md, "Codes section" and "Scoring".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/checked.h"
#include "codec/codec.h"
#include "vector/common/basis.h"
#include "vector/common/rows.h"

namespace attar::vector {

/// A model whose codes are blocks of 32 rows.
class BlockModel : public codec::Model {
 public:
  /// Bytes of a row's codes and its own weights; without ‖x‖².
  [[nodiscard]] virtual std::uint64_t code_bytes() const noexcept = 0;
  /// Writes one block's codes: `components` is count × basis().components(), count is 1 … 32, `out` has
  /// count × code_bytes() zero bytes.
  virtual void encode(std::span<const float> components, std::size_t count, std::byte* out) const = 0;
  [[nodiscard]] const Basis& basis() const noexcept { return basis_; }

 protected:
  explicit BlockModel(Basis basis) : basis_(std::move(basis)) {}

 private:
  Basis basis_;
};

/// Encodes whole blocks on the pool and writes them in order as they fill; memory does not grow with the rows.
[[nodiscard]] Result<std::unique_ptr<codec::Encoder>> make_block_encoder(std::shared_ptr<const BlockModel> model,
                                                                         const codec::Schema& schema, base::Sink& sink,
                                                                         base::ThreadPool& pool);

/// Bytes of a row in the codes section.
[[nodiscard]] constexpr std::uint64_t row_bytes(const codec::Schema& schema, std::uint64_t code_bytes) noexcept {
  return code_bytes + (schema.metric == Metric::l2 ? 4 : 0);
}

/// The part of a view that knows where blocks stand.
class BlockView : public codec::View, public codec::Scorable {
 public:
  [[nodiscard]] std::uint64_t size() const noexcept override { return schema_.rows; }
  [[nodiscard]] Status verify(codec::Range rows) const override;
  [[nodiscard]] Status decode(codec::Range rows, std::span<float> out) const override;
  [[nodiscard]] const codec::Scorable* scorable() const noexcept override { return this; }

  [[nodiscard]] const codec::Schema& schema() const noexcept { return schema_; }
  [[nodiscard]] bool l2() const noexcept { return schema_.metric == Metric::l2; }
  [[nodiscard]] std::uint64_t block_count() const noexcept { return base::ceil_div(schema_.rows, schema_.block_rows); }
  [[nodiscard]] std::size_t rows_in(std::uint64_t block) const noexcept {
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(schema_.block_rows, schema_.rows - block * schema_.block_rows));
  }
  [[nodiscard]] const std::byte* block(std::uint64_t index) const noexcept {
    return codes_.bytes().data() + index * schema_.block_rows * row_bytes_;
  }
  /// ‖x‖² of a row; l2 only.
  [[nodiscard]] float norm(std::uint64_t row) const noexcept {
    const std::uint64_t index = row / schema_.block_rows;
    return base::load<float>(block(index) + rows_in(index) * (row_bytes_ - 4) + 4 * (row % schema_.block_rows));
  }

 protected:
  BlockView(format::SectionReader codes, const codec::Schema& schema, std::uint64_t code_bytes)
      : codes_(std::move(codes)), schema_(schema), row_bytes_(row_bytes(schema, code_bytes)) {}
  /// The size is what schema and model say; to be called before anything reads a block.
  [[nodiscard]] Status check_size() const;
  virtual void decode_row(std::uint64_t row, std::span<float> out) const = 0;

 private:
  format::SectionReader codes_;
  codec::Schema schema_;
  std::uint64_t row_bytes_;
};

/// The scan over blocks; a tenant scores one block or one row.
class BlockScorer : public codec::Scorer {
 public:
  void scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept final;
  void score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept final;

 protected:
  BlockScorer(const BlockView& view, codec::QueryBatch queries, const Basis& basis);
  /// inner[query · 32 + lane] of the block's rows; lanes beyond its rows may hold anything.
  virtual void score_block(std::uint64_t index, double* inner) const noexcept = 0;
  /// inner[query] of one row: the same bits as score_block gives its lane.
  virtual void score_row(std::uint64_t row, double* inner) const noexcept = 0;
  [[nodiscard]] std::span<const PreparedQuery> queries() const noexcept { return queries_; }

 private:
  const BlockView& view_;
  std::vector<PreparedQuery> queries_;
};

}  // namespace attar::vector
