#include "vector/esq/scorer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "simd/clones.h"
#include "vector/common/rows.h"

namespace attar::vector::esq {
namespace {

constexpr std::size_t cache_line = 64;

// Rows finished together, while the next ones are on their way.
constexpr std::size_t rows_together = 8;

// Bytes of the next rows that are asked for while others are scanned.
constexpr std::size_t most_expected = 16 << 10;

// Floats that a step takes together, whatever the instruction set.
constexpr std::size_t lanes = 8;

void prefetch(const std::byte* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += cache_line) {
    __builtin_prefetch(from + at);
    // GCC 12 keeps only the first prefetch of a loop unless something holds the others in place.
    asm volatile("" ::: "memory");
  }
  __builtin_prefetch(from + bytes - 1);
}

// The spec's last step; `norms` under l2 only. A multiple of `lanes`.
ATTAR_VECTOR_CLONES void finish_scores(const std::int32_t* sums, const float* scales, const float* bases,
                                       const float* norms, float factor, std::size_t count, float* scores) noexcept {
  constexpr float limit = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < count; ++i) {
    float value = bases[i] + scales[i] * (factor * static_cast<float>(sums[i]));
    if (norms != nullptr) value = 2.0f * value - norms[i];
    value = value > -limit ? value : -limit;
    scores[i] = value < limit ? value : limit;
  }
}

}  // namespace

struct EsqScorer::Some {
  static constexpr std::size_t most = block_rows;

  std::size_t count = 0;
  // Filled up to `count` alone: zeros in all of them took as long as scoring four rows.
  std::array<std::uint32_t, most> rows;
  std::array<const std::byte*, most> walks;
  std::array<Place, most> places;
  alignas(64) std::array<std::int32_t, most> sums;
  alignas(64) std::array<float, most> scales;
  alignas(64) std::array<float, most> norms;
  alignas(64) std::array<float, most> bases;  // ⟨q, c⟩ of the codec's and the list's centre
  alignas(64) std::array<float, most> scores;

  // How many lanes a step over `count` rows takes; those beyond hold zeros from now on.
  std::size_t fill_lanes() noexcept {
    const std::size_t end = base::round_up(count, lanes);
    for (std::size_t i = count; i < end; ++i) {
      sums[i] = 0;
      scales[i] = norms[i] = bases[i] = 0;
    }
    return end;
  }
};

EsqScorer::EsqScorer(const EsqView& view, codec::QueryBatch queries)
    : view_(view), kernel_(kernel_for(simd::active_level())) {
  queries_.reserve(queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q)
    queries_.emplace_back(view.model(), view.model().basis().prepare_rounded(queries.query(q)));
}

// Where the rows' codes are, their scales and norms.
void EsqScorer::load(Some& some, Part part) const noexcept {
  for (std::size_t i = 0; i < some.count; ++i) {
    const std::byte* walk = view_.walk(some.rows[i]);
    some.walks[i] = walk;
    if (part == Part::walk) {
      some.scales[i] = view_.walk_scale(walk);
    } else {
      some.places[i] = {walk, view_.finish(some.rows[i])};
      some.scales[i] = view_.finish_scale(some.places[i].finish);
    }
    if (view_.l2()) some.norms[i] = view_.norm(walk);
  }
}

// Of rows that load() found, whose bases are set.
void EsqScorer::score_some(std::size_t query, Part part, Some& some) const noexcept {
  const RoundedQuery& own = queries_[query];
  if (part == Part::walk)
    kernel_.walk(own.walk, some.walks.data(), some.count, some.sums.data());
  else
    kernel_.finish({view_.model().shape().groups, own.finish.data()}, some.places.data(), some.count, some.sums.data());
  const std::size_t end = some.fill_lanes();
  finish_scores(some.sums.data(), some.scales.data(), some.bases.data(), view_.l2() ? some.norms.data() : nullptr,
                part == Part::walk ? own.walk_factor : own.finish_factor, end, some.scores.data());
}

// Takes each query with some of the rows that may be returned, scored.
template <class Take>
void EsqScorer::each_scanned(codec::Range rows, const codec::Scan& scan, Part part, const Take& take) const noexcept {
  const std::size_t asked = scan.which.empty() ? queries_.size() : scan.which.size();
  Some some;
  for (std::uint64_t block = rows.first / block_rows; block * block_rows < rows.last; ++block) {
    some.count = 0;
    for (std::uint32_t valid = rows_to_scan(block, rows, scan); valid != 0; valid &= valid - 1)
      some.rows[some.count++] =
          static_cast<std::uint32_t>(block * block_rows) + static_cast<std::uint32_t>(std::countr_zero(valid));
    if (some.count == 0) continue;
    load(some, part);
    for (std::size_t i = 0; i < asked; ++i) {
      const std::size_t query = scan.which.empty() ? i : scan.which[i];
      some.bases.fill(queries_[query].base + scan.bias_of(query));
      score_some(query, part, some);
      take(query, some);
    }
  }
}

