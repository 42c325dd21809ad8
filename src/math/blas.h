// Float products by OpenBLAS, with the kernels of our own instruction-set level.
#pragma once

#include <cstddef>
#include <string_view>

namespace attar::math {

/// The name of the kernel set in use, such as "SkylakeX" or "Haswell"; for doctor and bench reports.
///
/// Debian's OpenBLAS 0.3.21 looks the processor up by model number, and falls back to SSE3 kernels ("Prescott", a fifth
/// of the speed) on those that are newer than itself: OpenBLAS issue 4267. So a program that links this file has
/// OpenBLAS choose again before main(), by simd::active_level(); this also makes float products the same on all
/// machines of one level. The environment variable OPENBLAS_CORETYPE, when set, is left to decide.
[[nodiscard]] std::string_view blas_kernels() noexcept;

/// out[i · stride + j] = ⟨a_i, b_j⟩, or that added to what `out` holds. a: n × dims, b: m × dims, out: n rows of m
/// values, `stride` ≥ m apart; each size below 2³¹. Serial; for use inside a pool's task.
void inner_products(const float* a, std::size_t n, const float* b, std::size_t m, std::size_t dims, float* out,
                    std::size_t stride, bool add = false) noexcept;

}  // namespace attar::math
