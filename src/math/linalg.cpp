#include "math/linalg.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "math/blas.h"
#include "simd/inner_products.h"

// LAPACK's Fortran interface; Debian's serial OpenBLAS ships no LAPACKE header.
extern "C" {
void dsyevd_(const char* job, const char* uplo, const int* n, double* a, const int* lda, double* w, double* work,
             const int* lwork, int* iwork, const int* liwork, int* info);
void dpotrf_(const char* uplo, const int* n, double* a, const int* lda, int* info);
void dpotri_(const char* uplo, const int* n, double* a, const int* lda, int* info);
void dgeqrf_(const int* m, const int* n, double* a, const int* lda, double* tau, double* work, const int* lwork,
             int* info);
void dorgqr_(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau, double* work,
             const int* lwork, int* info);
}

namespace attar::math {
namespace {

// Rows whose outer products are summed in single precision before they join the double sums.
constexpr std::size_t moment_block = 256;

int as_int(std::size_t value) noexcept { return static_cast<int>(value); }

}  // namespace

Matrix<double> multiply(const Matrix<double>& a, const Matrix<double>& b) {
  Matrix<double> out(a.rows, b.cols);
  if (a.rows == 0 || b.cols == 0 || a.cols == 0) return out;
  const auto lock = lock_blas();
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, as_int(a.rows), as_int(b.cols), as_int(a.cols), 1.0,
              a.values.data(), as_int(a.cols), b.values.data(), as_int(b.cols), 0.0, out.values.data(), as_int(b.cols));
  return out;
}

Matrix<double> transpose(const Matrix<double>& a) {
  Matrix<double> out(a.cols, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.cols; ++j) out(j, i) = a(i, j);
  return out;
}

MomentAccumulator::MomentAccumulator(std::size_t dims) : dims_(dims), sum_(dims), outer_(dims, dims) {}

void MomentAccumulator::add(std::span<const float> rows, base::ThreadPool& pool) {
  const std::size_t batch = moment_block * 16;
  while (!rows.empty()) {
    const std::size_t room = batch * dims_ - pending_.size();
    const std::size_t taken = std::min(room, rows.size());
    pending_.insert(pending_.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(taken));
    rows = rows.subspan(taken);
    if (pending_.size() == batch * dims_) flush(pool);
  }
}

void MomentAccumulator::flush(base::ThreadPool& pool) {
  const std::size_t rows = pending_.size() / dims_;
  if (rows == 0) return;
  const std::size_t blocks = (rows + moment_block - 1) / moment_block;
  // A block a thread at a time, so that memory does not grow with the rows; the sums are taken in the order of blocks.
  std::vector<Matrix<float>> outer(pool.size(), Matrix<float>(dims_, dims_));
  for (std::size_t done = 0; done < blocks; done += outer.size()) {
    const std::size_t count_now = std::min(outer.size(), blocks - done);
    pool.run(count_now, [&](std::size_t block, unsigned) {
      const std::size_t first = (done + block) * moment_block;
      const std::size_t count = std::min(moment_block, rows - first);
      std::vector<float> columns(dims_ * count);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t i = 0; i < dims_; ++i) columns[i * count + r] = pending_[(first + r) * dims_ + i];
      simd::inner_products({.a = columns.data(),
                            .n = dims_,
                            .b = columns.data(),
                            .m = dims_,
                            .dims = count,
                            .out = outer[block].values.data(),
                            .stride = dims_});
    });
    for (std::size_t block = 0; block < count_now; ++block)
      for (std::size_t i = 0; i < outer_.values.size(); ++i)
        outer_.values[i] += static_cast<double>(outer[block].values[i]);
  }
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < dims_; ++i) sum_[i] += static_cast<double>(pending_[r * dims_ + i]);
  count_ += rows;
  pending_.clear();
}

std::vector<double> MomentAccumulator::mean(base::ThreadPool& pool) {
  flush(pool);
  std::vector<double> out = sum_;
  if (count_ != 0)
    for (double& value : out) value /= static_cast<double>(count_);
  return out;
}

