#include "certify/recall.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "base/checked.h"

namespace attar::certify {
namespace {

constexpr std::size_t pairs_a_piece = 1024;

/// The first k places of a result list: distinct rows in ascending order, without the query's own row and no_row.
void distinct_rows(std::span<const std::uint32_t> returned, std::uint32_t own, std::uint32_t k,
                   std::vector<std::uint32_t>& out) {
  out.clear();
  std::uint32_t places = 0;
  for (std::uint32_t row : returned) {
    if (row != no_row && row == own) continue;
    if (places++ == k) break;
    if (row != no_row) out.push_back(row);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

/// The truth of one query, by row.
class KnownScores {
 public:
  KnownScores(const Truth& truth, std::uint64_t query) : best_beyond_(truth.scores_of(query).back()) {
    const auto rows = truth.rows_of(query);
    const auto scores = truth.scores_of(query);
    for (std::size_t i = 0; i < rows.size(); ++i) scores_.emplace_back(rows[i], scores[i]);
    std::sort(scores_.begin(), scores_.end());
  }

  /// The row's score, or nothing when it is not among the stored best.
  [[nodiscard]] const double* find(std::uint32_t row) const noexcept {
    const auto at = std::lower_bound(scores_.begin(), scores_.end(), row,
                                     [](const auto& entry, std::uint32_t wanted) { return entry.first < wanted; });
    return at != scores_.end() && at->first == row ? &at->second : nullptr;
  }
  /// No row outside the stored best scores above this.
  [[nodiscard]] double best_beyond() const noexcept { return best_beyond_; }

 private:
  std::vector<std::pair<std::uint32_t, double>> scores_;
  double best_beyond_;
};

double recall_known(const Truth& truth, std::uint64_t query, const KnownScores& known,
                    std::span<const std::uint32_t> distinct, std::uint32_t k, const ExactScore& exact) {
  const double threshold = hit_threshold(truth.scores_of(query)[k - 1]);
  std::uint32_t hits = 0;
  for (std::uint32_t row : distinct) {
    if (const double* score = known.find(row); score != nullptr)
      hits += *score >= threshold ? 1 : 0;
    else if (known.best_beyond() >= threshold)
      hits += exact(row) >= threshold ? 1 : 0;
  }
  return static_cast<double>(hits) / k;
}

}  // namespace

struct RecallMeter::Unknown {
  std::uint32_t row = 0;
  std::uint32_t query = 0;
  double score = 0;
};

double hit_threshold(double kth_score) noexcept { return kth_score - 1e-6 * std::max(1.0, std::fabs(kth_score)); }

double recall(const Truth& truth, std::uint64_t query, std::span<const std::uint32_t> returned, std::uint32_t k,
              const ExactScore& exact) {
  std::vector<std::uint32_t> distinct;
  distinct_rows(returned, truth.excluded_of(query), k, distinct);
  return recall_known(truth, query, KnownScores(truth, query), distinct, k, exact);
}

Result<RecallMeter> RecallMeter::create(const data::VectorSource& base, Metric metric, std::span<const float> queries,
                                        std::shared_ptr<const Truth> truth) {
  if (truth == nullptr || base.dims() == 0 || queries.size() % base.dims() != 0 ||
      queries.size() / base.dims() != truth->queries())
    return fail(ErrorCode::invalid_argument, "the queries to grade are not those that the truth was found for");
  RecallMeter meter;
  meter.base_ = &base;
  meter.metric_ = metric;
  meter.queries_.assign(queries.begin(), queries.end());
  ATTAR_TRY(prepare_rows(metric, meter.queries_, base.dims(), 0, "the queries"));
  meter.truth_ = std::move(truth);
  return meter;
}

Result<RecallMeter> RecallMeter::over(const data::VectorSource& base, Metric metric, std::span<const float> queries,
                                      TruthOptions options, base::ThreadPool& pool) {
  constexpr std::uint64_t spare_neighbours = 16;
  // A query that is a row has one neighbour less.
  const std::uint64_t most = base.rows() - (options.excluded_row.empty() || base.rows() == 0 ? 0 : 1);
  options.k = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(most, options.k, options.k + spare_neighbours));
  ATTAR_ASSIGN(auto truth, exact_neighbours(base, metric, queries, options, pool));
  return create(base, metric, queries, std::make_shared<const Truth>(std::move(truth)));
}

Status RecallMeter::check(std::span<const std::uint32_t> returned, std::uint32_t width,
                          std::span<const std::uint32_t> ks) const {
  ATTAR_ASSIGN(const std::uint64_t places, base::checked_mul(truth_->queries(), width));
  if (returned.size() != places)
    return fail(ErrorCode::invalid_argument, fmt::format("{} returned rows are not {} for each of {} queries",
                                                         returned.size(), width, truth_->queries()));
  for (std::uint32_t k : ks)
    if (k == 0 || k > truth_->k)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("recall@{} needs the {} best rows of every query, the truth holds {}", k, k, truth_->k));
  for (std::uint32_t row : returned)
    if (row != no_row && row >= base_->rows())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("a search returned row {}, {} has {} rows", row, base_->name(), base_->rows()));
  return {};
}

