#include "vector/tcq/scorer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace attar::vector::tcq {
namespace {

// Rounding in the sums of floats stays far below this share of a bound.
constexpr float bound_slack = 1e-4f;

// Rounding of the query above this share of the codes' own error is worth undoing for the best rows.
constexpr double least_noise = 1.0 / 32;

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

TcqScorer::TcqScorer(const TcqView& view, const Kernel& kernel, std::size_t count)
    : view_(view),
      kernel_(kernel),
      count_(count),
      coarse_(view.model().shape, count),
      rest_(view.model().shape, count),
      rounds_(count),
      reach_(count * max_runs) {}

Result<std::unique_ptr<codec::Scorer>> TcqScorer::prepare(const TcqView& view, codec::QueryBatch queries) {
  ATTAR_TRY(check_batch(queries, view.schema().dims));
  std::unique_ptr<TcqScorer> out(new TcqScorer(view, kernel_for(simd::active_level()), queries.size()));
  const std::size_t components = view.model().shape.components();
  std::vector<float> transformed(out->count_ * components);
  view.model().transform_queries(queries, transformed);
  for (std::size_t q = 0; q < out->count_; ++q) {
    const auto query = queries.query(q);
    double base = 0;
    for (std::size_t i = 0; i < query.size(); ++i)
      base += static_cast<double>(query[i]) * static_cast<double>(view.model().centre[i]);
    out->base_.push_back(static_cast<float>(base));
    out->take(q, std::span(transformed).subspan(q * components, components));
  }
  return out;
}

void TcqScorer::take(std::size_t query, std::span<const float> components) {
  coarse_.round(query, components);
  double later = 0;
  for (std::size_t r = view_.model().shape.run_count; r-- > 0;) {
    const float reach = static_cast<float>(std::sqrt(later)) * view_.tail(r + 1);
    reach_[query * max_runs + r] = reach * (1 + bound_slack);
    later += coarse_.energy(query, r);
  }
  double error = 0;  // mean square of what the codes lose of a score
  for (std::size_t j = 0; j < components.size(); ++j) {
    const auto y = static_cast<double>(components[j]);
    error += y * y * view_.errors()[j];
  }
  rounds_[query] = coarse_.noise(query) > least_noise * error;
  if (rounds_[query]) rest_.round_rest(query, components, coarse_);
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

namespace {

std::array<std::uint8_t, codec::max_batch> all_queries() noexcept {
  std::array<std::uint8_t, codec::max_batch> out{};
  std::iota(out.begin(), out.end(), std::uint8_t{0});
  return out;
}

}  // namespace

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
  auto which = all_queries();
  Queries active = coarse_.of(std::span(which).first(count_));
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
  const auto which = all_queries();
  const Queries all = coarse_.of(std::span(which).first(count_));
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
  for (std::size_t r = runs.first; r < runs.last; ++r) add_run(coarse_, query, r, rows);
  const float gain = view_.gain(part);
  for (codec::Partial& row : rows) row.score = score_of(query, row.row, row.sum, gain);
}

// Of a row's sum; what finish() does for a block.
float TcqScorer::score_of(std::size_t query, std::uint32_t row, float sum, float gain) const noexcept {
  const float score = base_[query] + view_.scale(row) * gain * sum;
  return view_.schema().metric == Metric::l2 ? 2.0f * score - view_.norm(row) : score;
}

void TcqScorer::refine(std::size_t query, std::span<codec::Hit> rows) const noexcept {
  std::vector<codec::Partial> known(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) known[i].row = rows[i].row;
  std::vector<codec::Partial> rest = known;
  for (std::size_t r = 0; r < view_.model().shape.run_count; ++r) {
    add_run(coarse_, query, r, known);
    add_run(rest_, query, r, rest);
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].score = score_of(query, rows[i].row, known[i].sum + rest[i].sum, 1);
}

void TcqScorer::add_run(const RoundedQueries& queries, std::size_t query, std::size_t r,
                        std::span<codec::Partial> rows) const noexcept {
  const Shape& shape = view_.model().shape;
  const Run& run = shape.runs[r];
  const std::size_t ring_bytes = widths[run.bits].ring_bytes;
  const auto which = static_cast<std::uint8_t>(query);
  const Queries one = queries.of({&which, 1});
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
  const Queries all = coarse_.of({});
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
          for (std::size_t j = 0; j < part.components(); ++j) sums[q] += levels[j] * all.values[q * all.stride + at + j];
      }
      for (std::size_t q = 0; q < count_; ++q) {
        const float term = all.factors[q * max_runs + r] * static_cast<float>(sums[q]);
        totals[q] = r == 0 ? term : totals[q] + term;
      }
      first += shape.runs[r].components();
    }
    for (std::size_t q = 0; q < count_; ++q) out[q * rows.size() + i] = score_of(q, rows[i], totals[q], 1);
  }
}

}  // namespace attar::vector::tcq
