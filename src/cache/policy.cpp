#include "cache/policy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/random.h"

namespace attar::cache {
namespace {

constexpr double lowest_log_odds = -6, log_odds_range = 14;
constexpr double half_life = 500, spending_span = 500;
constexpr double least_explored = 0.03, explored_share = 0.25;
constexpr double least_prompts = 20;
constexpr double vote_sharpness = 12;

std::size_t bin_of(double log_odds) noexcept {
  if (!(log_odds > lowest_log_odds)) return 0;
  const double place = (log_odds - lowest_log_odds) / log_odds_range * static_cast<double>(RiskTable::bins);
  return static_cast<std::size_t>(std::min(place, static_cast<double>(RiskTable::bins - 1)));
}

}  // namespace

void RiskTable::begin_prompt() noexcept {
  static const double kept = std::exp2(-1 / half_life);
  prompts_ = prompts_ * kept + 1;
  for (Bin& bin : bins_) {
    bin.count *= kept;
    bin.risk *= kept;
  }
}

void RiskTable::add(double log_odds, double risk) noexcept {
  Bin& bin = bins_[bin_of(log_odds)];
  bin.count += 1;
  bin.risk += risk;
}

double RiskTable::risk_from(double log_odds, double risk) const noexcept {
  for (std::size_t i = bin_of(log_odds); i < bins; ++i) risk += bins_[i].risk;
  return risk / (prompts_ + 1);
}

Decision decide(const Allowance& allowance, const RiskTable& risks, const Belief& belief,
                std::uint64_t number) noexcept {
  const double left = allowance.left(number);
  if (left <= 0 || risks.prompts() < least_prompts) return {};
  const double reserve = std::sqrt(allowance.error() * static_cast<double>(number));
  const double risk = 1 - belief.probability();
  const double allowed = allowance.error() + (left - reserve) / spending_span;
  if (!(risks.risk_from(belief.moderated(), risk) <= allowed)) return {};
  Decision out{.may_serve = true};
  out.explore = std::min(1.0, std::max({least_explored, std::sqrt(explored_share * risk), 1 / (1 + left)}));
  out.charge = (1 - out.explore) / out.explore;
  return out;
}

double coin(std::uint64_t seed, std::uint64_t number) noexcept {
  return base::Random(seed + number * 0x9e3779b97f4a7c15u).uniform();
}

Features features_of(std::span<const Neighbour> neighbours, std::uint64_t entries) noexcept {
  const Neighbour& first = neighbours.front();
  const double best = first.similarity, last = neighbours.back().similarity;
  const bool full = neighbours.size() == neighbours_asked;
  double other = full ? last : 0, next = std::max(0.0, last - 0.1), same_votes = 0, votes = 0;
  bool other_seen = false, next_seen = false;
  for (std::size_t i = 0; i < neighbours.size(); ++i) {
    const auto& [answer, similarity] = neighbours[i];
    const double vote = std::exp(vote_sharpness * (similarity - best));
    votes += vote;
    if (answer == first.answer) same_votes += vote;
    if (answer != first.answer && !std::exchange(other_seen, true)) other = similarity;
    if (answer == first.answer && i > 0 && !std::exchange(next_seen, true)) next = similarity;
  }
  return {1,
          (best - 0.7) / 0.15,
          (best - other - 0.1) / 0.1,
          (same_votes / votes - 0.6) / 0.3,
          (next - 0.6) / 0.15,
          std::log(static_cast<double>(entries) / 500)};
}

}  // namespace attar::cache