std::vector<RecallMeter::Unknown> RecallMeter::unknowns(std::span<const std::uint32_t> returned, std::uint32_t width,
                                                        std::span<const std::uint32_t> ks) const {
  std::vector<Unknown> out;
  std::vector<std::uint32_t> distinct;
  for (std::uint32_t query = 0; query < truth_->queries(); ++query) {
    const auto scores = truth_->scores_of(query);
    // The largest k has the lowest threshold and the most places; but a smaller k may be the one that asks, so take
    // each.
    std::uint32_t deepest = 0;
    for (std::uint32_t k : ks)
      if (scores.back() >= hit_threshold(scores[k - 1])) deepest = std::max(deepest, k);
    if (deepest == 0) continue;
    const KnownScores known(*truth_, query);
    distinct_rows(returned.subspan(std::size_t{query} * width, width), truth_->excluded_of(query), deepest, distinct);
    for (std::uint32_t row : distinct)
      if (known.find(row) == nullptr) out.push_back({row, query, 0});
  }
  std::sort(out.begin(), out.end(),
            [](const Unknown& a, const Unknown& b) { return std::tie(a.row, a.query) < std::tie(b.row, b.query); });
  return out;
}

Status RecallMeter::score(std::span<Unknown> unknown, base::ThreadPool& pool) const {
  const std::uint32_t dims = base_->dims();
  const std::size_t pieces = base::ceil_div(unknown.size(), pairs_a_piece);
  std::vector<Status> outcomes(pieces);
  std::vector<std::vector<float>> rows(pool.size(), std::vector<float>(dims));
  pool.run(pieces, [&](std::size_t piece, unsigned worker) {
    const std::size_t first = piece * pairs_a_piece;
    const auto pairs = unknown.subspan(first, std::min(pairs_a_piece, unknown.size() - first));
    const std::span<float> row = rows[worker];
    std::uint32_t loaded = no_row;
    for (Unknown& pair : pairs) {
      if (pair.row != loaded) {
        outcomes[piece] = base_->read(pair.row, row);
        if (outcomes[piece]) outcomes[piece] = prepare_rows(metric_, row, dims, pair.row, base_->name());
        if (!outcomes[piece]) return;
        loaded = pair.row;
      }
      pair.score = exact_score(metric_, std::span(queries_).subspan(std::size_t{pair.query} * dims, dims), row);
    }
  });
  for (Status& outcome : outcomes) ATTAR_TRY(std::move(outcome));
  return {};
}

Result<std::vector<std::vector<double>>> RecallMeter::measure(std::span<const std::uint32_t> returned,
                                                              std::uint32_t width, std::span<const std::uint32_t> ks,
                                                              base::ThreadPool& pool) const {
  ATTAR_TRY(check(returned, width, ks));
  std::vector<Unknown> scored = unknowns(returned, width, ks);
  ATTAR_TRY(score(scored, pool));
  const auto by_query = [](const Unknown& a, const Unknown& b) {
    return std::tie(a.query, a.row) < std::tie(b.query, b.row);
  };
  std::sort(scored.begin(), scored.end(), by_query);

  const std::size_t queries = truth_->queries();
  std::vector<std::vector<double>> out(ks.size(), std::vector<double>(queries));
  std::vector<std::uint32_t> distinct;
  for (std::uint32_t query = 0; query < queries; ++query) {
    const KnownScores known(*truth_, query);
    const auto list = returned.subspan(std::size_t{query} * width, width);
    const ExactScore exact = [&](std::uint32_t row) {
      const auto at = std::lower_bound(scored.begin(), scored.end(), Unknown{row, query, 0}, by_query);
      return at->score;  // unknowns() holds every row that can be asked for
    };
    for (std::size_t i = 0; i < ks.size(); ++i) {
      distinct_rows(list, truth_->excluded_of(query), ks[i], distinct);
      out[i][query] = recall_known(*truth_, query, known, distinct, ks[i], exact);
    }
  }
  return out;
}

Result<std::vector<double>> RecallMeter::measure(std::span<const std::uint32_t> returned, std::uint32_t width,
                                                 std::uint32_t k, base::ThreadPool& pool) const {
  ATTAR_ASSIGN(auto recalls, measure(returned, width, std::span(&k, 1), pool));
  return std::move(recalls.front());
}

}  // namespace attar::certify
