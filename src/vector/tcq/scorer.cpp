#include "vector/tcq/scorer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace attar::vector::tcq {
namespace {

// Rounding in the sums of floats stays far below this share of a bound.
constexpr float bound_slack = 1e-4f;

// Products with any integer sum, and the sums of these, stay in a float's range.
constexpr float largest_factor = 0x1p89f;

// Components of a row decoded at a time when single rows are scored.
constexpr std::size_t max_components_on_stack = 512;

// Cache lines on their way when single rows are scored.
constexpr std::size_t prefetched_lines = 24;

constexpr std::size_t cache_line = 64;

// The first of the eight rows of a block that are scored together.
std::uint32_t group_of(std::uint32_t row) noexcept { return row % std::uint32_t{block_rows} / 8 * 8; }

void prefetch(const std::byte* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += cache_line) {
    __builtin_prefetch(from + at);
    // GCC 12 keeps only the first prefetch of a loop unless something holds the others in place.
    asm volatile("" ::: "memory");
  }
}

}  // namespace

struct TcqScorer::Block {
  std::uint64_t index = 0;
  std::uint32_t valid = 0;      ///< bit i: row i exists and is allowed
  std::uint32_t first_row = 0;  ///< row number of the block's first row, offset included
  alignas(64) float scales[block_rows];
  alignas(64) float norms[block_rows];
  alignas(64) float sums[codec::max_batch * block_rows];
  alignas(64) float scores[block_rows];
};

Result<std::unique_ptr<codec::Scorer>> TcqScorer::prepare(const TcqView& view, codec::QueryBatch queries) {
  ATTAR_TRY(check_batch(queries, view.schema().dims));
  std::unique_ptr<TcqScorer> out(new TcqScorer(view, kernel_for(simd::active_level())));
  out->count_ = queries.size();
  out->stride_ = view.model().shape.values();
  out->values_.assign(out->count_ * out->stride_, 0);
  out->factors_.assign(out->count_ * max_runs, 0.0f);
  out->sums_.assign(out->count_ * max_runs, 0);
  out->reach_.assign(out->count_ * max_runs, 0.0f);
  const std::size_t components = view.model().shape.components();
  std::vector<float> transformed(out->count_ * components);
  view.model().transform_queries(queries, transformed);
  for (std::size_t q = 0; q < out->count_; ++q) {
    const auto query = queries.query(q);
    double base = 0;
    for (std::size_t i = 0; i < query.size(); ++i)
      base += static_cast<double>(query[i]) * static_cast<double>(view.model().centre[i]);
    out->base_.push_back(static_cast<float>(base));
    out->quantize(q, std::span(transformed).subspan(q * components, components));
  }
  return out;
}

void TcqScorer::quantize(std::size_t query, std::span<const float> components) {
  const Shape& shape = view_.model().shape;
  std::array<double, max_runs> energy{};  // of the run's query as quantized, in units of a component
  std::int8_t* out = values_.data() + query * stride_;
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const Run& run = shape.runs[r];
    const auto own = components.subspan(run.first, run.components());
    float largest = 0;
    for (const float y : own) largest = std::max(largest, std::fabs(y));
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    std::int32_t sum = 0;
    double squares = 0;
    // An inverse that overflows means components too small to matter: they stay zero.
    for (std::size_t j = 0; std::isfinite(inverse) && j < own.size(); ++j) {
      const auto value = static_cast<std::int8_t>(std::clamp(std::lrint(own[j] * inverse), -127L, 127L));
      out[j] = value;
      sum += value;
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const float unit = largest / 127.0f;
    factors_[query * max_runs + r] = std::clamp(unit * run.step, -largest_factor, largest_factor);
    sums_[query * max_runs + r] = sum;
    energy[r] = squares * static_cast<double>(unit) * static_cast<double>(unit);
    out += own.size();
  }
  double later = 0;
  for (std::size_t r = shape.run_count; r-- > 0;) {
    const float reach = static_cast<float>(std::sqrt(later)) * view_.tail(r + 1);
    reach_[query * max_runs + r] = reach * (1 + bound_slack);
    later += energy[r];
  }
}

