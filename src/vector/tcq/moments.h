// Mean and covariance of rows of any magnitude and around any mean.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/threads.h"
#include "math/linalg.h"

namespace attar::vector::tcq {

/// Sums moments of differences from the mean of the first rows, in units of a power of two near the largest of them:
/// squares then neither overflow nor vanish, a mean far from zero costs no precision, and rows that are all equal have
/// a covariance of exactly zero. The result does not depend on chunking or threads.
class RowMoments {
 public:
  /// Without `with_covariance`, memory is linear in the dimensions, and covariance() stays empty.
  RowMoments(std::uint32_t dims, bool with_covariance);

  /// Finite rows, dims values each.
  void add(std::span<const float> rows, base::ThreadPool& pool);
  /// Call last.
  void finish(base::ThreadPool& pool);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// After finish(): the mean (dims values).
  [[nodiscard]] const std::vector<double>& mean() const noexcept { return mean_; }
  /// After finish(): E (x − mean)(x − mean)ᵀ / unit².
  [[nodiscard]] const math::Matrix<double>& covariance() const noexcept { return covariance_; }
  /// After finish(): the mean of the covariance's diagonal.
  [[nodiscard]] double mean_variance() const noexcept { return mean_variance_; }
  [[nodiscard]] double unit() const noexcept;

 private:
  void choose_origin();
  void add_differences(std::span<const float> rows, base::ThreadPool& pool);
  void widen_unit(int exponent, base::ThreadPool& pool);
  void pass_on(base::ThreadPool& pool);

  std::uint32_t dims_;
  std::uint64_t count_ = 0;
  std::vector<float> first_rows_;                   // until the origin is chosen
  std::vector<double> origin_;                      // empty until then
  std::optional<int> exponent_;                     // of the unit; none while all differences are zero
  std::vector<float> scaled_;                       // differences on their way to moments_
  std::optional<math::MomentAccumulator> moments_;  // with the covariance
  std::uint64_t in_unit_ = 0;                       // without it: rows summed in the present unit,
  std::vector<double> sum_;                         // their differences,
  double squares_ = 0;                              // and these squared
  std::vector<double> mean_;
  math::Matrix<double> covariance_;
  double mean_variance_ = 0;
};

}  // namespace attar::vector::tcq
