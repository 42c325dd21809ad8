#include "vector/tcq/scorer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "simd/clones.h"

namespace attar::vector::tcq {
namespace {

// Rounding in the sums of floats stays far below this share of a bound.
constexpr float bound_slack = 1e-4f;

// Rounding of the query above this share of the codes' own error is worth undoing for the best rows.
constexpr double least_noise = 1.0 / 32;

// Components of a row decoded at a time when single rows are scored.
constexpr std::size_t max_components_on_stack = 512;

// Single rows that are scored together, while the next ones are on their way.
constexpr std::size_t rows_together = 8;

constexpr std::size_t cache_line = 64;

// Bytes of the next rows that are asked for while others are scanned.
constexpr std::size_t most_expected = 32 << 10;

template <class Number, std::size_t Count>
constexpr auto counting = [] {
  std::array<Number, Count> out{};
  for (std::size_t i = 0; i < Count; ++i) out[i] = static_cast<Number>(i);
  return out;
}();
constexpr auto& first_slots = counting<std::uint8_t, batch_queries>;

// Takes queries in groups of batch_queries or somewhat fewer, all of about one size.
template <class Take>
void each_group(std::span<const codec::QueryNumber> which, const Take& take) noexcept {
  for (std::size_t groups = (which.size() + batch_queries - 1) / batch_queries; groups != 0; --groups) {
    const std::size_t size = (which.size() + groups - 1) / groups;
    take(which.first(size));
    which = which.subspan(size);
  }
}

// Scales of two bytes.
ATTAR_VECTOR_CLONES void widen_block(const std::byte* from, float step, float* out) noexcept {
  std::array<std::uint16_t, block_rows> steps;
  std::memcpy(steps.data(), from, sizeof(steps));
  for (std::size_t i = 0; i < block_rows; ++i) out[i] = static_cast<float>(steps[i]) * step;
}

// Whether a block has groups without a row to score, beside others.
bool has_empty_group(std::uint32_t valid) noexcept {
  static_assert(block_rows == 4 * group_rows);
  std::uint32_t any = valid | valid >> 4;
  any |= any >> 2;
  any |= any >> 1;
  return (any & 0x01010101u) != 0x01010101u;
}

void prefetch(const std::byte* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += cache_line) {
    __builtin_prefetch(from + at);
    // GCC 12 keeps only the first prefetch of a loop unless something holds the others in place.
    asm volatile("" ::: "memory");
  }
}

}  // namespace

struct TcqScorer::Blocks {
  static constexpr std::size_t most = 8;

  std::uint64_t first = 0;  ///< its number
  std::size_t count = 0;
  std::array<std::uint32_t, most> valid;  ///< by block; bit i: row i exists and is allowed
  alignas(64) float scales[most * block_rows];
  alignas(64) float norms[most * block_rows];
  alignas(64) float sums[most * batch_queries * block_rows];
  alignas(64) float scores[block_rows];
  std::size_t slots = 0;                                ///< that may be in use
  std::array<codec::QueryNumber, batch_queries> which;  ///< by slot: the queries that are scored, `asked` of them
  std::size_t asked = 0;
  std::array<float, batch_queries> bases;  ///< by slot: ⟨q, c⟩ of the codec's and the list's centre
  Rows rows;                               ///< of the blocks, whole groups: no others are scored