template <class Take>
void TcqScorer::each_block(codec::Range rows, const codec::Scan& scan, const Take& take) const noexcept {
  Block block;
  for (std::uint64_t index = rows.first / block_rows; index * block_rows < rows.last; ++index) {
    const std::uint64_t first = index * block_rows;
    block.valid = rows_to_scan(index, rows, scan);
    if (block.valid == 0) continue;
    block.first_row = static_cast<std::uint32_t>(first) + scan.row_offset;
    load(block, index);
    take(block);
  }
}

// Scales and norms of a block; rows that are not there get zeros.
void TcqScorer::load(Block& block, std::uint64_t index) const noexcept {
  block.index = index;
  const std::uint64_t first = index * block_rows;
  const std::uint64_t rows = std::min<std::uint64_t>(block_rows, view_.size() - first);
  if (rows == block_rows && view_.model().scale_bytes == 1) {
    kernel_.scales(view_.scale_codes() + first, view_.scale_grid(), block.scales);
  } else {
    for (std::size_t i = 0; i < block_rows; ++i) block.scales[i] = i < rows ? view_.scale(first + i) : 0.0f;
  }
  if (view_.schema().metric != Metric::l2) return;
  for (std::size_t i = 0; i < block_rows; ++i) block.norms[i] = i < rows ? view_.norm(first + i) : 0.0f;
}

Queries TcqScorer::queries(std::uint8_t* which) const noexcept {
  for (std::size_t q = 0; q < count_; ++q) which[q] = static_cast<std::uint8_t>(q);
  return {values_.data(), stride_, factors_.data(), sums_.data(), which, count_};
}

Finish TcqScorer::finish(const Block& block, std::size_t query) const noexcept {
  return {.sums = block.sums + query * block_rows,
          .scales = block.scales,
          .norms = view_.schema().metric == Metric::l2 ? block.norms : nullptr,
          .base = base_[query]};
}

void TcqScorer::scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept {
  each_block(rows, scan, [&](Block& block) { scan_block(block, top); });
}

void TcqScorer::scan_block(Block& block, std::span<codec::TopK> top) const noexcept {
  const Shape& shape = view_.model().shape;
  const bool l2 = view_.schema().metric == Metric::l2;
  std::array<std::uint8_t, codec::max_batch> which{};
  Queries active = queries(which.data());
  for (std::size_t r = 0; r < shape.run_count && active.count != 0; ++r) {
    kernel_.scan(shape, r, view_.block(r, block.index), {}, active, block.sums);
    const bool last = r + 1 == shape.run_count;
    std::size_t left = 0;
    for (std::size_t i = 0; i < active.count; ++i) {
      const std::size_t q = which[i];
      const float threshold = top[q].threshold();
      if (last) {
        for (std::uint32_t hits = kernel_.finish(finish(block, q), threshold, block.scores) & block.valid; hits != 0;
             hits &= hits - 1) {
          const auto row = static_cast<std::uint32_t>(std::countr_zero(hits));
          top[q].push(block.scores[row], block.first_row + row);
        }
        continue;
      }
      const float reach = (l2 ? 2.0f : 1.0f) * reach_[q * max_runs + r];
      const float slack =
          bound_slack * (std::fabs(threshold) + std::fabs(base_[q]) + (l2 ? largest_norm(block) : 0.0f));
      const float least = threshold - reach - (std::isfinite(slack) ? slack : 0.0f);
      if ((kernel_.finish(finish(block, q), least, block.scores) & block.valid) != 0)
        which[left++] = static_cast<std::uint8_t>(q);
    }
    active.count = left;
  }
}

