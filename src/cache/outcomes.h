// How probable it is that a cached answer is right: a logistic that all entries share, and an offset of each entry's
// own, learned from outcomes one by one (Spiegelhalter and Lauritzen 1990; MacKay 1992). spec.md has the formulas.
#pragma once

#include <array>
#include <cstddef>

namespace attar::cache {

inline constexpr std::size_t feature_count = 6;
using Features = std::array<double, feature_count>;

/// What an entry's own outcomes have taught.
struct Offset {
  double mean = 0;
  double variance = 0.1;
};

/// What is known of a lookup before its outcome.
struct Belief {
  double mean = 0;      ///< of the log odds
  double variance = 0;  ///< of them

  /// The log odds pulled in for what is not known: κ(variance) · mean.
  [[nodiscard]] double moderated() const noexcept;
  /// P(right).
  [[nodiscard]] double probability() const noexcept;
};

class OutcomeModel {
 public:
  using Matrix = std::array<std::array<double, feature_count>, feature_count>;

  OutcomeModel() noexcept;
  /// As it was saved.
  OutcomeModel(const Features& weights, const Matrix& covariance) noexcept
      : weights_(weights), covariance_(covariance) {}

  [[nodiscard]] Belief judge(const Features& x, const Offset& offset) const noexcept;
  void learn(const Features& x, Offset& offset, bool right) noexcept;

  [[nodiscard]] const Features& weights() const noexcept { return weights_; }
  [[nodiscard]] const Matrix& covariance() const noexcept { return covariance_; }

 private:
  Features weights_{};
  Matrix covariance_{};
};

}  // namespace attar::cache
