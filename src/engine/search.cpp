// Searching an open artifact: scores of the packed form, or of the originals.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "attar/artifact.h"
#include "base/clock.h"
#include "base/threads.h"
#include "certify/truth.h"
#include "engine/allowed_rows.h"
#include "engine/artifact_state.h"
#include "engine/input.h"

namespace attar {
namespace {

using base::Clock;
using base::seconds_since;

// Rows whose checksums are one task.
constexpr std::uint64_t verify_rows = 65'536;

Status check(const Artifact::State& state, std::span<const float> queries, const SearchOptions& options) {
  const codec::Schema& schema = state.schema;
  if (queries.size() % schema.dims != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} values are no whole number of queries of {} dimensions", queries.size(), schema.dims));
  if (options.k == 0 || options.k > state.limits.max_hits)
    return fail(ErrorCode::invalid_argument,
                fmt::format("k is {}; it must lie between 1 and {}", options.k, state.limits.max_hits));
  if (!options.allowed.empty() && options.allowed.size() < (schema.rows + 63) / 64)
    return fail(ErrorCode::invalid_argument, fmt::format("the filter has {} words of 64 rows; {} rows need {}",
                                                         options.allowed.size(), schema.rows, (schema.rows + 63) / 64));
  if (!options.skip.empty() && options.skip.size() != queries.size() / schema.dims)
    return fail(ErrorCode::invalid_argument, fmt::format("{} rows to skip were given for {} queries",
                                                         options.skip.size(), queries.size() / schema.dims));
  return {};
}

// Checks what has not been checked before; nearly free once it has.
Status verify_codes(const codec::View& view, base::ThreadPool& pool) {
  const std::uint64_t pieces = (view.size() + verify_rows - 1) / verify_rows;
  std::vector<Status> outcome(pieces);
  pool.run(pieces, [&](std::size_t piece, unsigned) {
    outcome[piece] = view.verify({piece * verify_rows, std::min(view.size(), (piece + 1) * verify_rows)});
  });
  for (Status& status : outcome) ATTAR_TRY(std::move(status));
  return {};
}

float shown_score(Metric metric, double score, double query_norm) {
  // l2: the scorer gives 2⟨q,x⟩ − ‖x‖²; a user wants the squared distance, which rounding must not make negative.
  return static_cast<float>(metric == Metric::l2 ? std::max(0.0, query_norm - score) : score);
}

double squared_norm(std::span<const float> query) {
  return std::accumulate(query.begin(), query.end(), 0.0, [](double sum, float value) {
    return sum + static_cast<double>(value) * static_cast<double>(value);
  });
}

Result<SearchResult> search_codes(const Artifact::State& state, std::span<const float> prepared,
                                  const SearchOptions& options, base::ThreadPool& pool) {
  SearchResult out;
  out.k = options.k;
  state.expect_scans();
  const auto start = Clock::now();
  // With lists, those are verified that are looked at, as they are: a file may be larger than memory.
  if (state.list_count == 0) {
    ATTAR_TRY(verify_codes(*state.codes.view, pool));
    if (state.degree != 0) {
      ATTAR_ASSIGN(const index::graph::Links* links, state.links());
      ATTAR_TRY(links->check());
    }
  } else {
    ATTAR_TRY(state.lists());
  }
  out.times.verify = seconds_since(start);
  index::SearchTimes times;
  index::Look look = state.look_for(options.k);
  if (options.whole) look = {.rescored = look.rescored};
  ATTAR_ASSIGN(const auto lists,
               state.search(prepared, {.k = options.k, .look = look, .allowed = options.allowed, .skip = options.skip},
                            pool, &times));
  out.times.prepare = times.prepare;
  out.times.scan = times.scan;
  out.hits.resize(lists.size());
  for (std::size_t q = 0; q < lists.size(); ++q) {
    const double norm = state.schema.metric == Metric::l2
                            ? squared_norm(prepared.subspan(q * state.schema.dims, state.schema.dims))
                            : 0;
    out.hits[q].reserve(lists[q].size());
    for (const codec::Hit& hit : lists[q])
      out.hits[q].push_back({hit.row, shown_score(state.schema.metric, static_cast<double>(hit.score), norm)});
    // Rounding may show alike what the ranking told apart.
    if (state.schema.metric == Metric::l2)
      std::sort(out.hits[q].begin(), out.hits[q].end(), [](const SearchHit& a, const SearchHit& b) {
        return a.score != b.score ? a.score < b.score : a.row < b.row;
      });
  }
  return out;
}

Result<SearchResult> search_originals(const Artifact::State& state, std::span<const float> queries,
                                      const SearchOptions& options, base::ThreadPool& pool) {
  ATTAR_ASSIGN(const auto whole, engine::originals_of(state, options.base));
  std::optional<engine::AllowedRows> allowed;
  if (!options.allowed.empty()) allowed.emplace(*whole, options.allowed);
  const data::VectorSource& rows = allowed ? static_cast<const data::VectorSource&>(*allowed) : *whole;
  SearchResult out;
  out.k = options.k;
  out.hits.resize(queries.size() / state.schema.dims);
  if (rows.rows() == 0) return out;
  const auto start = Clock::now();
  // One neighbour more where a query's own row is dropped from its list afterwards.
  const std::uint64_t wanted = std::uint64_t{options.k} + (options.skip.empty() ? 0 : 1);
  const auto k = static_cast<std::uint32_t>(std::min(wanted, rows.rows()));
  ATTAR_ASSIGN(const auto truth, certify::exact_neighbours(rows, state.schema.metric, queries,
                                                           {.k = k, .progress = options.progress}, pool));
  out.times.scan = seconds_since(start);
  for (std::size_t q = 0; q < out.hits.size(); ++q)
    for (std::uint32_t i = 0; i < truth.k && out.hits[q].size() < options.k; ++i) {
      const std::uint32_t place = truth.rows_of(q)[i];
      const std::uint32_t row = allowed ? allowed->number(place) : place;
      if (!options.skip.empty() && row == options.skip[q]) continue;
      const double score = truth.scores_of(q)[i];
      out.hits[q].push_back(
          {row, static_cast<float>(state.schema.metric == Metric::l2 ? std::max(0.0, -score) : score)});
    }
  return out;
}

}  // namespace

Result<SearchResult> Artifact::search(std::span<const float> queries, const SearchOptions& options) const {
  ATTAR_TRY(check(*state_, queries, options));
  if (!options.where.empty()) return search_where(queries, options);
  base::ThreadPool pool(options.threads);
  if (queries.empty()) return SearchResult{.k = options.k, .hits = {}, .times = {}, .passing = {}};
  if (options.exact) return search_originals(*state_, queries, options, pool);
  std::vector<float> prepared(queries.begin(), queries.end());
  ATTAR_TRY(certify::prepare_rows(metric(), prepared, dims(), 0, "queries"));
  return search_codes(*state_, prepared, options, pool);
}

Result<SearchResult> Artifact::search_where(std::span<const float> queries, const SearchOptions& options) const {
  ATTAR_ASSIGN(const SelectedRows selected, state_->rows_where(options.where));
  SearchOptions among = options;
  among.where.clear();
  std::vector<std::uint64_t> both;
  if (options.allowed.empty()) {
    among.allowed = *selected.words;
  } else {
    both.assign(selected.words->begin(), selected.words->end());
    for (std::size_t i = 0; i < both.size(); ++i) both[i] &= options.allowed[i];
    among.allowed = both;
  }
  SearchResult out;
  if (selected.count == 0) {
    out.k = options.k;
    out.hits.resize(queries.size() / dims());
  } else {
    ATTAR_ASSIGN(out, search(queries, among));
  }
  out.times.filter = selected.seconds;
  out.passing = selected.count;
  return out;
}

}  // namespace attar
