#include "vector/tcq/scorer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ATTAR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define ATTAR_CLONES
#endif

namespace attar::vector::tcq {
namespace {

// Rounding in the sums of floats stays far below this share of a bound.
constexpr float bound_slack = 1e-4f;

// Components of a row decoded at a time when single rows are scored.
constexpr std::size_t max_components_on_stack = 512;

// scores[i] = base + scales[i] · sums[i].
ATTAR_CLONES void finish_scores(const float* sums, const float* scales, float base, float* scores) noexcept {
  for (std::size_t i = 0; i < block_rows; ++i) scores[i] = base + scales[i] * sums[i];
}

// scores[i] = 2 · scores[i] − norms[i]: larger is nearer under l2.
ATTAR_CLONES void to_l2(const float* norms, float* scores) noexcept {
  for (std::size_t i = 0; i < block_rows; ++i) scores[i] = 2.0f * scores[i] - norms[i];
}

ATTAR_CLONES int count_reaching(const float* scores, float threshold) noexcept {
  int count = 0;
  for (std::size_t i = 0; i < block_rows; ++i) count += scores[i] >= threshold ? 1 : 0;
  return count;
}

}  // namespace

struct TcqScorer::Block {
  std::uint32_t valid = 0;       ///< bit i: row i exists and is allowed
  std::uint32_t first_row = 0;   ///< row number of the block's first row, offset included
  alignas(64) float scales[block_rows];
  alignas(64) float norms[block_rows];
  alignas(64) float sums[codec::max_batch * block_rows];
  alignas(64) float scores[block_rows];
};

Result<std::unique_ptr<codec::Scorer>> TcqScorer::prepare(const TcqView& view, codec::QueryBatch queries) {
  if (queries.dims != view.schema().dims || queries.size() == 0 || queries.size() > codec::max_batch ||
      queries.size() * queries.dims != queries.values.size())
    return fail(ErrorCode::invalid_argument, "a batch has one to eight queries of the artifact's dimensions");
  if (!std::all_of(queries.values.begin(), queries.values.end(), [](float value) { return std::isfinite(value); }))
    return fail(ErrorCode::invalid_data, "a query holds NaN or infinity");
  std::unique_ptr<TcqScorer> out(new TcqScorer(view, kernel_for(simd::active_level())));
  out->count_ = queries.size();
  out->stride_ = view.model().shape.components();
  out->values_.assign(out->count_ * out->stride_, 0);
  out->factors_.assign(out->count_ * max_runs, 0.0f);
  out->sums_.assign(out->count_ * max_runs, 0);
  out->reach_.assign(out->count_ * max_runs, 0.0f);
  std::vector<float> components(out->stride_);
  for (std::size_t q = 0; q < out->count_; ++q) {
    const auto query = queries.query(q);
    double base = 0;
    for (std::size_t i = 0; i < query.size(); ++i)
      base += static_cast<double>(query[i]) * static_cast<double>(view.model().centre[i]);
    out->base_.push_back(static_cast<float>(base));
    view.model().transform_query(query, components);
    out->quantize(q, components);
  }
  return out;
}

void TcqScorer::quantize(std::size_t query, std::span<const float> components) {
  const Shape& shape = view_.model().shape;
  std::array<double, max_runs> energy{};  // of the run's query as quantized, in units of a component
  std::size_t first = 0;
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const std::size_t count = shape.runs[r].components();
    float largest = 0;
    for (std::size_t j = first; j < first + count; ++j) largest = std::max(largest, std::fabs(components[j]));
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    std::int32_t sum = 0;
    double squares = 0;
    // An inverse that overflows means components too small to matter: they stay zero.
    for (std::size_t j = first; std::isfinite(inverse) && j < first + count; ++j) {
      const auto value = static_cast<std::int8_t>(std::clamp(std::lrint(components[j] * inverse), -127L, 127L));
      values_[query * stride_ + j] = value;
      sum += value;
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const float unit = largest / 127.0f;
    factors_[query * max_runs + r] = unit * level_table(shape.trellis, shape.runs[r].bits).step;
    sums_[query * max_runs + r] = sum;
    energy[r] = squares * static_cast<double>(unit) * static_cast<double>(unit);
    first += count;
  }
  double later = 0;
  for (std::size_t r = shape.run_count; r-- > 0;) {
    const float reach = static_cast<float>(std::sqrt(later)) * view_.tail(r + 1);
    reach_[query * max_runs + r] = reach * (1 + bound_slack);
    later += energy[r];
  }
}

void TcqScorer::scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept {
  if (rows.size() == 0) return;
  for (std::uint64_t index = rows.first / block_rows; index * block_rows < rows.last; ++index) {
    const std::uint64_t first = index * block_rows;
    std::uint32_t valid = 0xffffffffu;
    if (first < rows.first) valid &= 0xffffffffu << (rows.first - first);
    if (first + block_rows > rows.last) valid &= 0xffffffffu >> (first + block_rows - rows.last);
    if (!scan.allowed.empty()) valid &= static_cast<std::uint32_t>(scan.allowed[first / 64] >> (first % 64));
    if (valid != 0) scan_block(index, valid, scan.row_offset, top);
  }
}

void TcqScorer::scan_block(std::uint64_t index, std::uint32_t valid, std::uint32_t row_offset,
                           std::span<codec::TopK> top) const noexcept {
  const Shape& shape = view_.model().shape;
  const bool l2 = view_.schema().metric == Metric::l2;
  Block block;
  block.valid = valid;
  block.first_row = static_cast<std::uint32_t>(index * block_rows) + row_offset;
  const std::uint64_t rows = std::min<std::uint64_t>(block_rows, view_.size() - index * block_rows);
  for (std::size_t i = 0; i < block_rows; ++i) {
    block.scales[i] = i < rows ? view_.scale(index * block_rows + i) : 0.0f;
    block.norms[i] = l2 && i < rows ? view_.norm(index * block_rows + i) : 0.0f;
  }
  std::array<std::uint8_t, codec::max_batch> which{};
  Queries queries = {values_.data(), stride_, factors_.data(), sums_.data(), which.data(), count_};
  for (std::size_t q = 0; q < count_; ++q) which[q] = static_cast<std::uint8_t>(q);

  for (std::size_t r = 0; r < shape.run_count && queries.count != 0; ++r) {
    kernel_.scan(shape, r, view_.block(r, index), queries, block.sums);
    const bool last = r + 1 == shape.run_count;
    std::size_t left = 0;
    for (std::size_t i = 0; i < queries.count; ++i) {
      const std::size_t q = which[i];
      finish_scores(block.sums + q * block_rows, block.scales, base_[q], block.scores);
      if (l2) to_l2(block.norms, block.scores);
      const float threshold = top[q].threshold();
      const float reach = (l2 ? 2.0f : 1.0f) * reach_[q * max_runs + r];
      const float slack = bound_slack * (std::fabs(threshold) + std::fabs(base_[q]));
      if (last) {
        offer(block, top[q]);
      } else if (count_reaching(block.scores, threshold - reach - (std::isfinite(slack) ? slack : 0.0f)) != 0) {
        which[left++] = static_cast<std::uint8_t>(q);
      }
    }
    queries.count = left;
  }
}

void TcqScorer::offer(const Block& block, codec::TopK& top) noexcept {
  const float threshold = top.threshold();
  if (count_reaching(block.scores, threshold) == 0) return;
  for (std::uint32_t left = block.valid; left != 0; left &= left - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(left));
    if (block.scores[i] >= threshold) top.push(block.scores[i], block.first_row + i);
  }
}

