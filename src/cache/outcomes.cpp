#include "cache/outcomes.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace attar::cache {
namespace {

constexpr double prior_variance = 4, least_curvature = 1e-4;

double inner(const Features& a, const Features& b) noexcept {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

double Belief::moderated() const noexcept { return mean / std::sqrt(1 + std::numbers::pi * variance / 8); }

double Belief::probability() const noexcept { return 1 / (1 + std::exp(-moderated())); }

OutcomeModel::OutcomeModel() noexcept {
  weights_[0] = -1;
  weights_[1] = 1;
  for (std::size_t i = 0; i < feature_count; ++i) covariance_[i][i] = prior_variance;
}

Belief OutcomeModel::judge(const Features& x, const Offset& offset) const noexcept {
  double variance = offset.variance;
  for (std::size_t i = 0; i < feature_count; ++i) variance += x[i] * inner(covariance_[i], x);
  return {.mean = inner(weights_, x) + offset.mean, .variance = std::max(variance, 0.0)};
}

void OutcomeModel::learn(const Features& x, Offset& offset, bool right) noexcept {
  const Belief belief = judge(x, offset);
  const double p = belief.probability();
  const double error = (right ? 1 : 0) - p;
  const double curvature = std::max(p * (1 - p), least_curvature);
  const double scale = 1 + curvature * belief.variance;
  Features along{};
  for (std::size_t i = 0; i < feature_count; ++i) along[i] = inner(covariance_[i], x);
  for (std::size_t i = 0; i < feature_count; ++i) {
    weights_[i] += along[i] * error / scale;
    for (std::size_t j = 0; j < feature_count; ++j) covariance_[i][j] -= along[i] * along[j] * curvature / scale;
  }
  offset.mean += offset.variance * error / scale;
  offset.variance -= offset.variance * offset.variance * curvature / scale;
}

}  // namespace attar::cache
