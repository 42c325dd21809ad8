#include "vector/tcq/moments.h"

#include <algorithm>
#include <cmath>

namespace attar::vector::tcq {
namespace {

constexpr std::size_t origin_rows = 256;
constexpr std::size_t moment_batch_rows = 256;
// A row this many powers of two beyond the unit sets a new one: squares of 2^40 still fit single precision many times.
constexpr int headroom = 40;

}  // namespace

RowMoments::RowMoments(std::uint32_t dims, bool with_covariance) : dims_(dims), sum_(dims) {
  if (with_covariance) moments_.emplace(dims);
}

void RowMoments::add(std::span<const float> rows, base::ThreadPool& pool) {
  count_ += rows.size() / dims_;
  if (origin_.empty()) {
    const std::size_t taken = std::min(rows.size(), origin_rows * dims_ - first_rows_.size());
    first_rows_.insert(first_rows_.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(taken));
    rows = rows.subspan(taken);
    if (first_rows_.size() < origin_rows * dims_) return;
    choose_origin();
    add_differences(first_rows_, pool);
  }
  add_differences(rows, pool);
}

// The mean of equal floats is exact in double, so rows that do not differ leave no difference.
void RowMoments::choose_origin() {
  const auto rows = static_cast<double>(first_rows_.size() / dims_);
  origin_.assign(dims_, 0.0);
  for (std::size_t i = 0; i < first_rows_.size(); ++i) origin_[i % dims_] += static_cast<double>(first_rows_[i]);
  for (double& value : origin_) value /= rows;
}

void RowMoments::add_differences(std::span<const float> rows, base::ThreadPool& pool) {
  std::vector<double> difference(dims_);
  for (std::size_t at = 0; at < rows.size(); at += dims_) {
    double largest = 0;
    for (std::size_t i = 0; i < dims_; ++i) {
      difference[i] = static_cast<double>(rows[at + i]) - origin_[i];
      largest = std::max(largest, std::fabs(difference[i]));
    }
    if (largest > 0) {
      const int exponent = std::ilogb(largest);
      if (!exponent_ || exponent > *exponent_ + headroom) widen_unit(exponent, pool);
    }
    const double scale = 1 / unit();
    for (const double value : difference) scaled_.push_back(static_cast<float>(value * scale));
    if (scaled_.size() == moment_batch_rows * dims_) pass_on(pool);
  }
}

// Beside rows 2^40 times as far from the origin the earlier ones are nothing: only their number still counts.
void RowMoments::widen_unit(int exponent, base::ThreadPool& pool) {
  pass_on(pool);
  if (moments_) moments_.emplace(dims_);
  in_unit_ = 0;
  squares_ = 0;
  std::fill(sum_.begin(), sum_.end(), 0.0);
  exponent_ = exponent;
}

void RowMoments::pass_on(base::ThreadPool& pool) {
  if (moments_) {
    moments_->add(scaled_, pool);
  } else {
    in_unit_ += scaled_.size() / dims_;
    for (std::size_t i = 0; i < scaled_.size(); ++i) {
      const auto value = static_cast<double>(scaled_[i]);
      sum_[i % dims_] += value;
      squares_ += value * value;
    }
  }
  scaled_.clear();
}

void RowMoments::finish(base::ThreadPool& pool) {
  if (count_ == 0) return;
  if (origin_.empty()) {
    choose_origin();
    add_differences(first_rows_, pool);
  }
  pass_on(pool);
  std::vector<double> offset = sum_;
  if (moments_) {
    offset = moments_->mean(pool);
    for (double& value : offset) value *= static_cast<double>(moments_->count());
  }
  for (double& value : offset) value /= static_cast<double>(count_);
  if (moments_) {
    const double share = static_cast<double>(moments_->count()) / static_cast<double>(count_);
    covariance_ = moments_->covariance(std::vector<double>(dims_), pool);
    for (std::size_t i = 0; i < dims_; ++i)
      for (std::size_t j = 0; j < dims_; ++j) covariance_(i, j) = share * covariance_(i, j) - offset[i] * offset[j];
    for (std::size_t i = 0; i < dims_; ++i) mean_variance_ += covariance_(i, i) / dims_;
  } else {
    mean_variance_ = squares_ / static_cast<double>(count_) / dims_;
    for (const double value : offset) mean_variance_ -= value * value / dims_;
  }
  mean_ = origin_;
  for (std::size_t i = 0; i < dims_; ++i) mean_[i] += unit() * offset[i];
}

double RowMoments::unit() const noexcept { return std::ldexp(1.0, exponent_.value_or(0)); }

}  // namespace attar::vector::tcq
