#include "math/statistics.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <cmath>
#include <numbers>

namespace attar::math {
namespace {

/// What Stirling's formula lacks: ln Γ(z) − [(z − ½) ln z − z + ½ ln 2π]. Small where ln Γ is huge, which keeps the
/// density below accurate for tens of thousands of trials.
double stirling_remainder(double z) noexcept {
  if (z < 16) {
    int sign = 0;
    return lgamma_r(z, &sign) - ((z - 0.5) * std::log(z) - z + 0.5 * std::log(2 * std::numbers::pi));
  }
  const double s = 1 / (z * z);
  return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188))))) / z;
}

/// ln(1 + u) where u is known accurately when small, and 1 + u = ratio otherwise.
double log_ratio(double u, double ratio) noexcept { return std::fabs(u) < 0.5 ? std::log1p(u) : std::log(ratio); }

/// x^a y^b / B(a, b) with y = 1 − x, for 0 < x < 1.
double beta_kernel(double a, double b, double x, double y) noexcept {
  const double excess = x * b - y * a;
  const double exponent = a * log_ratio(excess / a, x * (a + b) / a) + b * log_ratio(-excess / b, y * (a + b) / b) +
                          stirling_remainder(a + b) - stirling_remainder(a) - stirling_remainder(b);
  return std::sqrt(a / (a + b) * b / (2 * std::numbers::pi)) * std::exp(exponent);
}

/// The continued fraction of I_x(a, b) (Abramowitz and Stegun 26.5.8) by Lentz's method; converges fast for
/// x < (a + 1) / (a + b + 2), within about √max(a, b) terms.
double beta_fraction(double a, double b, double x) noexcept {
  constexpr double tiny = 1e-300;
  constexpr int most_terms = 100'000;
  const auto away_from_zero = [](double value) { return std::fabs(value) < tiny ? tiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= most_terms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= c * d;
    if (std::fabs(c * d - 1) < 1e-16) break;
  }
  return fraction;
}

}  // namespace

double Moments::variance() const noexcept { return count_ < 2 ? 0 : squares_ / static_cast<double>(count_ - 1); }

double Moments::standard_deviation() const noexcept { return std::sqrt(variance()); }

Moments moments(std::span<const double> values) noexcept {
  Moments out;
  for (double value : values) out.add(value);
  return out;
}

double incomplete_beta(double a, double b, double x) noexcept {
  if (!(x > 0)) return 0;
  if (x >= 1) return 1;
  const double kernel = beta_kernel(a, b, x, 1 - x);
  if (x < (a + 1) / (a + b + 2)) return kernel * beta_fraction(a, b, x) / a;
  return 1 - kernel * beta_fraction(b, a, 1 - x) / b;
}

double inverse_incomplete_beta(double a, double b, double p) noexcept {
  if (!(p > 0)) return 0;
  if (p >= 1) return 1;
  // Newton's method, kept inside a shrinking bracket: a step that would leave it becomes a bisection.
  double low = 0;
  double high = 1;
  double x = a / (a + b);
  for (int step = 0; step < 200; ++step) {
    const double error = incomplete_beta(a, b, x) - p;
    (error > 0 ? high : low) = x;
    const double density = beta_kernel(a, b, x, 1 - x) / (x * (1 - x));
    double next = x - error / density;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    const double moved = std::fabs(next - x);
    x = next;
    if (moved <= 1e-15 * x || !(x > low && x < high)) break;
  }
  return x;
}

double clopper_pearson_lower(std::uint64_t successes, std::uint64_t trials, double delta) noexcept {
  if (successes == 0) return 0;
  return inverse_incomplete_beta(static_cast<double>(successes), static_cast<double>(trials - successes) + 1, delta);
}

double clopper_pearson_upper(std::uint64_t successes, std::uint64_t trials, double delta) noexcept {
  if (successes == trials) return 1;
  return 1 -
         inverse_incomplete_beta(static_cast<double>(trials - successes), static_cast<double>(successes) + 1, delta);
}

double normal_quantile(double p) noexcept {
  if (!(p > 0)) return -std::numeric_limits<double>::infinity();
  if (p >= 1) return std::numeric_limits<double>::infinity();
  if (p > 0.5) return -normal_quantile(1 - p);
  // Abramowitz and Stegun 26.2.23 is good to 5e-4; two steps of Halley's method take that to the last bits.
  const double t = std::sqrt(-2 * std::log(p));
  double z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (int step = 0; step < 2; ++step) {
    const double error = 0.5 * std::erfc(-z / std::numbers::sqrt2) - p;
    const double newton = error * std::sqrt(2 * std::numbers::pi) * std::exp(z * z / 2);
    z -= newton / (1 + z * newton / 2);
  }
  return z;
}

double student_quantile(double p, double freedom) noexcept {
  if (!(p > 0)) return -std::numeric_limits<double>::infinity();
  if (p >= 1) return std::numeric_limits<double>::infinity();
  if (p > 0.5) return -student_quantile(1 - p, freedom);
  // P(|T| > t) = I_x(ν/2, ½) at x = ν / (ν + t²); the complement y = t² / (ν + t²) keeps small t accurate.
  const double y = inverse_incomplete_beta(0.5, freedom / 2, 1 - 2 * p);
  if (y < 0.5) return -std::sqrt(freedom * y / (1 - y));
  const double x = inverse_incomplete_beta(freedom / 2, 0.5, 2 * p);
  return -std::sqrt(freedom * (1 - x) / x);
}

namespace {

Interval interval_of(const Moments& sample, double confidence) noexcept {
  Interval out;
  out.mean = sample.mean();
  out.count = sample.count();
  if (sample.count() < 2) return out;
  const auto count = static_cast<double>(sample.count());
  out.standard_error = sample.standard_deviation() / std::sqrt(count);
  const double reach = -student_quantile((1 - confidence) / 2, count - 1) * out.standard_error;
  out.low = out.mean - reach;
  out.high = out.mean + reach;
  return out;
}

}  // namespace

Interval mean_interval(std::span<const double> values, double confidence) noexcept {
  return interval_of(moments(values), confidence);
}

Interval paired_difference(std::span<const double> a, std::span<const double> b, double confidence) noexcept {
  Moments differences;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) differences.add(a[i] - b[i]);
  return interval_of(differences, confidence);
}

}  // namespace attar::math
