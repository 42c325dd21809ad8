#include "vector/common/columns.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "simd/clones.h"

namespace attar::vector {
namespace {

// Vector types, so that the sums stay in registers; each instruction set splits them as it must.
using Floats = float __attribute__((vector_size(64)));
using Doubles = double __attribute__((vector_size(64)));
using HalfFloats = float __attribute__((vector_size(32)));
constexpr std::size_t float_lanes = 16;
constexpr std::size_t double_lanes = 8;
constexpr std::size_t chains = 4;

template <class Sum>
double chained_product(const float* values, const float* query, std::size_t count) noexcept {
  std::array<Sum, chains> sums{};
  for (std::size_t j = 0; j < count; ++j) sums[j % chains] += static_cast<Sum>(query[j]) * static_cast<Sum>(values[j]);
  return static_cast<double>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

class ColumnScorer final : public BlockScorer {
 public:
  ColumnScorer(const ColumnView& view, codec::QueryBatch queries)
      : BlockScorer(view, queries, view.model().basis()), view_(view) {}

 private:
  void score_block(std::uint64_t index, double* inner) const noexcept override {
    const std::size_t rows = view_.rows_in(index);
    const std::byte* block = view_.block(index);
    std::fill_n(inner, queries().size() * block_rows, 0.0);
    alignas(64) float slab[slab_components * block_rows] = {};
    for_slabs([&](std::size_t first, std::size_t count) {
      view_.model().decode_slab({block, rows, 0, rows}, first, count, slab);
      for (std::size_t q = 0; q < queries().size(); ++q)
        (view_.model().wide() ? add_products_wide : add_products)(slab, queries()[q].components.data() + first, count,
                                                                  inner + q * block_rows);
    });
    for (std::size_t row = 0; row < rows; ++row) {
      const RowTerms terms = view_.model().row_terms(block, rows, row);
      for (std::size_t q = 0; q < queries().size(); ++q) finish(queries()[q], terms, inner[q * block_rows + row]);
    }
  }

  void score_row(std::uint64_t row, double* inner) const noexcept override {
    const std::uint64_t step = view_.schema().block_rows, index = row / step;
    const Lanes lanes = {view_.block(index), view_.rows_in(index), row % step, 1};
    std::fill_n(inner, queries().size(), 0.0);
    alignas(64) float values[slab_components];
    for_slabs([&](std::size_t first, std::size_t count) {
      view_.model().decode_one(lanes, first, count, values);
      for (std::size_t q = 0; q < queries().size(); ++q)
        inner[q] += row_product(values, queries()[q].components.data() + first, count, view_.model().wide());
    });
    const RowTerms terms = view_.model().row_terms(lanes.block, lanes.rows, lanes.first);
    for (std::size_t q = 0; q < queries().size(); ++q) finish(queries()[q], terms, inner[q]);
  }

  template <class F>
  void for_slabs(F&& body) const {
    const std::size_t components = view_.model().basis().components();
    for (std::size_t first = 0; first < components; first += slab_components)
      body(first, std::min(slab_components, components - first));
  }

  static void finish(const PreparedQuery& query, const RowTerms& terms, double& inner) noexcept {
    inner = (query.base + (query.scale * terms.weight) * inner) + query.scale * (terms.offset * query.sum);
  }

  const ColumnView& view_;
};

}  // namespace

ATTAR_VECTOR_CLONES void add_products(const float* slab, const float* query, std::size_t count,
                                      double* totals) noexcept {
  for (std::size_t lane = 0; lane < block_rows; lane += float_lanes) {
    Floats sums[chains] = {};
    std::size_t j = 0;
    for (; j + chains <= count; j += chains)
      for (std::size_t c = 0; c < chains; ++c) {
        Floats values;
        std::memcpy(&values, slab + (j + c) * block_rows + lane, sizeof(values));
        sums[c] += values * query[j + c];
      }
    for (std::size_t c = 0; j + c < count; ++c) {
      Floats values;
      std::memcpy(&values, slab + (j + c) * block_rows + lane, sizeof(values));
      sums[c] += values * query[j + c];
    }
    const Floats sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (std::size_t i = 0; i < float_lanes; ++i) totals[lane + i] += static_cast<double>(sum[i]);
  }
}

ATTAR_VECTOR_CLONES void add_products_wide(const float* slab, const float* query, std::size_t count,
                                           double* totals) noexcept {
  for (std::size_t lane = 0; lane < block_rows; lane += double_lanes) {
    Doubles sums[chains] = {};
    std::size_t j = 0;
    for (; j + chains <= count; j += chains)
      for (std::size_t c = 0; c < chains; ++c) {
        HalfFloats values;
        std::memcpy(&values, slab + (j + c) * block_rows + lane, sizeof(values));
        sums[c] += __builtin_convertvector(values, Doubles) * static_cast<double>(query[j + c]);
      }
    for (std::size_t c = 0; j + c < count; ++c) {
      HalfFloats values;
      std::memcpy(&values, slab + (j + c) * block_rows + lane, sizeof(values));
      sums[c] += __builtin_convertvector(values, Doubles) * static_cast<double>(query[j + c]);
    }
    const Doubles sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (std::size_t i = 0; i < double_lanes; ++i) totals[lane + i] += sum[i];
  }
}

double row_product(const float* values, const float* query, std::size_t count, bool wide) noexcept {
  return wide ? chained_product<double>(values, query, count) : chained_product<float>(values, query, count);
}

void ColumnModel::decode_one(const Lanes& lane, std::size_t first, std::size_t count, float* out) const noexcept {
  alignas(64) float slab[slab_components * block_rows];
  decode_slab(lane, first, count, slab);
  for (std::size_t j = 0; j < count; ++j) out[j] = slab[j * block_rows];
}

RowTerms ColumnModel::row_terms(const std::byte*, std::size_t, std::size_t) const noexcept { return {}; }

ColumnView::ColumnView(format::SectionReader codes, std::shared_ptr<const ColumnModel> model,
                       const codec::Schema& schema)
    : BlockView(std::move(codes), schema, model->code_bytes()), model_(std::move(model)) {}

Result<std::unique_ptr<codec::View>> ColumnView::open(format::SectionReader codes,
                                                      std::shared_ptr<const ColumnModel> model,
                                                      const codec::Schema& schema) {
  std::unique_ptr<ColumnView> out(new ColumnView(std::move(codes), std::move(model), schema));
  ATTAR_TRY(out->check_size());
  return out;
}

Result<std::unique_ptr<codec::Scorer>> ColumnView::prepare(codec::QueryBatch queries) const {
  ATTAR_TRY(check_batch(queries, schema().dims));
  return std::make_unique<ColumnScorer>(*this, queries);
}

void ColumnView::decode_row(std::uint64_t row, std::span<float> out) const {
  const std::uint64_t step = schema().block_rows, index = row / step;
  const Lanes lanes = {block(index), rows_in(index), row % step, 1};
  const RowTerms terms = model_->row_terms(lanes.block, lanes.rows, lanes.first);
  std::vector<float> components(model_->basis().components());
  alignas(64) float values[slab_components];
  for (std::size_t first = 0; first < components.size(); first += slab_components) {
    const std::size_t count = std::min(slab_components, components.size() - first);
    model_->decode_one(lanes, first, count, values);
    for (std::size_t j = 0; j < count; ++j)
      components[first + j] = to_finite_float(terms.weight * static_cast<double>(values[j]) + terms.offset);
  }
  model_->basis().reconstruct(components, out);
}

}  // namespace attar::vector