  [[nodiscard]] std::uint32_t first_row(std::size_t block) const noexcept {
    return static_cast<std::uint32_t>((first + block) * block_rows);
  }
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
  ATTAR_TRY(check_batch(queries, view.schema().dims, view.most_queries()));
  std::unique_ptr<TcqScorer> out(new TcqScorer(view, kernel_for(simd::active_level()), queries.size()));
  const std::size_t components = view.model().shape.components();
  std::vector<float> transformed(out->count_ * components);
  // In batches whose sums stay near the processor.
  for (std::size_t q = 0; q < queries.size(); q += codec::max_batch) {
    const std::size_t some = std::min(codec::max_batch, queries.size() - q);
    view.model().transform_queries({queries.values.subspan(q * queries.dims, some * queries.dims), queries.dims},
                                   std::span(transformed).subspan(q * components, some * components));
  }
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

// Takes blocks that follow one another in memory, up to `most` at a time.
template <class Take>
void TcqScorer::each_blocks(codec::Range rows, const codec::Scan& scan, std::size_t most, Blocks& blocks,
                            const Take& take) const noexcept {
  const auto flush = [&] {
    if (blocks.count != 0) {
      trim(blocks);
      take(blocks);
    }
    blocks.count = 0;
  };
  for (std::uint64_t index = rows.first / block_rows; index * block_rows < rows.last; ++index) {
    const std::uint32_t valid = rows_to_scan(index, rows, scan);
    const bool full = (index + 1) * block_rows <= view_.size();
    const bool gaps = !scan.allowed.empty() && has_empty_group(valid);
    if (valid == 0 || !full || gaps) flush();
    if (valid == 0) continue;
    if (blocks.count == 0) blocks.first = index;
    blocks.valid[blocks.count] = valid;
    load(blocks, blocks.count++);
    if (blocks.count == most || gaps) flush();
  }
  flush();
}

// Leaves out groups before the first row to score and after the last; their sums are zero.
void TcqScorer::trim(Blocks& blocks) noexcept {
  const std::uint64_t all = blocks.count * block_rows;
  const auto from = static_cast<std::uint64_t>(std::countr_zero(blocks.valid[0]));
  const auto to = all - static_cast<std::uint64_t>(std::countl_zero(blocks.valid[blocks.count - 1]));
  blocks.rows = {group_of(static_cast<std::uint32_t>(from)), group_of(static_cast<std::uint32_t>(to + group_rows - 1))};
  for (std::size_t slot = 0; slot < blocks.slots; ++slot) {
    std::fill_n(blocks.sums + place_of(slot, 0), blocks.rows.first, 0.0f);
    if (blocks.rows.last != all)
      std::fill_n(blocks.sums + place_of(slot, blocks.rows.last), all - blocks.rows.last, 0.0f);
  }
}

// Scales and norms of a block; rows that are not there get zeros.
void TcqScorer::load(Blocks& blocks, std::size_t block) const noexcept {
  const std::uint64_t first = blocks.first_row(block);
  const std::uint64_t rows = std::min<std::uint64_t>(block_rows, view_.size() - first);
  float* scales = blocks.scales + block * block_rows;
  if (rows == block_rows && view_.model().scale_bytes == 1) {
    kernel_.scales(view_.scale_codes() + first, view_.scale_grid(), scales);
  } else if (rows == block_rows) {
    widen_block(view_.scale_codes() + 2 * first, view_.scale_step(), scales);
  } else {
    for (std::size_t i = 0; i < block_rows; ++i) scales[i] = i < rows ? view_.scale(first + i) : 0.0f;
  }
  if (view_.schema().metric != Metric::l2) return;
  float* norms = blocks.norms + block * block_rows;
  for (std::size_t i = 0; i < block_rows; ++i) norms[i] = i < rows ? view_.norm(first + i) : 0.0f;
}

// Of `count` queries from `slot`.
Finish TcqScorer::finish(const Blocks& blocks, std::size_t block, std::size_t slot, std::size_t count,
                         const float* thresholds) const noexcept {
  return {.sums = blocks.sums + place_of(slot, block * block_rows),
          .scales = blocks.scales + block * block_rows,
          .norms = view_.schema().metric == Metric::l2 ? blocks.norms + block * block_rows : nullptr,
          .bases = blocks.bases.data() + slot,
          .thresholds = thresholds,
          .count = count};
}

std::span<const codec::QueryNumber> TcqScorer::asked(const codec::Scan& scan) const noexcept {
  return scan.which.empty() ? std::span(counting<codec::QueryNumber, TcqView::largest_batch>).first(count_)
                            : scan.which;
}

// Gives queries their slots.
void TcqScorer::seat(Blocks& blocks, std::span<const codec::QueryNumber> which,
                     const codec::Scan& scan) const noexcept {
  blocks.asked = which.size();
  for (std::size_t slot = 0; slot < which.size(); ++slot) {
    blocks.which[slot] = which[slot];
    blocks.bases[slot] = base_[which[slot]] + scan.bias_of(which[slot]);
  }
}

void TcqScorer::scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept {
  each_group(asked(scan), [&](std::span<const codec::QueryNumber> which) {
    Blocks blocks;
    blocks.slots = which.size();
    seat(blocks, which, scan);
    each_blocks(rows, scan, 1, blocks, [&](Blocks& block) { scan_block(block, scan, top); });
  });
}

void TcqScorer::scan_block(Blocks& block, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept {
  const Shape& shape = view_.model().shape;
  const bool l2 = view_.schema().metric == Metric::l2;
  std::array<codec::QueryNumber, batch_queries> which = block.which;
  std::array<std::uint8_t, batch_queries> slots = first_slots;
  Queries active = coarse_.of(std::span(which).first(block.asked));
  active.slots = slots.data();
  const auto rows_above = [&](std::size_t slot, float threshold) {
    std::uint32_t reached = 0;
    kernel_.finish(finish(block, 0, slot, 1, &threshold), block.scores, &reached);
    return reached & block.valid[0];
  };
  for (std::size_t r = 0; r < shape.run_count && active.count != 0; ++r) {
    kernel_.scan(shape, r, view_.block(r, block.first), block.rows, active, block.sums);
    const bool last = r + 1 == shape.run_count;
    std::size_t left = 0;
    for (std::size_t i = 0; i < active.count; ++i) {
      const std::size_t q = which[i], slot = slots[i];
      const float threshold = top[q].threshold();
      if (last) {
        for (std::uint32_t hits = rows_above(slot, threshold); hits != 0; hits &= hits - 1) {
          const auto row = static_cast<std::uint32_t>(std::countr_zero(hits));
          top[q].push(block.scores[row], block.first_row(0) + scan.row_offset + row);
        }
        continue;
      }
      const float reach = (l2 ? 2.0f : 1.0f) * reach_[q * max_runs + r];
      const float slack =
          bound_slack * (std::fabs(threshold) + std::fabs(block.bases[slot]) + (l2 ? largest_norm(block) : 0.0f));
      const float least = threshold - reach - (std::isfinite(slack) ? slack : 0.0f);
      if (rows_above(slot, least) == 0) continue;
      which[left] = which[i];
      slots[left++] = slots[i];
    }
    active.count = left;
  }
}

float TcqScorer::largest_norm(const Blocks& block) noexcept {
  return *std::max_element(block.norms, block.norms + block_rows);
}

void TcqScorer::scan_parts(codec::Range rows, const codec::Scan& scan, std::uint32_t parts,
                           std::span<codec::Shortlist> lists) const noexcept {
  const Shape& shape = view_.model().shape;
  const std::span<const codec::QueryNumber> which = asked(scan);
  Head head = {.runs = shape.part(parts - 1).last, .gain = view_.gain(parts - 1)};
  const std::size_t block_levels = shape.first_value(head.runs) * block_rows;
  head.keeps_levels = which.size() > batch_queries && block_levels <= near_levels;  // fewer share them in the kernel
  const std::size_t most = head.keeps_levels ? std::min(Blocks::most, near_levels / block_levels) : Blocks::most;
  Blocks blocks;
  blocks.slots = std::min(which.size(), batch_queries);
  each_blocks(rows, scan, most, blocks, [&](Blocks& some) { scan_head(some, head, which, scan, lists); });
}

void TcqScorer::scan_head(Blocks& blocks, const Head& head, std::span<const codec::QueryNumber> which,
                          const codec::Scan& scan, std::span<codec::Shortlist> lists) const noexcept {
  const Shape& shape = view_.model().shape;
  const std::size_t rows = blocks.rows.last - blocks.rows.first;
  for (std::size_t i = 0; i < blocks.count * block_rows; ++i) blocks.scales[i] *= head.gain;
  alignas(64) std::byte levels[near_levels];
  for (std::size_t r = 0; head.keeps_levels && r < head.runs; ++r)
    kernel_.decode(shape, r, view_.block(r, blocks.first), blocks.rows, levels + rows * shape.first_value(r));
  each_group(which, [&](std::span<const codec::QueryNumber> some) {
    seat(blocks, some, scan);
    Queries queries = coarse_.of(some);
    queries.slots = first_slots.data();
    for (std::size_t r = 0; r < head.runs; ++r)
      if (head.keeps_levels)
        kernel_.multiply(shape, r, levels + rows * shape.first_value(r), blocks.rows, queries, blocks.sums);
      else
        kernel_.scan(shape, r, view_.block(r, blocks.first), blocks.rows, queries, blocks.sums);
    gather(blocks, scan, lists);
  });
}

void TcqScorer::expect(codec::Range rows, std::uint32_t parts) const noexcept {
  const std::size_t runs = view_.model().shape.part(parts - 1).last;
  const std::uint64_t first = rows.first / block_rows, last = rows.last / block_rows;
  std::size_t left = most_expected;
  for (std::size_t r = 0; r < runs && first < last; ++r) {
    const std::byte* from = view_.block(r, first);
    const std::size_t bytes = std::min(left, static_cast<std::size_t>(view_.block(r, last - 1) - from) +
                                                 block_rows * view_.model().shape.runs[r].row_bytes());
    prefetch(from, bytes);
    left -= bytes;
  }
}

// Takes what reaches the lists' thresholds.
void TcqScorer::gather(const Blocks& blocks, const codec::Scan& scan,
                       std::span<codec::Shortlist> lists) const noexcept {
  const auto which = std::span(blocks.which).first(blocks.asked);
  alignas(64) float scores[batch_queries * block_rows];
  for (std::size_t block = 0; block < blocks.count; ++block) {
    std::array<float, batch_queries> thresholds;
    std::array<std::uint32_t, batch_queries> reached;
    for (std::size_t slot = 0; slot < which.size(); ++slot) thresholds[slot] = lists[which[slot]].threshold();
    kernel_.finish(finish(blocks, block, 0, which.size(), thresholds.data()), scores, reached.data());
    for (std::size_t slot = 0; slot < which.size(); ++slot) {
      const std::size_t q = which[slot];
      for (std::uint32_t hits = reached[slot] & blocks.valid[block]; hits != 0; hits &= hits - 1) {
        const auto row = static_cast<std::uint32_t>(std::countr_zero(hits));
        lists[q].push({scores[slot * block_rows + row], blocks.sums[place_of(slot, block * block_rows + row)],
                       blocks.first_row(block) + row, scan.bias_of(q)});
      }
    }
  }
}

void TcqScorer::add_part(std::size_t query, std::uint32_t part, std::span<codec::Partial> rows) const noexcept {
  add_runs(coarse_, query, view_.model().shape.part(part), rows);
  const float gain = view_.gain(part);
  for (codec::Partial& row : rows) row.score = score_of(query, row, gain);
}

// Of a row's sum; what finish() does for a block.
float TcqScorer::score_of(std::size_t query, const codec::Partial& row, float gain) const noexcept {
  const float score = (base_[query] + row.bias) + view_.scale(row.row) * gain * row.sum;
  return view_.schema().metric == Metric::l2 ? 2.0f * score - view_.norm(row.row) : score;
}

void TcqScorer::refine(std::size_t query, std::span<codec::Partial> rows) const noexcept {
  std::vector<codec::Partial> rest(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rest[i].row = rows[i].row;
  add_runs(rest_, query, {0, view_.model().shape.run_count}, rest);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    codec::Partial whole = rows[i];
    whole.sum += rest[i].sum;
    rows[i].score = score_of(query, whole, 1);
  }
}

void TcqScorer::add_runs(const RoundedQueries& queries, std::size_t query, RunRange runs,
                         std::span<codec::Partial> rows) const noexcept {
  const auto which = static_cast<codec::QueryNumber>(query);
  Queries one = queries.of({&which, 1});
  one.slots = first_slots.data();
  fetch(runs, rows.first(std::min(rows_together, rows.size())));
  for (std::size_t first = 0; first < rows.size(); first += rows_together) {
    const auto some = rows.subspan(first, std::min(rows_together, rows.size() - first));
    const auto others = rows.subspan(first + some.size());
    fetch(runs, others.first(std::min(rows_together, others.size())));
    std::array<Place, rows_together> places;
    std::array<float, rows_together> sums;
    for (std::size_t i = 0; i < some.size(); ++i) sums[i] = some[i].sum;
    for (std::size_t r = runs.first; r < runs.last; ++r) {
      for (std::size_t i = 0; i < some.size(); ++i)
        places[i] = {view_.block(r, some[i].row / block_rows), some[i].row % std::uint32_t{block_rows}};
      kernel_.rows(view_.model().shape, r, std::span(places).first(some.size()), one, sums.data());
    }
    for (std::size_t i = 0; i < some.size(); ++i) some[i].sum = sums[i];
  }
}

// Asks for the codes of rows that will be scored soon, with those of their neighbours.
void TcqScorer::fetch(RunRange runs, std::span<const codec::Partial> rows) const noexcept {
  for (const codec::Partial& row : rows)
    for (std::size_t r = runs.first; r < runs.last; ++r) {
      const Run& run = view_.model().shape.runs[r];
      const std::size_t ring_bytes = widths[run.bits].ring_bytes;
      const std::byte* at =
          view_.block(r, row.row / block_rows) + group_of(row.row % std::uint32_t{block_rows}) * ring_bytes;
      for (std::size_t unit = 0; unit < run.units; ++unit)
        prefetch(at + unit * block_rows * ring_bytes, group_rows * ring_bytes);
    }
}

void TcqScorer::score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept {
  const Shape& shape = view_.model().shape;
  const Queries all = coarse_.of({});
  std::array<std::int8_t, max_components_on_stack> levels;
  for (std::size_t q = 0; q < count_; ++q)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float total = 0;
      std::size_t first = 0;
      for (std::size_t r = 0; r < shape.run_count; ++r) {
        std::int32_t sum = 0;
        Run part = shape.runs[r];
        const std::size_t at_once = max_components_on_stack / widths[part.bits].unit;
        const std::byte* block = view_.block(r, rows[i] / block_rows);
        for (std::size_t unit = 0; unit < shape.runs[r].units; unit += at_once) {
          part.units = static_cast<std::uint16_t>(std::min<std::size_t>(at_once, shape.runs[r].units - unit));
          decode_row(part, shape.trellis, block + unit * block_rows * widths[part.bits].ring_bytes, block_rows,
                     rows[i] % block_rows, levels.data());
          const std::size_t at = first + unit * widths[part.bits].unit;
          for (std::size_t j = 0; j < part.components(); ++j) sum += levels[j] * all.values[q * all.stride + at + j];
        }
        const float term = all.factors[q * max_runs + r] * static_cast<float>(sum);
        total = r == 0 ? term : total + term;
        first += shape.runs[r].components();
      }
      out[q * rows.size() + i] = score_of(q, {.sum = total, .row = rows[i]}, 1);
    }
}

}  // namespace attar::vector::tcq
