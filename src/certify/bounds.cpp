#include "certify/bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attar::certify {
namespace {

constexpr double bet_cap = 0.75;

// The variance counts one imagined observation of s.d. 0.05: without tune data the first bets stand at the cap, where a
// run of perfect answers needs them, and never fall on a division by zero.
constexpr double imagined_variance = 0.0025;

double clean(double value) noexcept { return value > 0 ? std::min(value, 1.0) : 0.0; }

double stake(double scale, double variance, double cap) noexcept { return std::min(std::sqrt(scale / variance), cap); }

double stake_scale(double delta, std::uint64_t horizon) noexcept {
  return 2 * std::log(1 / delta) / static_cast<double>(std::max<std::uint64_t>(horizon, 1));
}

std::uint64_t bets_needed(double delta, double log_gain) noexcept {
  // A hair less than the quotient, lest rounding ask for one query more than the exact arithmetic would.
  return static_cast<std::uint64_t>(std::ceil(std::log(1 / delta) / log_gain - 1e-9));
}

}  // namespace

BettingTest::BettingTest(double floor, double delta, std::uint64_t horizon, std::span<const double> tune) noexcept
    : floor_(floor), target_(1 / delta), stake_scale_(stake_scale(delta, horizon)), cap_(bet_cap / floor) {
  for (double value : tune) seen_.add(clean(value));
}

double BettingTest::next_bet() const noexcept {
  const double variance = (imagined_variance + seen_.sum_of_squares()) / (1 + static_cast<double>(seen_.count()));
  return stake(stake_scale_, variance, cap_);
}

void BettingTest::observe(double value) noexcept {
  const double x = clean(value);
  wealth_ *= 1 + next_bet() * (x - floor_);
  best_ = std::max(best_, wealth_);
  seen_.add(x);
}

bool mean_at_least(std::span<const double> observations, std::span<const double> tune, double floor,
                   double delta) noexcept {
  if (floor <= 0) return true;
  if (!(floor < 1)) return false;
  BettingTest test(floor, delta, observations.size(), tune);
  for (double value : observations) {
    test.observe(value);
    if (test.passed()) return true;
  }
  return false;
}

double mean_lower_bound(std::span<const double> observations, std::span<const double> tune, double delta) noexcept {
  constexpr int grid = 10'000;
  int shown = 0;  // invariant: shown/grid is shown, refuted/grid is not
  int refuted = grid;
  while (refuted - shown > 1) {
    const int middle = shown + (refuted - shown) / 2;
    (mean_at_least(observations, tune, static_cast<double>(middle) / grid, delta) ? shown : refuted) = middle;
  }
  return static_cast<double>(shown) / grid;
}

std::optional<std::uint64_t> least_queries_mean(double floor, double delta) noexcept {
  if (floor <= 0) return 0;
  if (!(floor < 1)) return std::nullopt;
  return bets_needed(delta, std::log1p(bet_cap * (1 - floor) / floor));
}

std::optional<std::uint64_t> least_queries_tail(double share, double delta) noexcept {
  if (share <= 0) return 0;
  if (!(share < 1)) return std::nullopt;
  return bets_needed(delta, -std::log(share));
}

double expected_margin(std::span<const double> tune, std::uint64_t horizon, double floor, double delta,
                       double power) noexcept {
  if (tune.size() < 2 || horizon == 0) return std::numeric_limits<double>::infinity();
  const math::Moments sample = math::moments(tune);
  const auto n = static_cast<double>(horizon);
  const double variance = (imagined_variance + sample.sum_of_squares()) / (1 + static_cast<double>(sample.count()));
  const double bet = stake(stake_scale(delta, horizon), variance, bet_cap / std::max(floor, 1e-6));
  const double noise = std::sqrt(variance * (1 / n + 1 / static_cast<double>(sample.count())));
  // log K_n ≈ n(λΔ − λ²(v + Δ²)/2) must pass ln 1/δ by the noise that `power` asks for; Δ² is put in afterwards.
  const double margin = std::log(1 / delta) / (n * bet) + bet * variance / 2 + math::normal_quantile(power) * noise;
  return margin + bet * margin * margin / 2;
}

Tail tail(std::span<const double> observations, double recall, double delta) noexcept {
  Tail out;
  out.units = observations.size();
  for (double value : observations) out.reached += clean(value) >= recall - 1e-9 ? 1 : 0;
  if (out.units != 0) out.share = static_cast<double>(out.reached) / static_cast<double>(out.units);
  out.lower_bound = math::clopper_pearson_lower(out.reached, out.units, delta);
  return out;
}

}  // namespace attar::certify
