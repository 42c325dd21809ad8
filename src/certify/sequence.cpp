#include "certify/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "certify/bounds.h"

namespace attar::certify {
namespace {

Status check(const Claim& claim) {
  if (!(claim.delta > 0 && claim.delta < 1))
    return fail(ErrorCode::invalid_argument, fmt::format("a confidence of {} is not between 0 and 1", 1 - claim.delta));
  if (!(claim.floor >= 0 && claim.floor <= 1))
    return fail(ErrorCode::invalid_argument, fmt::format("a recall of {} is not between 0 and 1", claim.floor));
  if (!(claim.share >= 0 && claim.share < 1))
    return fail(ErrorCode::invalid_argument,
                fmt::format("a share of queries of {} cannot be shown on a sample; name one below 1, such as 0.95",
                            claim.share));
  return {};
}

// The bound that is shown. A bet is won when the wealth stands above 1/δ at any time, not at the end: of a run of good
// answers first and poor ones later the running maximum remembers the good ones, so that at low confidence, where
// little wealth suffices, a test may show more than the mean of all observations. That is no error (it happens with
// probability δ at the most where it is wrong), but nobody should read a bound above the estimate.
double shown_bound(std::span<const double> observations, std::span<const double> tune, double delta, double estimate) {
  return std::min(mean_lower_bound(observations, tune, delta), estimate);
}

}  // namespace

Finding estimate_mean(std::span<const double> observations, std::span<const double> tune, double delta) {
  const double sum = std::accumulate(observations.begin(), observations.end(), 0.0);
  const double mean = observations.empty() ? 0.0 : sum / static_cast<double>(observations.size());
  return {
      .estimate = mean, .lower_bound = shown_bound(observations, tune, delta, mean), .queries = observations.size()};
}

Result<Finding> examine(const Claim& claim, std::span<const double> observations, std::span<const double> tune) {
  ATTAR_TRY(check(claim));
  constexpr auto none = std::numeric_limits<std::uint64_t>::max();
  Finding out;
  out.queries = observations.size();
  if (claim.share > 0) {
    const Tail counted = tail(observations, claim.floor, claim.delta);
    out.estimate = counted.share;
    out.lower_bound = counted.lower_bound;
    out.passed = counted.lower_bound >= claim.share;
    out.queries_needed = least_queries_tail(claim.share, claim.delta).value_or(none);
    return out;
  }
  out.estimate = math::moments(observations).mean();
  out.lower_bound = shown_bound(observations, tune, claim.delta, out.estimate);
  out.passed = mean_at_least(observations, tune, claim.floor, claim.delta);
  // The test is monotone in the floor, so a floor between two points of the bound's grid costs no second claim.
  if (out.passed) out.lower_bound = std::max(out.lower_bound, claim.floor);
  out.queries_needed = least_queries_mean(claim.floor, claim.delta).value_or(none);
  return out;
}

std::vector<std::size_t> safest_first(std::span<const double> tune_means, std::span<const double> costs) {
  std::vector<std::size_t> plans(std::min(tune_means.size(), costs.size()));
  std::iota(plans.begin(), plans.end(), std::size_t{0});
  std::stable_sort(plans.begin(), plans.end(), [&](std::size_t a, std::size_t b) {
    return tune_means[a] != tune_means[b] ? tune_means[a] > tune_means[b] : costs[a] < costs[b];
  });
  std::vector<std::size_t> order;
  for (std::size_t plan : plans)
    if (order.empty() || costs[plan] < costs[order.back()]) order.push_back(plan);
  return order;
}

Result<SequenceResult> sequence(std::span<const std::size_t> order, const Claim& claim,
                                std::span<const std::vector<double>> tune, const Observe& observe) {
  SequenceResult out;
  for (std::size_t plan : order) {
    if (!tune.empty() && plan >= tune.size())
      return fail(ErrorCode::invalid_argument, fmt::format("plan {} has no tune observations", plan));
    ATTAR_ASSIGN(const auto observations, observe(plan));
    const auto steering = tune.empty() ? std::span<const double>() : std::span<const double>(tune[plan]);
    ATTAR_ASSIGN(Finding finding, examine(claim, observations, steering));
    out.trials.push_back({plan, finding});
    if (!finding.passed) break;
    out.shipped = out.trials.size() - 1;
  }
  if (out.shipped && out.trials.size() > 1)
    out.trials[*out.shipped].finding.lower_bound = claim.share > 0 ? claim.share : claim.floor;
  return out;
}

}  // namespace attar::certify
