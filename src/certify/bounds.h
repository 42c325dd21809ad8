// The tests behind every certificate: is the mean recall at least r, and do enough queries reach a recall?
//
// The unit is the query: hits within one query are correlated, so that bounds on pooled hits are wrong far too often.
// An observation is a number in [0, 1] for one unit (a query, or the mean of near-duplicate queries), in the order that
// the seed shuffled them. A value outside [0, 1] counts as the nearest end, NaN as 0: both err to the safe side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "math/statistics.h"

namespace attar::certify {

/// The test of "mean ≥ floor" by betting (Waudby-Smith and Ramdas 2020, "Estimating means of bounded random variables
/// by betting"): a gambler who starts with 1 stakes λ_i on each observation being above the floor,
///
///     K_t = Π_{i ≤ t} (1 + λ_i (X_i − floor)),   0 ≤ λ_i ≤ 0.75 / floor,
///
/// with λ_i fixed before X_i is seen. If the mean is at most the floor, K is a non-negative supermartingale and
/// P(max K_t ≥ 1/δ) ≤ δ (Ville), whatever the distribution and whatever the rule for λ.
///
/// The rule is chosen for power at a known number of observations n: with variance v, log K after n bets is about
/// n(λΔ − λ²v/2) give or take λ√(nv), and the chance that it passes ln 1/δ is largest at λ = √(2 ln(1/δ) / (n v)),
/// whatever the true excess Δ is. So the excess, which is small and noisy, need not be guessed; v is estimated from
/// tune data and the observations so far. As this λ does not look at the floor, except in the cap, every factor falls
/// as the floor rises: the test is monotone, and can be inverted into a lower bound by bisection.
class BettingTest {
 public:
  /// floor in (0, 1); delta in (0, 1); `horizon` observations are expected (more or fewer are allowed and cost only
  /// power). `tune`: observations of the same plan on data that is not tested here; may be empty.
  BettingTest(double floor, double delta, std::uint64_t horizon, std::span<const double> tune = {}) noexcept;

  /// Settles the bet on the next observation.
  void observe(double value) noexcept;

  /// The stake λ for the next observation.
  [[nodiscard]] double next_bet() const noexcept;
  /// K_t now, and the largest so far (at least K_0 = 1).
  [[nodiscard]] double wealth() const noexcept { return wealth_; }
  [[nodiscard]] double best() const noexcept { return best_; }
  /// max K_t ≥ 1/δ: the mean is above the floor, at confidence 1 − δ.
  [[nodiscard]] bool passed() const noexcept { return best_ >= target_; }

 private:
  double floor_;
  double target_;       // 1/δ
  double stake_scale_;  // 2 ln(1/δ) / n
  double cap_;          // 0.75 / floor
  double wealth_ = 1;
  double best_ = 1;
  math::Moments seen_;
};

/// True when the betting test shows mean ≥ floor at confidence 1 − delta. A floor ≤ 0 always holds; one ≥ 1 is never
/// shown.
[[nodiscard]] bool mean_at_least(std::span<const double> observations, std::span<const double> tune, double floor,
                                 double delta) noexcept;

/// The largest floor on a grid of 1e-4 that mean_at_least() shows; every lower one is shown too. One claim at `delta`.
[[nodiscard]] double mean_lower_bound(std::span<const double> observations, std::span<const double> tune,
                                      double delta) noexcept;

/// The least number of units with which mean_at_least() can pass: with perfect recall each bet at the cap multiplies
/// the stake by 1 + (0.75/r)(1 − r), and n of them must reach 1/δ, so n = ⌈ln(1/δ) / ln(1 + 0.75 (1 − r)/r)⌉ (78 at
/// 0.95 and 397 at 0.99 for δ = 0.05). 0 for a floor ≤ 0; none for a floor ≥ 1.
[[nodiscard]] std::optional<std::uint64_t> least_queries_mean(double floor, double delta) noexcept;

/// The least number of units with which a tail certificate for `share` can pass: all n of them reach the recall and
/// share^n ≤ δ (59 for 95% at δ = 0.05). 0 for a share ≤ 0; none for a share ≥ 1.
[[nodiscard]] std::optional<std::uint64_t> least_queries_tail(double share, double delta) noexcept;

/// By how much a plan's mean over `tune` should exceed the floor, so that its test on `horizon` fresh observations
/// passes with probability about `power`; the error of the tune mean itself is counted in. Infinite for fewer than two
/// tune values or no horizon. For planning only: an estimate, no part of a claim.
[[nodiscard]] double expected_margin(std::span<const double> tune, std::uint64_t horizon, double floor, double delta,
                                     double power = 0.95) noexcept;

/// How many units reach a recall, and the share of all queries that do so.
struct Tail {
  std::uint64_t units = 0;
  std::uint64_t reached = 0;
  double share = 0;        ///< reached / units
  double lower_bound = 0;  ///< Clopper–Pearson, one-sided, at confidence 1 − δ
};

/// Counts the observations that are at least `recall` (less 1e-9, for means of tenths are not exact) and bounds their
/// share.
[[nodiscard]] Tail tail(std::span<const double> observations, double recall, double delta) noexcept;

}  // namespace attar::certify
