#include "plan/pace.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/clock.h"

namespace attar::plan {
namespace {

using base::Clock;
using base::seconds_since;

constexpr int rounds = 3;
// A batch of this many shares all that kernels can share; as many single queries make a median that stands.
constexpr std::size_t most_queries = 256;
// A round of slow single queries ends after this time, with no fewer queries than these.
constexpr double round_seconds = 0.4;
constexpr std::size_t least_queries = 16;
// Beyond this factor on either side of the goal one round tells enough.
constexpr double beyond_doubt = 2;

double ratio(double measured, double allowed) { return allowed > 0 ? measured / allowed : 0; }

}  // namespace

double Pace::over(const Pace& goal) const noexcept {
  return std::max(ratio(alone, goal.alone), ratio(together, goal.together));
}

Stopwatch::Stopwatch(const Pace& goal, const Queries& queries, std::uint32_t dims, std::uint32_t k,
                     base::Progress& progress)
    : goal_(goal),
      queries_(queries),
      dims_(dims),
      k_(k),
      count_(std::min<std::size_t>(most_queries, queries.count(dims))),
      progress_(progress) {}

Result<Pace> Stopwatch::time(const Trial& trial, index::Look look) {
  constexpr double never = std::numeric_limits<double>::infinity();
  Pace best{.alone = goal_.alone > 0 ? never : 0, .together = goal_.together > 0 ? never : 0};
  if (!goal_.any() || count_ == 0) return Pace{};
  ATTAR_TRY(search(trial, look, 0, 1));  // what is done once, and caches, are nobody's time
  for (int round = 0; round < rounds; ++round) {
    ATTAR_TRY(base::check_cancelled(progress_));
    if (goal_.alone > 0) {
      ATTAR_ASSIGN(const double seconds, alone(trial, look));
      best.alone = std::min(best.alone, seconds);
    }
    if (goal_.together > 0) {
      ATTAR_ASSIGN(const double seconds, together(trial, look));
      best.together = std::min(best.together, seconds);
    }
    const double over = best.over(goal_);
    if (over > beyond_doubt || over < 1 / beyond_doubt) break;
  }
  return best;
}

Result<double> Stopwatch::search(const Trial& trial, index::Look look, std::size_t first, std::size_t count) {
  const auto values = std::span(queries_.values).subspan(first * dims_, count * dims_);
  const auto own =
      queries_.own_rows.empty() ? std::span<const std::uint32_t>() : std::span(queries_.own_rows).subspan(first, count);
  const auto start = Clock::now();
  ATTAR_TRY(trial.search(values, dims_, k_, look, own, pool_));
  return seconds_since(start);
}

Result<double> Stopwatch::alone(const Trial& trial, index::Look look) {
  const auto start = Clock::now();
  std::vector<double> seconds;
  for (std::size_t q = 0; q < count_; ++q) {
    ATTAR_ASSIGN(const double own, search(trial, look, q, 1));
    seconds.push_back(own);
    if (seconds.size() >= least_queries && seconds_since(start) > round_seconds) break;
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

Result<double> Stopwatch::together(const Trial& trial, index::Look look) {
  ATTAR_ASSIGN(const double seconds, search(trial, look, 0, count_));
  return seconds / static_cast<double>(count_);
}

}  // namespace attar::plan