Matrix<double> MomentAccumulator::covariance(std::span<const double> centre, base::ThreadPool& pool) {
  const std::vector<double> average = mean(pool);
  Matrix<double> out(dims_, dims_);
  if (count_ == 0) return out;
  for (std::size_t i = 0; i < dims_; ++i)
    for (std::size_t j = 0; j < dims_; ++j)
      out(i, j) = outer_(i, j) / static_cast<double>(count_) - average[i] * centre[j] - centre[i] * average[j] +
                  centre[i] * centre[j];
  return out;
}

Result<Eigen> symmetric_eigen(const Matrix<double>& symmetric) {
  const int n = as_int(symmetric.rows);
  Eigen out{.values = std::vector<double>(symmetric.rows), .vectors = symmetric};
  int info = 0, integer_work = 0, minus_one = -1;
  double work_size = 0;
  const auto lock = lock_blas();
  dsyevd_("V", "U", &n, out.vectors.values.data(), &n, out.values.data(), &work_size, &minus_one, &integer_work,
          &minus_one, &info);
  std::vector<double> work(static_cast<std::size_t>(work_size) + 1);
  std::vector<int> iwork(static_cast<std::size_t>(integer_work) + 1);
  const int lwork = as_int(work.size()), liwork = as_int(iwork.size());
  dsyevd_("V", "U", &n, out.vectors.values.data(), &n, out.values.data(), work.data(), &lwork, iwork.data(), &liwork,
          &info);
  if (info != 0)
    return fail(ErrorCode::invalid_data, "the covariance matrix has no eigen-decomposition (values too large?)");
  // Fortran's column i is our row i; LAPACK sorts ascending.
  std::reverse(out.values.begin(), out.values.end());
  for (std::size_t top = 0, bottom = symmetric.rows; top + 1 < bottom--; ++top)
    std::swap_ranges(out.vectors.row(top), out.vectors.row(top) + n, out.vectors.row(bottom));
  for (std::size_t i = 0; i < out.vectors.rows; ++i) {
    double* row = out.vectors.row(i);
    const double* largest =
        std::max_element(row, row + n, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
    if (*largest < 0) std::transform(row, row + n, row, [](double value) { return -value; });
  }
  return out;
}

Result<Matrix<double>> invert_definite(const Matrix<double>& definite) {
  Matrix<double> out = definite;
  const int n = as_int(out.rows);
  int info = 0;
  if (n == 0) return out;
  const auto lock = lock_blas();
  dpotrf_("U", &n, out.values.data(), &n, &info);
  if (info == 0) dpotri_("U", &n, out.values.data(), &n, &info);
  if (info != 0) return fail(ErrorCode::invalid_data, "a matrix that must be positive definite is not");
  // Fortran's upper triangle is our lower one.
  for (std::size_t i = 0; i < out.rows; ++i)
    for (std::size_t j = i + 1; j < out.cols; ++j) out(i, j) = out(j, i);
  return out;
}

Matrix<double> random_orthogonal(std::size_t n, std::uint64_t seed) {
  Matrix<double> out(n, n);
  base::Random random(seed);
  for (double& value : out.values) value = random.normal();
  if (n == 0) return out;
  const int size = as_int(n);
  int info = 0, minus_one = -1;
  double work_size = 0;
  std::vector<double> tau(n);
  const auto lock = lock_blas();
  dgeqrf_(&size, &size, out.values.data(), &size, tau.data(), &work_size, &minus_one, &info);
  std::vector<double> work(std::max<std::size_t>(static_cast<std::size_t>(work_size), n * 64));
  const int lwork = as_int(work.size());
  dgeqrf_(&size, &size, out.values.data(), &size, tau.data(), work.data(), &lwork, &info);
  std::vector<bool> flip(n);
  for (std::size_t i = 0; i < n; ++i) flip[i] = out(i, i) < 0;
  dorgqr_(&size, &size, &size, out.values.data(), &size, tau.data(), work.data(), &lwork, &info);
  for (std::size_t i = 0; i < n; ++i)
    if (flip[i]) std::transform(out.row(i), out.row(i) + n, out.row(i), [](double value) { return -value; });
  return out;
}

}  // namespace attar::math
