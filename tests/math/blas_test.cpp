#include "math/blas.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "simd/isa.h"

namespace attar::math {
namespace {

TEST(Blas, KernelsFollowTheInstructionSetLevel) {
#if defined(__x86_64__)
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) GTEST_SKIP() << "OPENBLAS_CORETYPE chooses the kernels";
  const auto level = simd::active_level();
  EXPECT_EQ(blas_kernels(), level >= simd::Level::avx512 ? "SkylakeX"
                            : level == simd::Level::avx2 ? "Haswell"
                                                         : "Prescott");
#else
  GTEST_SKIP() << "only x86-64 has levels to choose between";
#endif
}

TEST(Blas, ProductsAreRightAfterTheChoice) {
  ASSERT_FALSE(blas_kernels().empty());
  constexpr std::size_t n = 70, m = 33, d = 51, stride = 40;
  std::vector<float> a(n * d), b(m * d), c(n * stride, 1);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) - 3;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 5) - 2;
  inner_products(a.data(), n, b.data(), m, d, c.data(), stride);
  inner_products(a.data(), n, b.data(), m, d, c.data(), stride, true);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < stride; ++j) {
      float sum = 0;  // small whole numbers: exact in any order
      for (std::size_t l = 0; l < d && j < m; ++l) sum += a[i * d + l] * b[j * d + l];
      ASSERT_EQ(c[i * stride + j], j < m ? 2 * sum : 1) << "added once, and nothing written between the rows";
    }
}

}  // namespace
}  // namespace attar::math
