// Ground truth: the exact nearest rows of each query, the same on every machine and at any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "attar/metric.h"
#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/topk.h"
#include "data/source.h"

namespace attar::certify {

using codec::no_row;

/// Makes rows ready for exact_score(): under cosine each is normalised (math::normalise_rows), else they stay. `rows`
/// is count × dims; `first_row` and `name` are for the message. `invalid_data` for a row with NaN or infinity, with
/// values so large (norm above 10¹⁸) that float scores could overflow, or, under cosine, with norm zero.
[[nodiscard]] Status prepare_rows(Metric metric, std::span<float> rows, std::uint32_t dims, std::uint64_t first_row,
                                  std::string_view name);

/// The score that ranks a prepared row for a prepared query, in double: ⟨q, x⟩, or −‖q − x‖² under l2. Larger is
/// nearer.
[[nodiscard]] double exact_score(Metric metric, std::span<const float> query, std::span<const float> row) noexcept;

/// The best `k` rows of each query, best first; equal scores in the order of rows.
struct Truth {
  std::uint32_t k = 0;
  std::vector<double> scores;           ///< queries × k, exact_score()
  std::vector<std::uint32_t> rows;      ///< queries × k
  std::vector<std::uint32_t> excluded;  ///< each query's own row, or no_row; empty: none has one

  [[nodiscard]] std::uint64_t queries() const noexcept { return k == 0 ? 0 : rows.size() / k; }
  [[nodiscard]] std::span<const double> scores_of(std::uint64_t query) const noexcept {
    return std::span(scores).subspan(query * k, k);
  }
  [[nodiscard]] std::span<const std::uint32_t> rows_of(std::uint64_t query) const noexcept {
    return std::span(rows).subspan(query * k, k);
  }
  [[nodiscard]] std::uint32_t excluded_of(std::uint64_t query) const noexcept {
    return excluded.empty() ? no_row : excluded[query];
  }
};

/// Working memory for each neighbour that is kept of a query: sixteen bytes in a heap and twelve in the result.
inline constexpr std::uint64_t neighbour_bytes = 28;

struct TruthOptions {
  /// Rows to keep a query. A few more than recall is asked at spare RecallMeter most of its reads: ties reach past k.
  std::uint32_t k = 10;
  /// For rows that stand in for queries: each query's own row, left out of its truth. Empty, or one entry a query.
  std::span<const std::uint32_t> excluded_row = {};
  /// Ceiling on working memory, bytes: queries, results, one block of the base and a tile a thread.
  std::uint64_t memory_bytes = 256ull << 20;
  base::Progress* progress = nullptr;
};

/// Finds the exact nearest rows of `queries` (n × dims, as given by the user: normalised here under cosine).
/// The base streams through in blocks; a float product (simd::inner_products on tiles, from the pool) sieves with a
/// proven error bound, and what passes is scored in double from the float rows, so that neither tiles nor threads can
/// change the result.
[[nodiscard]] Result<Truth> exact_neighbours(const data::VectorSource& base, Metric metric,
                                             std::span<const float> queries, const TruthOptions& options,
                                             base::ThreadPool& pool);

/// exact_score() of one query (unprepared, dims values) for each of `rows`.
[[nodiscard]] Result<std::vector<double>> exact_scores(const data::VectorSource& base, Metric metric,
                                                       std::span<const float> query,
                                                       std::span<const std::uint32_t> rows);

}  // namespace attar::certify