void EsqScorer::scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept {
  each_scanned(rows, scan, Part::finish, [&](std::size_t query, const Some& some) {
    for (std::size_t i = 0; i < some.count; ++i)
      if (some.scores[i] >= top[query].threshold()) top[query].push(some.scores[i], some.rows[i] + scan.row_offset);
  });
}

void EsqScorer::scan_parts(codec::Range rows, const codec::Scan& scan, std::uint32_t parts,
                           std::span<codec::Shortlist> lists) const noexcept {
  each_scanned(rows, scan, parts == 1 ? Part::walk : Part::finish, [&](std::size_t query, const Some& some) {
    const float bias = scan.bias_of(query);
    for (std::size_t i = 0; i < some.count; ++i)
      if (some.scores[i] >= lists[query].threshold())
        lists[query].push({.score = some.scores[i], .row = some.rows[i], .bias = bias});
  });
}

void EsqScorer::score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept {
  Some some;
  for (std::size_t first = 0; first < rows.size(); first += Some::most) {
    some.count = std::min(Some::most, rows.size() - first);
    std::copy_n(rows.data() + first, some.count, some.rows.data());
    load(some, Part::finish);
    for (std::size_t query = 0; query < queries_.size(); ++query) {
      some.bases.fill(queries_[query].base);
      score_some(query, Part::finish, some);
      std::copy_n(some.scores.data(), some.count, out.data() + query * rows.size() + first);
    }
  }
}

void EsqScorer::score_first(std::size_t query, std::span<const std::uint32_t> rows,
                            std::span<float> out) const noexcept {
  Some some;
  some.bases.fill(queries_[query].base);
  for (std::size_t first = 0; first < rows.size(); first += Some::most) {
    some.count = std::min(Some::most, rows.size() - first);
    std::copy_n(rows.data() + first, some.count, some.rows.data());
    load(some, Part::walk);
    score_some(query, Part::walk, some);
    std::copy_n(some.scores.data(), some.count, out.data() + first);
  }
}

void EsqScorer::score_partials(std::size_t query, Part part, std::span<codec::Partial> rows) const noexcept {
  Some some;
  for (std::size_t i = 0; i < std::min(rows_together, rows.size()); ++i) prefetch_row(rows[i].row, part);
  for (std::size_t first = 0; first < rows.size(); first += rows_together) {
    const auto own = rows.subspan(first, std::min(rows_together, rows.size() - first));
    const auto others = rows.subspan(first + own.size());
    for (std::size_t i = 0; i < std::min(rows_together, others.size()); ++i) prefetch_row(others[i].row, part);
    some.count = own.size();
    for (std::size_t i = 0; i < own.size(); ++i) {
      some.rows[i] = own[i].row;
      some.bases[i] = queries_[query].base + own[i].bias;
    }
    load(some, part);
    score_some(query, part, some);
    for (std::size_t i = 0; i < own.size(); ++i) own[i].score = some.scores[i];
  }
}

void EsqScorer::add_part(std::size_t query, std::uint32_t part, std::span<codec::Partial> rows) const noexcept {
  score_partials(query, part == 0 ? Part::walk : Part::finish, rows);
}

void EsqScorer::finish_rows(std::size_t query, std::span<codec::Partial> rows) const noexcept {
  score_partials(query, Part::finish, rows);
}

void EsqScorer::prefetch_row(std::uint32_t row, Part part) const noexcept {
  prefetch(view_.walk(row), view_.layout().walk_bytes);
  if (part == Part::finish) prefetch(view_.finish(row), view_.layout().finish_bytes);
}

void EsqScorer::expect_rows(std::span<const std::uint32_t> rows, std::uint32_t part) const noexcept {
  const Layout& layout = view_.layout();
  if (part == 0 && layout.walk_bytes == cache_line) {
    for (const std::uint32_t row : rows) {
      __builtin_prefetch(view_.walk(row));
      asm volatile("" ::: "memory");
    }
    return;
  }
  for (const std::uint32_t row : rows)
    if (part == 0)
      prefetch(view_.walk(row), layout.walk_bytes);
    else
      prefetch(view_.finish(row), layout.finish_bytes);
}

void EsqScorer::expect(codec::Range rows, std::uint32_t parts) const noexcept {
  if (rows.size() == 0) return;
  const Layout& layout = view_.layout();
  prefetch(view_.walk(rows.first), std::min(most_expected, rows.size() * layout.walk_bytes));
  if (parts > 1) prefetch(view_.finish(rows.first), std::min(most_expected, rows.size() * layout.finish_bytes));
}

}  // namespace attar::vector::esq
