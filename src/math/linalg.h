// Dense linear algebra: thin, checked words over serial BLAS and LAPACK (one call at a time: blas.h), and moments
// summed in fixed blocks by our own pool, so that results do not depend on the number of threads. Matrices are
// row-major.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/threads.h"

namespace attar::math {

/// A row-major matrix that owns its values.
template <class T>
struct Matrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<T> values;

  Matrix() = default;
  Matrix(std::size_t row_count, std::size_t col_count)
      : rows(row_count), cols(col_count), values(row_count * col_count) {}

  [[nodiscard]] T* row(std::size_t i) noexcept { return values.data() + i * cols; }
  [[nodiscard]] const T* row(std::size_t i) const noexcept { return values.data() + i * cols; }
  T& operator()(std::size_t i, std::size_t j) noexcept { return values[i * cols + j]; }
  const T& operator()(std::size_t i, std::size_t j) const noexcept { return values[i * cols + j]; }
};

/// a (n × k) · b (k × m).
[[nodiscard]] Matrix<double> multiply(const Matrix<double>& a, const Matrix<double>& b);
[[nodiscard]] Matrix<double> transpose(const Matrix<double>& a);

/// Sums, in double, of rows and of their outer products: what mean and covariance are made of. Fed in any chunking;
/// rows are gathered into fixed blocks, so the sums do not depend on it.
class MomentAccumulator {
 public:
  explicit MomentAccumulator(std::size_t dims);

  void add(std::span<const float> rows, base::ThreadPool& pool);
  [[nodiscard]] std::uint64_t count() const noexcept { return count_ + pending_.size() / dims_; }
  /// Mean of the rows (dims values); zero when no row was added.
  [[nodiscard]] std::vector<double> mean(base::ThreadPool& pool);
  /// E (x − centre)(x − centre)ᵀ.
  [[nodiscard]] Matrix<double> covariance(std::span<const double> centre, base::ThreadPool& pool);

 private:
  void flush(base::ThreadPool& pool);

  std::size_t dims_;
  std::uint64_t count_ = 0;
  std::vector<float> pending_;
  std::vector<double> sum_;
  Matrix<double> outer_;
};

struct Eigen {
  std::vector<double> values;  ///< descending
  Matrix<double> vectors;      ///< row i is the unit eigenvector of values[i]; its largest component is positive
};

/// Eigen-decomposition of a symmetric matrix.
[[nodiscard]] Result<Eigen> symmetric_eigen(const Matrix<double>& symmetric);

/// Inverse of a symmetric positive definite matrix; fails when it is not numerically definite.
[[nodiscard]] Result<Matrix<double>> invert_definite(const Matrix<double>& definite);

/// A random orthogonal n × n matrix, Haar-distributed (QR of a Gaussian matrix with signs fixed), from the seed.
[[nodiscard]] Matrix<double> random_orthogonal(std::size_t n, std::uint64_t seed);

}  // namespace attar::math
