#include "gaussian.h"

#include <cmath>
#include <numbers>

namespace attar::tools {
namespace {

double density(double x) { return std::isinf(x) ? 0.0 : std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi); }

// x·φ(x), which vanishes at infinity.
double first_moment_edge(double x) { return std::isinf(x) ? 0.0 : x * density(x); }

double quantile(double probability) {
  double low = -10, high = 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (normal_cdf(middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double cell_error(double low, double high, double level) {
  const double mass = normal_cdf(high) - normal_cdf(low);
  const double first = density(low) - density(high);
  const double second = mass + first_moment_edge(low) - first_moment_edge(high);
  return second - 2 * level * first + level * level * mass;
}

std::vector<double> companded_alphabet(std::size_t count) {
  std::vector<double> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(std::numbers::sqrt3 * quantile((static_cast<double>(i) + 0.5) / static_cast<double>(count)));
  return out;
}

}  // namespace attar::tools
