// A fixed set of queries with their truth, that grades one candidate after another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/threads.h"
#include "certify/recall.h"
#include "certify/split.h"
#include "data/source.h"
#include "plan/trial.h"

namespace attar::plan {

/// Queries as given, and the row that each one is where rows stand in for queries.
struct Queries {
  std::vector<float> values;            ///< n × dims
  std::vector<std::uint32_t> own_rows;  ///< n entries, or empty
  bool proxy = false;

  [[nodiscard]] std::uint64_t count(std::uint32_t dims) const noexcept { return values.size() / dims; }
  [[nodiscard]] Queries subset(std::span<const std::uint32_t> which, std::uint32_t dims) const;
};

/// What units say of a trial, in their order.
struct Grades {
  std::vector<double> recall;  ///< at k, ranked by the originals where there are any
  /// Mean recall of the codes at k, 2k, 4k and 8k: it tells plans apart with a third of the standard error, so with a
  /// ninth of the queries.
  std::vector<double> deep;
};

class Jury {
 public:
  /// Finds the truth for the units' queries over the base, at up to `k` neighbours; `deep`: at up to 8k, as far as
  /// rows and a quarter of the memory go.
  [[nodiscard]] static Result<Jury> create(const data::VectorSource& base, Metric metric, const Queries& queries,
                                           std::span<const certify::Unit> units, std::uint32_t k, bool deep,
                                           std::uint64_t memory_bytes, base::ThreadPool& pool,
                                           base::Progress& progress);

  /// Recall@k of a trial, one observation a unit, in the units' order.
  [[nodiscard]] Result<std::vector<double>> grade(const Trial& trial, index::Look look, base::ThreadPool& pool,
                                                  index::SearchTimes* times = nullptr) const;
  /// Every row scored whole, of a graph's those that do best by the first part of their codes; by a jury that was made
  /// to look deep.
  [[nodiscard]] Result<Grades> grade_deeply(const Trial& trial, base::ThreadPool& pool) const;
  [[nodiscard]] std::size_t units() const noexcept { return units_.size(); }
  /// Prepared.
  [[nodiscard]] const Queries& queries() const noexcept { return queries_; }

 private:
  Jury(std::uint32_t dims, std::vector<std::uint32_t> ks, Queries queries, std::vector<certify::Unit> units,
       certify::RecallMeter meter)
      : dims_(dims),
        ks_(std::move(ks)),
        queries_(std::move(queries)),
        units_(std::move(units)),
        meter_(std::move(meter)) {}

  std::uint32_t dims_;
  std::vector<std::uint32_t> ks_;     // k first
  Queries queries_;                   // prepared
  std::vector<certify::Unit> units_;  // by position in queries_
  certify::RecallMeter meter_;
};

[[nodiscard]] double mean_of(std::span<const double> values) noexcept;

}  // namespace attar::plan
