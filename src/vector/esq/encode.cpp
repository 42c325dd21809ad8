#include "vector/esq/encode.h"

#include <algorithm>
#include <cmath>

#include "base/spill.h"
#include "math/vector_ops.h"
#include "vector/common/rows.h"
#include "vector/esq/kernel.h"

namespace attar::vector::esq {
namespace {

constexpr std::size_t piece_rows = 64;                 // one task of the pool
constexpr std::size_t batch_rows = 32 * piece_rows;    // rows gathered before the pool is called
constexpr std::uint64_t finish_memory = 384ull << 20;  // finishes beyond it move to a scratch file

class EsqEncoder final : public codec::Encoder {
 public:
  EsqEncoder(std::shared_ptr<const EsqModel> model, Basis::Analysis analysis, const codec::Schema& schema,
             base::Sink& sink, base::ThreadPool& pool)
      : model_(std::move(model)),
        analysis_(std::move(analysis)),
        schema_(schema),
        layout_(schema, model_->shape().walk_codes, model_->shape().finish_codes),
        sink_(sink),
        pool_(pool) {}

  Status append(const codec::Chunk& chunk) override {
    return batches_.append(chunk, [this] { return encode_batch(); });
  }

  Status finish() override {
    ATTAR_TRY(batches_.finish([this] { return encode_batch(); }));
    ATTAR_TRY(write_zeros(layout_.finish - schema_.rows * layout_.walk_bytes));
    ATTAR_TRY(finishes_.copy_to(sink_));
    return write_zeros(overread_bytes);
  }

 private:
  Status encode_batch() {
    const std::size_t rows = batches_.rows();
    std::vector<std::byte> walks(rows * layout_.walk_bytes), finishes(rows * layout_.finish_bytes);
    pool_.run(base::ceil_div(rows, piece_rows), [&](std::size_t piece, unsigned) {
      const std::size_t first = piece * piece_rows, count = std::min(piece_rows, rows - first);
      const auto own = batches_.values().subspan(first * schema_.dims, count * schema_.dims);
      const std::vector<float> components = analysis_.apply(own, count);
      const std::size_t stride = components.size() / count;
      std::vector<Code> codes(largest_group);
      for (std::size_t i = 0; i < count; ++i) {
        std::byte* walk = walks.data() + (first + i) * layout_.walk_bytes;
        encode_row(std::span(components).subspan(i * stride, stride), codes, walk,
                   finishes.data() + (first + i) * layout_.finish_bytes);
        if (schema_.metric == Metric::l2) base::store(walk + layout_.walk_bytes - 4, norm_of(first + i));
      }
    });
    ATTAR_TRY(sink_.write(walks));
    return finishes_.write(finishes);
  }

  void encode_row(std::span<const float> components, std::span<Code> codes, std::byte* walk,
                  std::byte* finish) const noexcept {
    const Shape& shape = model_->shape();
    double squares = 0;  // ⟨z,z⟩
    for (std::size_t j = 0; j < components.size(); ++j) squares += square_of(components[j], j);
    const double norm = std::sqrt(squares);
    if (!(norm > 0)) return;
    // u is z in units of t; y is that already in a dense basis.
    const double factor = 1 / (norm * static_cast<double>(model_->component_unit()));
    double walk_match = 0, finish_match = 0;  // ⟨ẑ,z⟩ / ⟨z,z⟩ without scales
    for (const Group& group : shape.groups) {
      for (std::size_t i = 0; i < group.components(); ++i) {
        const std::size_t j = group.first + i;
        codes[i] = {};
        if (j >= shape.components) continue;
        const double u = static_cast<double>(components[j]) * factor;
        codes[i] = quantize(static_cast<float>(u), group.bits);
        const double t = static_cast<double>(model_->threshold(j));
        const double weight = t * t * u;
        finish_match += weight * value_of(codes[i], group.bits) / unit;
        if (group.walked) walk_match += weight * (codes[i].crumb - 1.5);
      }
      put_group(group, codes, walk, finish);
    }
    base::store(walk + shape.walk_codes, scale_to_bits(norm * gain_for(walk_match)));
    base::store(finish + shape.finish_codes, scale_to_bits(norm * gain_for(finish_match)));
  }

  // What a component adds to ⟨z,z⟩.
  double square_of(float component, std::size_t j) const noexcept {
    const double t = model_->basis().kind() == Basis::Kind::dense ? static_cast<double>(model_->threshold(j)) : 1.0;
    const double z = t * static_cast<double>(component);
    return z * z;
  }

  float norm_of(std::size_t row) const noexcept {
    if (!batches_.norms().empty()) return batches_.norms()[row];
    return to_finite_float(math::squared_norm(batches_.values().subspan(row * schema_.dims, schema_.dims)));
  }

  Status write_zeros(std::size_t count) { return sink_.write(std::vector<std::byte>(count)); }

  std::shared_ptr<const EsqModel> model_;
  Basis::Analysis analysis_;
  codec::Schema schema_;
  Layout layout_;
  base::Sink& sink_;
  base::ThreadPool& pool_;
  base::SpillBuffer finishes_{finish_memory};
  RowBatches batches_{schema_, batch_rows};
};

}  // namespace

Result<std::unique_ptr<codec::Encoder>> make_encoder(std::shared_ptr<const EsqModel> model, const codec::Schema& schema,
                                                     base::Sink& sink, base::ThreadPool& pool) {
  ATTAR_ASSIGN(auto analysis, model->basis().analysis());
  return std::make_unique<EsqEncoder>(std::move(model), std::move(analysis), schema, sink, pool);
}

}  // namespace attar::vector::esq
