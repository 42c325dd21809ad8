#include "vector/common/nibbles.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/half.h"
#include "simd/clones.h"

namespace attar::vector {
namespace {

constexpr float largest_half = 65504.0f;

// A query's tables in bytes: entry = low + step · byte, by segment.
struct ByteTables {
  std::vector<std::uint8_t> bytes;  // groups × 16
  std::vector<double> bias;         // by segment: Σ low
  std::vector<double> step;         // by segment
};

ByteTables to_bytes(std::span<const float> tables, std::size_t segments) {
  ByteTables out;
  out.bytes.assign(tables.size(), 0);
  const std::size_t size = tables.size() / segments;
  for (std::size_t s = 0; s < segments; ++s) {
    const auto segment = tables.subspan(s * size, size);
    double bias = 0, range = 0;
    for (std::size_t g = 0; g < size; g += 16) {
      const auto [low, high] = std::minmax_element(segment.begin() + static_cast<std::ptrdiff_t>(g),
                                                   segment.begin() + static_cast<std::ptrdiff_t>(g + 16));
      bias += static_cast<double>(*low);
      range = std::max(range, static_cast<double>(*high) - static_cast<double>(*low));
    }
    const double step = range / 255;
    out.bias.push_back(bias);
    out.step.push_back(step);
    for (std::size_t g = 0; step > 0 && g < size; g += 16) {
      const float low = *std::min_element(segment.begin() + static_cast<std::ptrdiff_t>(g),
                                          segment.begin() + static_cast<std::ptrdiff_t>(g + 16));
      for (std::size_t i = g; i < g + 16; ++i) {
        const double above = static_cast<double>(segment[i]) - static_cast<double>(low);
        out.bytes[s * size + i] = static_cast<std::uint8_t>(std::clamp(std::lrint(above / step), 0L, 255L));
      }
    }
  }
  return out;
}

ATTAR_VECTOR_CLONES void add_segment(const std::uint32_t* sums, double bias, double step, double* totals) noexcept {
  for (std::size_t i = 0; i < block_rows; ++i) totals[i] += bias + step * static_cast<double>(sums[i]);
}

class NibbleScorer final : public BlockScorer {
 public:
  NibbleScorer(const NibbleView& view, codec::QueryBatch batch)
      : BlockScorer(view, batch, view.model().basis()), view_(view), kernel_(fast_scan_for(simd::active_level())) {
    std::vector<float> tables(view.model().groups() * 16);
    for (const PreparedQuery& query : queries()) {
      std::fill(tables.begin(), tables.end(), 0.0f);
      view.model().fill_tables(query.components, tables);
      tables_.push_back(to_bytes(tables, view.model().segments()));
    }
  }

 private:
  void score_block(std::uint64_t index, double* inner) const noexcept override {
    const std::size_t rows = view_.rows_in(index), groups = view_.model().segment_groups();
    const std::byte* codes = view_.codes(index);
    std::fill_n(inner, queries().size() * block_rows, 0.0);
    alignas(64) std::uint32_t sums[block_rows];
    for (std::size_t q = 0; q < queries().size(); ++q)
      for (std::size_t s = 0; s < view_.model().segments(); ++s) {
        const std::size_t at = s * groups * 16;
        kernel_.sum(codes + at, tables_[q].bytes.data() + at, groups, sums);
        add_segment(sums, tables_[q].bias[s], tables_[q].step[s], inner + q * block_rows);
      }
    for (std::size_t row = 0; row < rows; ++row) {
      const double weight = view_.weight(index * block_rows + row);
      for (std::size_t q = 0; q < queries().size(); ++q) finish(queries()[q], weight, inner[q * block_rows + row]);
    }
  }

