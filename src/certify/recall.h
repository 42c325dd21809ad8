// Recall of returned rows against the truth, with ties: a row as good as the k-th true one is a hit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "attar/metric.h"
#include "attar/result.h"
#include "base/threads.h"
#include "certify/truth.h"
#include "data/source.h"

namespace attar::certify {

/// The score from which a row counts as a hit: s − 10⁻⁶ · max(1, |s|), s the k-th true score. Real data has duplicates
/// and ties; which of them a search returns is no error.
[[nodiscard]] double hit_threshold(double kth_score) noexcept;

/// Exact score of a row for the query in question; asked only for rows that the truth does not hold.
using ExactScore = std::function<double(std::uint32_t row)>;

/// Recall@k of one query: hits among the first k of `returned`, divided by k. A row that is returned twice counts once,
/// the query's own row (Truth::excluded) is skipped and takes no place, no_row takes a place and is a miss. 1 ≤ k ≤
/// truth.k.
[[nodiscard]] double recall(const Truth& truth, std::uint64_t query, std::span<const std::uint32_t> returned,
                            std::uint32_t k, const ExactScore& exact);

/// Grades the answers to a fixed set of queries, again and again for different plans.
class RecallMeter {
 public:
  /// `base` outlives the meter; `queries` (n × dims, unprepared) are those that `truth` was found for, under `metric`.
  [[nodiscard]] static Result<RecallMeter> create(const data::VectorSource& base, Metric metric,
                                                  std::span<const float> queries, std::shared_ptr<const Truth> truth);

  /// Finds the truth first. `options.k` is the largest k to grade at; a few neighbours more are kept where the base has
  /// them, since ties reach past k and each one at hand spares a read of the base.
  [[nodiscard]] static Result<RecallMeter> over(const data::VectorSource& base, Metric metric,
                                                std::span<const float> queries, TruthOptions options,
                                                base::ThreadPool& pool);

  /// Recall@k of every query, for each of `ks`: [k][query]. `returned` is queries × width, best first; no_row fills
  /// places that have no answer. Rows that the truth does not hold are read from the base (each once, in ascending
  /// order) only when a tie with the k-th score could make them hits. `invalid_argument` for a wrong shape, a k above
  /// truth.k or a row that the base does not have.
  [[nodiscard]] Result<std::vector<std::vector<double>>> measure(std::span<const std::uint32_t> returned,
                                                                 std::uint32_t width, std::span<const std::uint32_t> ks,
                                                                 base::ThreadPool& pool) const;
  /// The same for one k: [query].
  [[nodiscard]] Result<std::vector<double>> measure(std::span<const std::uint32_t> returned, std::uint32_t width,
                                                    std::uint32_t k, base::ThreadPool& pool) const;

  [[nodiscard]] const Truth& truth() const noexcept { return *truth_; }

 private:
  RecallMeter() = default;

  struct Unknown;  // a row whose exact score decides a hit
  [[nodiscard]] Status check(std::span<const std::uint32_t> returned, std::uint32_t width,
                             std::span<const std::uint32_t> ks) const;
  [[nodiscard]] std::vector<Unknown> unknowns(std::span<const std::uint32_t> returned, std::uint32_t width,
                                              std::span<const std::uint32_t> ks) const;
  [[nodiscard]] Status score(std::span<Unknown> unknown, base::ThreadPool& pool) const;

  const data::VectorSource* base_ = nullptr;
  Metric metric_ = Metric::cosine;
  std::vector<float> queries_;  // prepared
  std::shared_ptr<const Truth> truth_;
};

}  // namespace attar::certify