void TcqScorer::score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept {
  const Shape& shape = view_.model().shape;
  const bool l2 = view_.schema().metric == Metric::l2;
  std::array<std::int8_t, max_components_on_stack> levels;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::array<float, codec::max_batch> totals{};
    std::size_t first = 0;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      std::array<std::int32_t, codec::max_batch> sums{};
      Run part = shape.runs[r];
      const std::size_t at_once = max_components_on_stack / widths[part.bits].unit;
      const std::byte* block = view_.block(r, rows[i] / block_rows);
      for (std::size_t unit = 0; unit < shape.runs[r].units; unit += at_once) {
        part.units = static_cast<std::uint16_t>(std::min<std::size_t>(at_once, shape.runs[r].units - unit));
        decode_row(part, shape.trellis, block + unit * block_rows * widths[part.bits].ring_bytes, block_rows,
                   rows[i] % block_rows, levels.data());
        const std::size_t at = first + unit * widths[part.bits].unit;
        for (std::size_t q = 0; q < count_; ++q)
          for (std::size_t j = 0; j < part.components(); ++j) sums[q] += levels[j] * values_[q * stride_ + at + j];
      }
      for (std::size_t q = 0; q < count_; ++q) {
        const float term = factors_[q * max_runs + r] * static_cast<float>(sums[q]);
        totals[q] = r == 0 ? term : totals[q] + term;
      }
      first += shape.runs[r].components();
    }
    for (std::size_t q = 0; q < count_; ++q) {
      const float score = base_[q] + view_.scale(rows[i]) * totals[q];
      out[q * rows.size() + i] = l2 ? 2.0f * score - view_.norm(rows[i]) : score;
    }
  }
}

}  // namespace attar::vector::tcq