  void score_row(std::uint64_t row, double* inner) const noexcept override {
    const std::size_t groups = view_.model().segment_groups();
    const std::byte* codes = view_.codes(row / block_rows);
    const double weight = view_.weight(row);
    for (std::size_t q = 0; q < queries().size(); ++q) {
      inner[q] = 0;
      for (std::size_t s = 0; s < view_.model().segments(); ++s) {
        std::uint32_t sum = 0;
        for (std::size_t g = s * groups; g < (s + 1) * groups; ++g)
          sum += tables_[q].bytes[g * 16 + nibble_of(codes, g, row % block_rows)];
        inner[q] += tables_[q].bias[s] + tables_[q].step[s] * static_cast<double>(sum);
      }
      finish(queries()[q], weight, inner[q]);
    }
  }

  static void finish(const PreparedQuery& query, double weight, double& inner) noexcept {
    inner = query.base + (query.scale * weight) * inner;
  }

  const NibbleView& view_;
  const FastScan& kernel_;
  std::vector<ByteTables> tables_;
};

}  // namespace

void NibbleModel::encode(std::span<const float> components, std::size_t count, std::byte* out) const {
  const std::size_t width = basis().components(), total = groups();
  std::vector<std::uint8_t> nibbles(total);
  std::byte* weights = out + count * total / 2;
  for (std::size_t row = 0; row < count; ++row) {
    const float weight = encode_row(components.subspan(row * width, width), nibbles);
    for (std::size_t g = 0; g < total; ++g) {
      const bool full = count == block_rows;
      std::byte& target = full ? out[g * group_bytes + row % 16] : out[row * (total / 2) + g / 2];
      target |= static_cast<std::byte>(nibbles[g] << ((full ? row / 16 : g % 2) * 4));
    }
    if (weight_bytes() != 0) base::store(weights + 2 * row, base::float_to_half(std::min(weight, largest_half)));
  }
}

NibbleView::NibbleView(format::SectionReader codes, std::shared_ptr<const NibbleModel> model,
                       const codec::Schema& schema)
    : BlockView(std::move(codes), schema, model->code_bytes()), model_(std::move(model)) {}

Result<std::unique_ptr<codec::View>> NibbleView::open(format::SectionReader codes,
                                                      std::shared_ptr<const NibbleModel> model,
                                                      const codec::Schema& schema) {
  std::unique_ptr<NibbleView> out(new NibbleView(std::move(codes), std::move(model), schema));
  ATTAR_TRY(out->check_size());
  out->copy_tail();
  return out;
}

void NibbleView::copy_tail() {
  if (size() % block_rows == 0) return;
  const std::uint64_t last = block_count() - 1;
  const std::size_t groups = model_->groups();
  tail_.assign(groups * group_bytes, std::byte{0});
  for (std::size_t row = 0; row < rows_in(last); ++row)
    for (std::size_t g = 0; g < groups; ++g) {
      const auto nibble = (block(last)[row * (groups / 2) + g / 2] >> (g % 2 * 4)) & std::byte{15};
      tail_[g * group_bytes + row % 16] |= nibble << (row / 16 * 4);
    }
}

double NibbleView::weight(std::uint64_t row) const noexcept {
  if (model_->weight_bytes() == 0) return 1;
  const std::uint64_t index = row / block_rows;
  const std::byte* weights = block(index) + rows_in(index) * model_->groups() / 2;
  return static_cast<double>(base::half_to_float(base::load<std::uint16_t>(weights + 2 * (row % block_rows))));
}

void NibbleView::decode_row(std::uint64_t row, std::span<float> out) const {
  std::vector<std::uint8_t> nibbles(model_->groups());
  for (std::size_t g = 0; g < nibbles.size(); ++g) nibbles[g] = nibble_of(codes(row / block_rows), g, row % block_rows);
  std::vector<float> values(model_->basis().components());
  model_->decode(nibbles, values);
  const double scale = weight(row);
  for (float& value : values) value = to_finite_float(scale * static_cast<double>(value));
  model_->basis().reconstruct(values, out);
}

Result<std::unique_ptr<codec::Scorer>> NibbleView::prepare(codec::QueryBatch queries) const {
  ATTAR_TRY(check_batch(queries, schema().dims));
  return std::make_unique<NibbleScorer>(*this, queries);
}

}  // namespace attar::vector
