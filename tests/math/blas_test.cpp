#include "math/blas.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "base/threads.h"
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

TEST(Blas, TheLockLetsOneThreadInAtATime) {
  base::ThreadPool pool(4);
  std::atomic<int> inside = 0;
  std::atomic<int> together = 0;
  pool.run(2000, [&](std::size_t, unsigned) {
    const auto lock = lock_blas();
    if (++inside != 1) ++together;
    --inside;
  });
  EXPECT_EQ(together, 0);
}

}  // namespace
}  // namespace attar::math
