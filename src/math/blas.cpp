#include "math/blas.h"

#include <cblas.h>

#include <cstdlib>

#include "simd/isa.h"

// Exported by OpenBLAS, declared in none of its headers. Weak, for a build of it for one
// processor alone lacks them.
extern "C" {
__attribute__((weak)) void gotoblas_dynamic_init(void);
__attribute__((weak)) void gotoblas_dynamic_quit(void);
}

namespace attar::math {
namespace {

#if defined(__x86_64__)
const char* kernels_of(simd::Level level) noexcept {
  if (level >= simd::Level::avx512) return "SkylakeX";
  return level == simd::Level::avx2 ? "Haswell" : "Prescott";
}

/// Runs before main(), while there is one thread: OpenBLAS takes the name from the environment, and must not be in use.
bool choose_kernels() noexcept {
  if (gotoblas_dynamic_init == nullptr || gotoblas_dynamic_quit == nullptr) return false;
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) return false;
  const simd::Level level = simd::active_level();
  __builtin_cpu_init();
  if (level == simd::Level::avx2 && __builtin_cpu_supports("fma") == 0) return false;
  if (setenv("OPENBLAS_CORETYPE", kernels_of(level), 0) != 0) return false;
  gotoblas_dynamic_quit();  // forgets the choice, so that init makes it anew
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");  // not for the programs that this one may start
  return true;
}

[[maybe_unused]] const bool chosen = choose_kernels();
#endif

}  // namespace

std::string_view blas_kernels() noexcept { return openblas_get_corename(); }

std::unique_lock<std::mutex> lock_blas() {
  static std::mutex mutex;
  return std::unique_lock(mutex);
}

}  // namespace attar::math
