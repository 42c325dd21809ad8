// How long a trial takes to answer, by the clock of this machine.
#pragma once

#include <cstdint>

#include "base/progress.h"
#include "base/threads.h"
#include "plan/jury.h"
#include "plan/trial.h"

namespace attar::plan {

/// Seconds that a query takes on one thread. As a goal: the most that it may take, 0 where nothing is asked; as a
/// measurement: 0 where nothing was asked.
struct Pace {
  double alone = 0;     ///< asked by itself: the median over queries
  double together = 0;  ///< asked in one large batch with others: the batch's time over its queries

  /// Something is asked.
  [[nodiscard]] bool any() const noexcept { return alone > 0 || together > 0; }
  /// By how much this takes longer than `goal` allows: the larger of both ratios, at most 1 where it keeps the goal.
  [[nodiscard]] double over(const Pace& goal) const noexcept;
};

/// Times searches with tune queries on one thread: of the rounds the quickest counts, since what else runs on a machine
/// only ever slows a round down.
class Stopwatch {
 public:
  /// `queries` are prepared and outlive the stopwatch.
  Stopwatch(const Pace& goal, const Queries& queries, std::uint32_t dims, std::uint32_t k, base::Progress& progress);

  /// What the goal asks about. Fewer rounds where the first leaves no doubt.
  [[nodiscard]] Result<Pace> time(const Trial& trial, index::Look look);

 private:
  [[nodiscard]] Result<double> search(const Trial& trial, index::Look look, std::size_t first, std::size_t count);
  [[nodiscard]] Result<double> alone(const Trial& trial, index::Look look);
  [[nodiscard]] Result<double> together(const Trial& trial, index::Look look);

  Pace goal_;
  const Queries& queries_;
  std::uint32_t dims_;
  std::uint32_t k_;
  std::size_t count_;
  base::Progress& progress_;
  base::ThreadPool pool_{1};
};

}  // namespace attar::plan