float TcqScorer::largest_norm(const Block& block) noexcept {
  return *std::max_element(block.norms, block.norms + block_rows);
}

void TcqScorer::scan_parts(codec::Range rows, const codec::Scan& scan, std::uint32_t parts,
                           std::span<codec::Shortlist> lists) const noexcept {
  const Head head = {.runs = view_.model().shape.part(parts - 1).last, .gain = view_.gain(parts - 1)};
  each_block(rows, scan, [&](Block& block) { scan_head(block, head, lists); });
}

void TcqScorer::scan_head(Block& block, const Head& head, std::span<codec::Shortlist> lists) const noexcept {
  const Shape& shape = view_.model().shape;
  std::array<std::uint8_t, codec::max_batch> which{};
  const Queries all = queries(which.data());
  for (std::size_t r = 0; r < head.runs; ++r) kernel_.scan(shape, r, view_.block(r, block.index), {}, all, block.sums);
  for (float& scale : block.scales) scale *= head.gain;
  for (std::size_t q = 0; q < count_; ++q) {
    const float* sums = block.sums + q * block_rows;
    std::uint32_t hits = kernel_.finish(finish(block, q), lists[q].threshold(), block.scores) & block.valid;
    for (; hits != 0; hits &= hits - 1) {
      const auto row = static_cast<std::uint32_t>(std::countr_zero(hits));
      lists[q].push({block.scores[row], sums[row], static_cast<std::uint32_t>(block.index * block_rows) + row});
    }
  }
}

void TcqScorer::add_part(std::size_t query, std::uint32_t part, std::span<codec::Partial> rows) const noexcept {
  const RunRange runs = view_.model().shape.part(part);
  for (std::size_t r = runs.first; r < runs.last; ++r) add_run(query, r, rows);
  const float gain = view_.gain(part);
  for (codec::Partial& row : rows) row.score = score_of(query, row.row, row.sum, gain);
}

// Of a row's sum; what finish() does for a block.
float TcqScorer::score_of(std::size_t query, std::uint32_t row, float sum, float gain) const noexcept {
  const float score = base_[query] + view_.scale(row) * gain * sum;
  return view_.schema().metric == Metric::l2 ? 2.0f * score - view_.norm(row) : score;
}

void TcqScorer::add_run(std::size_t query, std::size_t r, std::span<codec::Partial> rows) const noexcept {
  const Shape& shape = view_.model().shape;
  const Run& run = shape.runs[r];
  const std::size_t ring_bytes = widths[run.bits].ring_bytes;
  auto which = static_cast<std::uint8_t>(query);
  const Queries one = {values_.data(), stride_, factors_.data(), sums_.data(), &which, 1};
  alignas(64) std::array<float, codec::max_batch * block_rows> sums{};
  const std::size_t ahead = std::max<std::size_t>(1, prefetched_lines / run.units);
  for (std::size_t i = 0; i < rows.size() + ahead; ++i) {
    if (i < rows.size()) {
      const std::byte* at = view_.block(r, rows[i].row / block_rows) + group_of(rows[i].row) * ring_bytes;
      for (std::size_t unit = 0; unit < run.units; ++unit)
        prefetch(at + unit * block_rows * ring_bytes, 8 * ring_bytes);
    }
    if (i < ahead) continue;
    codec::Partial& row = rows[i - ahead];
    const std::uint32_t group = group_of(row.row);
    float& sum = sums[query * block_rows + row.row % block_rows];
    sum = row.sum;
    kernel_.scan(shape, r, view_.block(r, row.row / block_rows), {group, group + 8}, one, sums.data());
    row.sum = sum;
  }
}

void TcqScorer::score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept {
  const Shape& shape = view_.model().shape;
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
    for (std::size_t q = 0; q < count_; ++q) out[q * rows.size() + i] = score_of(q, rows[i], totals[q], 1);
  }
}

}  // namespace attar::vector::tcq
