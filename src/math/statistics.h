// Distribution functions and intervals that measured quality is reported with. Everything here is pure arithmetic.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace attar::math {

/// Running mean and variance (Welford's recurrence: no cancellation between large sums).
class Moments {
 public:
  void add(double value) noexcept {
    ++count_;
    const double before = value - mean_;
    mean_ += before / static_cast<double>(count_);
    squares_ += before * (value - mean_);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double mean() const noexcept { return mean_; }
  /// Σ (value − mean)².
  [[nodiscard]] double sum_of_squares() const noexcept { return squares_; }
  /// Unbiased sample variance; 0 for fewer than two values.
  [[nodiscard]] double variance() const noexcept;
  [[nodiscard]] double standard_deviation() const noexcept;

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

[[nodiscard]] Moments moments(std::span<const double> values) noexcept;

/// Regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1]: P(X ≤ x) for X ~ Beta(a, b).
[[nodiscard]] double incomplete_beta(double a, double b, double x) noexcept;

/// The x with I_x(a, b) = p, for p in [0, 1].
[[nodiscard]] double inverse_incomplete_beta(double a, double b, double p) noexcept;

/// One-sided bounds of Clopper and Pearson (1934) on a share, from `successes` of `trials` ≥ successes.
/// Each alone is wrong with probability at most `delta`; with no trials they are 0 and 1.
[[nodiscard]] double clopper_pearson_lower(std::uint64_t successes, std::uint64_t trials, double delta) noexcept;
[[nodiscard]] double clopper_pearson_upper(std::uint64_t successes, std::uint64_t trials, double delta) noexcept;

/// The z with P(Z ≤ z) = p for a standard normal Z; ∓∞ at 0 and 1.
[[nodiscard]] double normal_quantile(double p) noexcept;

/// The t with P(T ≤ t) = p for Student's T with `freedom` > 0 degrees of freedom; ∓∞ at 0 and 1.
[[nodiscard]] double student_quantile(double p, double freedom) noexcept;

/// A mean with its two-sided interval.
struct Interval {
  double mean = 0;
  double standard_error = 0;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::uint64_t count = 0;
};

/// Student's t interval of the mean at `confidence` in (0, 1); unbounded for fewer than two values.
[[nodiscard]] Interval mean_interval(std::span<const double> values, double confidence = 0.95) noexcept;

/// Student's t interval of mean(a − b) over pairs: a[i] and b[i] were measured on the same query, and as many are
/// compared as both have.
[[nodiscard]] Interval paired_difference(std::span<const double> a, std::span<const double> b,
                                         double confidence = 0.95) noexcept;

}  // namespace attar::math
