#include "plan/jury.h"

#include <algorithm>
#include <numeric>

#include "certify/truth.h"

namespace attar::plan {
namespace {

// Codes that are walked are scored whole row by row, six times as dear as their first parts. The best so many rows by
// these hold all that is to be found: on Debian-MiniLM the best 128 hold .999 of the nearest ten.
constexpr std::uint32_t least_scored_whole = 1'024, scored_whole_per_hit = 8;

index::Look look_at_walked_codes(std::uint32_t width) {
  return {.head = 1, .shortlist = std::max(least_scored_whole, scored_whole_per_hit * width)};
}

}  // namespace

Queries Queries::subset(std::span<const std::uint32_t> which, std::uint32_t dims) const {
  Queries out{.values = {}, .own_rows = {}, .proxy = proxy};
  out.values.reserve(which.size() * dims);
  for (const std::uint32_t q : which) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(std::size_t{q} * dims);
    out.values.insert(out.values.end(), first, first + dims);
    if (!own_rows.empty()) out.own_rows.push_back(own_rows[q]);
  }
  return out;
}

Result<Jury> Jury::create(const data::VectorSource& base, Metric metric, const Queries& queries,
                          std::span<const certify::Unit> units, std::uint32_t k, bool deep, std::uint64_t memory_bytes,
                          base::ThreadPool& pool, base::Progress& progress) {
  const std::uint32_t dims = base.dims();
  Queries chosen = queries.subset(certify::members(units), dims);
  // A query's own row is no answer to it. Looking deep takes part of the memory only, and gives way where it must.
  const std::uint64_t room =
      memory_bytes / 4 / certify::neighbour_bytes / std::max<std::uint64_t>(1, chosen.count(dims));
  std::vector<std::uint32_t> ks = {k};
  for (const std::uint64_t more : {2ull * k, 4ull * k, 8ull * k})
    if (deep && more < base.rows() && more <= room) ks.push_back(static_cast<std::uint32_t>(more));
  std::vector<certify::Unit> renumbered;
  std::uint32_t next = 0;
  for (const certify::Unit& unit : units) {
    certify::Unit positions(unit.size());
    std::iota(positions.begin(), positions.end(), next);
    next += static_cast<std::uint32_t>(unit.size());
    renumbered.push_back(std::move(positions));
  }
  const auto make_meter = [&] {
    return certify::RecallMeter::over(
        base, metric, chosen.values,
        {.k = ks.back(), .excluded_row = chosen.own_rows, .memory_bytes = memory_bytes, .progress = &progress}, pool);
  };
  auto made = make_meter();
  while (!made && made.error().code == ErrorCode::over_limit && ks.size() > 1) {  // refused before a row is read
    ks.pop_back();
    made = make_meter();
  }
  ATTAR_ASSIGN(auto meter, std::move(made));
  ATTAR_TRY(certify::prepare_rows(metric, chosen.values, dims, 0, "queries"));
  return Jury(dims, std::move(ks), std::move(chosen), std::move(renumbered), std::move(meter));
}

Result<std::vector<double>> Jury::grade(const Trial& trial, index::Look look, base::ThreadPool& pool,
                                        index::SearchTimes* times) const {
  const std::uint32_t k = ks_.front();
  ATTAR_ASSIGN(const auto returned, trial.search(queries_.values, dims_, k, look, queries_.own_rows, pool, times));
  ATTAR_ASSIGN(const auto per_query, meter_.measure(returned, k, k, pool));
  return certify::unit_means(units_, per_query);
}

Result<Grades> Jury::grade_deeply(const Trial& trial, base::ThreadPool& pool) const {
  const std::uint32_t width = ks_.back();
  const index::Look look = trial.graph() != nullptr ? look_at_walked_codes(width) : index::Look{};
  ATTAR_ASSIGN(const auto returned, trial.search(queries_.values, dims_, width, look, queries_.own_rows, pool));
  ATTAR_ASSIGN(const auto at_each, meter_.measure(returned, width, ks_, pool));
  std::vector<double> mean(at_each.front().size());
  for (const auto& per_query : at_each)
    for (std::size_t q = 0; q < mean.size(); ++q) mean[q] += per_query[q] / static_cast<double>(at_each.size());
  const std::uint32_t k = ks_.front();
  std::vector<double> at_k = at_each.front();
  if (trial.has_originals()) {
    ATTAR_ASSIGN(const auto ranked,
                 trial.rescored(queries_.values, dims_, returned, width, index::most_rescored_per_hit * k, k, pool));
    ATTAR_ASSIGN(at_k, meter_.measure(ranked, k, k, pool));
  }
  return Grades{.recall = certify::unit_means(units_, at_k), .deep = certify::unit_means(units_, mean)};
}

double mean_of(std::span<const double> values) noexcept {
  return values.empty() ? 0.0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace attar::plan
