#include "vector/tcq/scorer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace attar::vector::tcq {
namespace {

// Rounding in the sums of floats stays far below this share of a bound.
constexpr float bound_slack = 1e-4f;

// Components of a row decoded at a time when single rows are scored.
constexpr std::size_t max_components_on_stack = 512;

// Blocks between a prefetch and the use of what it fetches.
constexpr std::uint64_t prefetch_blocks = 3;
// Rows between the two when single rows are scored.
constexpr std::size_t prefetch_rows = 2;

constexpr std::size_t cache_line = 64;

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
  each_block(rows, scan, [&](Block& block) { scan_head(block, parts, lists); });
}

void TcqScorer::scan_head(Block& block, std::uint32_t parts, std::span<codec::Shortlist> lists) const noexcept {
  const Shape& shape = view_.model().shape;
  std::array<std::uint8_t, codec::max_batch> which{};
  const Queries all = queries(which.data());
  for (std::size_t r = 0; r < parts; ++r) {
    const std::byte* at = view_.block(r, block.index);
    prefetch(at + prefetch_blocks * block_rows * shape.runs[r].row_bytes(), block_rows * shape.runs[r].row_bytes());
    kernel_.scan(shape, r, at, {}, all, block.sums);
  }
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
  const Shape& shape = view_.model().shape;
  const Run& run = shape.runs[part];
  const std::size_t ring_bytes = widths[run.bits].ring_bytes;
  const bool l2 = view_.schema().metric == Metric::l2;
  auto which = static_cast<std::uint8_t>(query);
  const Queries one = {values_.data(), stride_, factors_.data(), sums_.data(), &which, 1};
  alignas(64) std::array<float, codec::max_batch * block_rows> sums{};
  const auto group_of = [](std::uint32_t row) { return row % std::uint32_t{block_rows} / 8 * 8; };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + prefetch_rows < rows.size()) {
      const std::uint32_t next = rows[i + prefetch_rows].row;
      const std::byte* at = view_.block(part, next / block_rows) + group_of(next) * ring_bytes;
      for (std::size_t unit = 0; unit < run.units; ++unit)
        prefetch(at + unit * block_rows * ring_bytes, 8 * ring_bytes);
    }
    const std::uint32_t row = rows[i].row, group = group_of(row);
    float& sum = sums[query * block_rows + row % block_rows];
    sum = rows[i].sum;
    kernel_.scan(shape, part, view_.block(part, row / block_rows), {group, group + 8}, one, sums.data());
    rows[i].sum = sum;
    const float score = base_[query] + view_.scale(row) * sum;
    rows[i].score = l2 ? 2.0f * score - view_.norm(row) : score;
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
