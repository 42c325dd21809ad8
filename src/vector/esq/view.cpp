#include "vector/esq/view.h"

#include <algorithm>

#include "vector/common/rows.h"
#include "vector/esq/scorer.h"

namespace attar::vector::esq {

EsqView::EsqView(format::SectionReader codes, std::shared_ptr<const EsqModel> model, const codec::Schema& schema)
    : codes_(std::move(codes)),
      model_(std::move(model)),
      schema_(schema),
      layout_(schema, model_->shape().walk_codes, model_->shape().finish_codes),
      bytes_(codes_.bytes().data()) {}

Result<std::unique_ptr<codec::View>> EsqView::open(format::SectionReader codes, std::shared_ptr<const EsqModel> model,
                                                   const codec::Schema& schema) {
  std::unique_ptr<EsqView> out(new EsqView(std::move(codes), std::move(model), schema));
  if (out->codes_.bytes().size() != out->layout_.total_bytes)
    return out->codes_.fail(ErrorCode::corrupt, "the codes' size is not what the schema and the model say");
  return out;
}

Status EsqView::verify(codec::Range rows) const {
  ATTAR_TRY(check_verify(rows, schema_));
  if (rows.size() == 0) return {};
  ATTAR_TRY(codes_.verify(rows.first * layout_.walk_bytes, rows.size() * layout_.walk_bytes));
  return codes_.verify(layout_.finish + rows.first * layout_.finish_bytes, rows.size() * layout_.finish_bytes);
}

Status EsqView::decode(codec::Range rows, std::span<float> out) const {
  ATTAR_TRY(check_decode(rows, out.size(), schema_));
  const Shape& shape = model_->shape();
  std::vector<float> components(model_->basis().components());
  for (std::uint64_t row = rows.first; row < rows.last; ++row) {
    const Place place = {walk(row), finish(row)};
    const double step =
        static_cast<double>(finish_scale(place.finish)) * static_cast<double>(model_->component_unit()) / unit;
    std::fill(components.begin(), components.end(), 0.0f);
    for (const Group& group : shape.groups)
      for (std::size_t i = 0; i < group.components() && group.first + i < shape.components; ++i)
        components[group.first + i] = to_finite_float(step * value_of(code_at(group, place, i), group.bits));
    model_->basis().reconstruct(components, out.subspan((row - rows.first) * schema_.dims, schema_.dims));
  }
  return {};
}

Status EsqView::copy(std::span<const std::uint32_t> rows, base::Sink& sink) const {
  const std::vector<std::byte> zeros(overread_bytes);
  for (const std::uint32_t row : rows) ATTAR_TRY(sink.write({walk(row), layout_.walk_bytes}));
  const std::uint64_t walks = rows.size() * layout_.walk_bytes;
  ATTAR_TRY(sink.write(std::span(zeros).first(base::round_up(walks, finish_alignment) - walks)));
  for (const std::uint32_t row : rows) ATTAR_TRY(sink.write({finish(row), layout_.finish_bytes}));
  return sink.write(zeros);
}

Result<std::unique_ptr<codec::Scorer>> EsqView::prepare(codec::QueryBatch queries) const {
  ATTAR_TRY(check_batch(queries, schema_.dims));
  return std::make_unique<EsqScorer>(*this, queries);
}

// A walk's component costs about a third of a finish's.
std::vector<double> EsqView::part_costs() const {
  const Shape& shape = model_->shape();
  const double walk = shape.walk_codes * 4 / 3.0 + static_cast<double>(layout_.walk_bytes) / 2;
  const double finish = shape.components + static_cast<double>(layout_.finish_bytes) / 2;
  return {walk / (walk + finish), finish / (walk + finish)};
}

}  // namespace attar::vector::esq
