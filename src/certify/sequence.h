// Several plans, one set of certify queries: fixed-sequence testing, safest plan first, stop at the first failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "attar/result.h"

namespace attar::certify {

/// One statement about recall, tested at confidence 1 − delta.
struct Claim {
  double floor = 0;  ///< recall: of the mean, or (share > 0) that each of a share of the queries must reach
  double share = 0;  ///< 0: "mean recall ≥ floor"; otherwise "at least this share of queries reaches the floor"
  double delta = 0.05;
};

/// What one set of observations says about a claim.
struct Finding {
  double estimate = 0;               ///< mean recall, or the share that reaches the floor
  double lower_bound = 0;            ///< one-sided at confidence 1 − δ, for a single plan; above the estimate only
                                     ///< where a claim that was shown is
  bool passed = false;               ///< the claim is shown
  std::uint64_t queries = 0;         ///< units observed
  std::uint64_t queries_needed = 0;  ///< the least number of units that could pass; UINT64_MAX when none could
};

/// Tests the claim on `observations`; `tune` only steers the stakes. When the claim is shown, lower_bound is not below
/// what was claimed. `invalid_argument` for a floor, share or delta that is no claim.
[[nodiscard]] Result<Finding> examine(const Claim& claim, std::span<const double> observations,
                                      std::span<const double> tune);

/// What observations say of a plan of which nothing was claimed: the mean and its lower bound at confidence 1 − delta.
[[nodiscard]] Finding estimate_mean(std::span<const double> observations, std::span<const double> tune, double delta);

/// The order of testing, fixed on tune data alone: by mean tune recall, best first; a plan that is no cheaper than one
/// already in the order could never be preferred to it and is left out. `tune_means` and `costs` (bytes, or work) have
/// one entry a plan; ties go to the lower cost, then to the lower number.
[[nodiscard]] std::vector<std::size_t> safest_first(std::span<const double> tune_means, std::span<const double> costs);

/// A plan as it was tested.
struct Trial {
  std::size_t plan = 0;
  Finding finding;
};

struct SequenceResult {
  std::vector<Trial> trials;           ///< in the order of testing; only the last can have failed
  std::optional<std::size_t> shipped;  ///< index into `trials` of the last that passed
};

/// Observations of one plan on the certify units, in the shuffled order of the split.
using Observe = std::function<Result<std::vector<double>>(std::size_t plan)>;

/// Tests the plans of `order` one by one, each at the claim's delta, and stops at the first failure. The chance that
/// any plan that passes does not meet the claim is at most delta in all: the first unfit plan of the order would have
/// to pass. So the claim alone is certified for the plan shipped; when more than one plan was tested, its lower_bound
/// is set to what was claimed, since a higher one would need delta divided by the number of plans. `tune` holds the
/// tune observations of every plan (indexed by plan), or is empty.
[[nodiscard]] Result<SequenceResult> sequence(std::span<const std::size_t> order, const Claim& claim,
                                              std::span<const std::vector<double>> tune, const Observe& observe);

}  // namespace attar::certify
