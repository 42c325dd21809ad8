#include "vector/common/blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "math/vector_ops.h"
#include "simd/clones.h"

namespace attar::vector {
namespace {

constexpr std::size_t batch_blocks = 64;  // blocks gathered before the pool is called

class BlockEncoder final : public codec::Encoder {
 public:
  BlockEncoder(std::shared_ptr<const BlockModel> model, Basis::Analysis analysis, const codec::Schema& schema,
               base::Sink& sink, base::ThreadPool& pool)
      : model_(std::move(model)), analysis_(std::move(analysis)), schema_(schema), sink_(sink), pool_(pool) {}

  Status append(const codec::Chunk& chunk) override {
    return batches_.append(chunk, [this] { return write_batch(); });
  }

  Status finish() override {
    return batches_.finish([this] { return write_batch(); });
  }

 private:
  Status write_batch() {
    const std::size_t rows = batches_.rows();
    const std::size_t bytes = row_bytes(schema_, model_->code_bytes());
    std::vector<std::byte> out(rows * bytes);
    pool_.run((rows + block_rows - 1) / block_rows, [&](std::size_t task, unsigned) {
      const std::size_t last = std::min(rows, (task + 1) * block_rows), step = schema_.block_rows;
      for (std::size_t first = task * block_rows; first < last; first += step)
        encode_block(first, std::min(step, last - first), out.data() + first * bytes);
    });
    return sink_.write(out);
  }

  void encode_block(std::size_t first, std::size_t count, std::byte* out) const {
    const auto rows = batches_.values().subspan(first * schema_.dims, count * schema_.dims);
    model_->encode(analysis_.apply(rows, count), count, out);
    if (schema_.metric != Metric::l2) return;
    std::byte* norms = out + count * model_->code_bytes();
    const std::span<const float> known = batches_.norms();
    for (std::size_t i = 0; i < count; ++i)
      base::store(norms + 4 * i, known.empty()
                                     ? to_finite_float(math::squared_norm(rows.subspan(i * schema_.dims, schema_.dims)))
                                     : known[first + i]);
  }

  std::shared_ptr<const BlockModel> model_;
  Basis::Analysis analysis_;
  codec::Schema schema_;
  base::Sink& sink_;
  base::ThreadPool& pool_;
  RowBatches batches_{schema_, batch_blocks* block_rows};
};

// Internal scores from inner products: rounded once, never infinite; NaN (from hostile codes) stays NaN.
ATTAR_VECTOR_CLONES void finish_scores(const double* inner, const float* norms, double bias, float* scores) noexcept {
  constexpr double limit = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < block_rows; ++i) {
    const double whole = inner[i] + bias;
    double value = norms == nullptr ? whole : 2.0 * whole - static_cast<double>(norms[i]);
    value = value > limit ? limit : value;
    value = value < -limit ? -limit : value;
    scores[i] = static_cast<float>(value);
  }
}

ATTAR_VECTOR_CLONES int count_reaching(const float* scores, float threshold) noexcept {
  int count = 0;
  for (std::size_t i = 0; i < block_rows; ++i) count += scores[i] >= threshold ? 1 : 0;
  return count;
}

void offer(const float* scores, std::uint32_t valid, std::uint32_t first_row, codec::TopK& top) noexcept {
  const float threshold = top.threshold();
  if (count_reaching(scores, threshold) == 0) return;
  for (; valid != 0; valid &= valid - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(valid));
    if (scores[i] >= threshold) top.push(scores[i], first_row + i);
  }
}

}  // namespace

Result<std::unique_ptr<codec::Encoder>> make_block_encoder(std::shared_ptr<const BlockModel> model,
                                                           const codec::Schema& schema, base::Sink& sink,
                                                           base::ThreadPool& pool) {
  ATTAR_ASSIGN(auto analysis, model->basis().analysis());
  return std::make_unique<BlockEncoder>(std::move(model), std::move(analysis), schema, sink, pool);
}

Status BlockView::check_size() const {
  if (codes_.bytes().size() != schema_.rows * row_bytes_)
    return codes_.fail(ErrorCode::corrupt, "the codes' size is not what the schema and the model say");
  return {};
}

Status BlockView::verify(codec::Range rows) const {
  ATTAR_TRY(check_verify(rows, schema_));
  if (rows.size() == 0) return {};
  const std::uint64_t step = schema_.block_rows;
  const std::uint64_t first = rows.first / step * step;
  const std::uint64_t last = std::min(schema_.rows, (rows.last + step - 1) / step * step);
  return codes_.verify(first * row_bytes_, (last - first) * row_bytes_);
}

Status BlockView::decode(codec::Range rows, std::span<float> out) const {
  ATTAR_TRY(check_decode(rows, out.size(), schema_));
  for (std::uint64_t row = rows.first; row < rows.last; ++row)
    decode_row(row, out.subspan((row - rows.first) * schema_.dims, schema_.dims));
  return {};
}

BlockScorer::BlockScorer(const BlockView& view, codec::QueryBatch queries, const Basis& basis) : view_(view) {
  for (std::size_t q = 0; q < queries.size(); ++q) queries_.push_back(basis.prepare(queries.query(q)));
}

void BlockScorer::scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept {
  if (rows.size() == 0) return;
  alignas(64) double inner[codec::max_batch * block_rows];
  alignas(64) float scores[block_rows];
  alignas(64) float norms[block_rows] = {};
  const std::size_t step = view_.schema().block_rows;
  for (std::uint64_t index = rows.first / step; index * step < rows.last; ++index) {
    const std::uint64_t first = index * step;
    const std::uint32_t valid = rows_to_scan(index, rows, scan, step);
    if (valid == 0) continue;
    score_block(index, inner);
    for (std::size_t i = 0; view_.l2() && i < view_.rows_in(index); ++i) norms[i] = view_.norm(first + i);
    for (std::size_t i = 0; i < (scan.which.empty() ? queries_.size() : scan.which.size()); ++i) {
      const std::size_t q = scan.which.empty() ? i : scan.which[i];
      finish_scores(inner + q * block_rows, view_.l2() ? norms : nullptr, static_cast<double>(scan.bias_of(q)), scores);
      offer(scores, valid, static_cast<std::uint32_t>(first) + scan.row_offset, top[q]);
    }
  }
}

void BlockScorer::score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept {
  std::array<double, codec::max_batch> inner{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    score_row(rows[i], inner.data());
    const double norm = view_.l2() ? static_cast<double>(view_.norm(rows[i])) : 0;
    for (std::size_t q = 0; q < queries_.size(); ++q)
      out[q * rows.size() + i] = to_finite_float(view_.l2() ? 2.0 * inner[q] - norm : inner[q]);
  }
}

}  // namespace attar::vector
