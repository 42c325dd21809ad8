#include "vector/tcq/view.h"

#include <algorithm>
#include <cmath>

#include "vector/tcq/scale.h"
#include "vector/tcq/scorer.h"

namespace attar::vector::tcq {

TcqView::TcqView(format::SectionReader codes, std::shared_ptr<const TcqModel> model, const codec::Schema& schema)
    : codes_(std::move(codes)),
      model_(std::move(model)),
      schema_(schema),
      layout_(schema, model_->shape, model_->scale_bytes),
      bytes_(codes_.bytes().data()) {}

Result<std::unique_ptr<codec::View>> TcqView::open(format::SectionReader codes, std::shared_ptr<const TcqModel> model,
                                                   const codec::Schema& schema) {
  std::unique_ptr<TcqView> out(new TcqView(std::move(codes), std::move(model), schema));
  const Layout& layout = out->layout_;
  const auto& section = out->codes_;
  if (section.bytes().size() != layout.total_bytes)
    return section.fail(ErrorCode::corrupt, "the codes' size is not what the schema and the model say");
  ATTAR_TRY(section.verify(layout.grid, 16));
  ATTAR_TRY(section.verify(layout.tails, 8 * out->model_->shape.run_count));
  const auto lowest = base::load<double>(out->bytes_ + layout.grid);
  const auto ratio = base::load<double>(out->bytes_ + layout.grid + 8);
  const bool one_byte = out->model_->scale_bytes == 1;
  const bool sound = lowest >= 0 && std::isfinite(lowest) && (one_byte ? ratio >= 1 && ratio <= 2 : ratio == 0);
  if (!sound) return section.fail(ErrorCode::corrupt, "the scale grid is not one that this codec writes", layout.grid);
  if (one_byte) out->grid_ = tcq::scale_grid(lowest, ratio);
  out->scale_step_ = static_cast<float>(lowest);
  for (std::size_t r = 0; r < out->model_->shape.run_count; ++r) {
    out->tails_[r] = base::load<float>(out->bytes_ + layout.tails + 4 * r);
    if (!(out->tails_[r] >= 0))
      return section.fail(ErrorCode::corrupt, "a tail norm is negative", layout.tails + 4 * r);
  }
  ATTAR_TRY(out->read_gains());
  out->copy_tail_block();
  out->estimate_errors();
  return out;
}

Status TcqView::read_gains() {
  const Shape& shape = model_->shape;
  for (std::size_t part = 0; part < shape.parts(); ++part) {
    const std::uint64_t at = layout_.gains + 4 * (shape.part(part).last - 1);
    gains_.push_back(base::load<float>(bytes_ + at));
    if (!(gains_.back() >= 1 && gains_.back() <= static_cast<float>(largest_gain)))
      return codes_.fail(ErrorCode::corrupt, "a gain of a first look is out of range", at);
  }
  gains_.back() = 1;
  return {};
}

void TcqView::copy_tail_block() {
  if (layout_.tail_rows == 0) return;
  for (std::size_t r = 0; r < model_->shape.run_count; ++r) {
    const Run& run = model_->shape.runs[r];
    const std::size_t ring = widths[run.bits].ring_bytes;
    tail_block_[r].assign(block_bytes(r) + overread_bytes, std::byte{0});
    const std::byte* from = bytes_ + layout_.plane[r] + layout_.full_blocks * block_bytes(r);
    for (std::size_t unit = 0; unit < run.units; ++unit)
      std::copy_n(from + unit * layout_.tail_rows * ring, layout_.tail_rows * ring,
                  tail_block_[r].data() + unit * block_rows * ring);
  }
}

void TcqView::estimate_errors() {
  const Shape& shape = model_->shape;
  errors_.resize(shape.components());
  for (std::size_t r = 0; r < shape.run_count; ++r) {  // a later run codes what the earlier ones left
    const Run& run = shape.runs[r];
    const double deviation = deviation_of(run, shape.trellis);
    std::fill_n(errors_.begin() + run.first, run.components(),
                level_table(shape.trellis, run.bits).distortion * deviation * deviation);
  }
}

Status TcqView::verify(codec::Range rows) const {
  ATTAR_TRY(check_verify(rows, schema_));
  if (rows.size() == 0) return {};
  const std::uint64_t first = rows.first / block_rows, last = (rows.last - 1) / block_rows;
  for (std::size_t r = 0; r < model_->shape.run_count; ++r) {
    const std::uint64_t end = last * block_bytes(r) + layout_.rows_in(last) * model_->shape.runs[r].row_bytes();
    ATTAR_TRY(codes_.verify(layout_.plane[r] + first * block_bytes(r), end - first * block_bytes(r)));
  }
  const std::uint64_t whole = first * block_rows, count = std::min((last + 1) * block_rows, schema_.rows) - whole;
  ATTAR_TRY(codes_.verify(layout_.scales + whole * model_->scale_bytes, count * model_->scale_bytes));
  if (schema_.metric == Metric::l2) ATTAR_TRY(codes_.verify(layout_.norms + 4 * whole, 4 * count));
  return {};
}

float TcqView::scale(std::uint64_t row) const noexcept {
  const std::byte* at = bytes_ + layout_.scales + row * model_->scale_bytes;
  if (model_->scale_bytes == 1) return grid_[std::to_integer<std::size_t>(*at)];
  return static_cast<float>(base::load<std::uint16_t>(at)) * scale_step_;
}

Status TcqView::decode(codec::Range rows, std::span<float> out) const {
  ATTAR_TRY(check_decode(rows, out.size(), schema_));
  const Shape& shape = model_->shape;
  std::vector<std::int8_t> levels(shape.components());
  std::vector<float> components(shape.components());
  for (std::uint64_t row = rows.first; row < rows.last; ++row) {
    const std::uint64_t index = row / block_rows;
    std::fill(components.begin(), components.end(), 0.0f);
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      const Run& run = shape.runs[r];
      decode_row(run, shape.trellis, block(r, index), block_rows, row % block_rows, levels.data());
      for (std::size_t j = 0; j < run.components(); ++j)
        components[run.first + j] += static_cast<float>(levels[j]) * run.step;
    }
    const auto values = out.subspan((row - rows.first) * schema_.dims, schema_.dims);
    model_->reconstruct(components, values);
    const float s = scale(row);
    for (std::size_t i = 0; i < schema_.dims; ++i) values[i] = model_->centre[i] + s * values[i];
  }
  return {};
}

Result<std::unique_ptr<codec::Scorer>> TcqView::prepare(codec::QueryBatch queries) const {
  return TcqScorer::prepare(*this, queries);
}

std::vector<double> TcqView::part_costs() const {
  const Shape& shape = model_->shape;
  const auto cost = [](std::uint32_t components, std::uint32_t bytes) { return components + bytes / 2.0; };
  std::vector<double> out(shape.parts());
  for (std::size_t part = 0; part < out.size(); ++part)
    for (std::size_t r = shape.part(part).first; r < shape.part(part).last; ++r)
      out[part] +=
          cost(shape.runs[r].components(), shape.runs[r].row_bytes()) / cost(shape.values(), shape.row_bytes());
  return out;
}

}  // namespace attar::vector::tcq
