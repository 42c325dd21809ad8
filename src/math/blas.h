// OpenBLAS as Debian builds it, made fast and safe: which kernels it runs, and the lock that every call of it needs.
#pragma once

#include <mutex>
#include <string_view>

namespace attar::math {

/// Held around every call of BLAS and LAPACK. Debian's serial OpenBLAS (0.3.21) is built without locks: two calls at
/// once can be given one scratch buffer, and then return wrong numbers, silently (OpenBLAS issues 1755 and 2126).
/// Inside a pool use simd::inner_products(), which needs no lock.
[[nodiscard]] std::unique_lock<std::mutex> lock_blas();

/// The name of the kernel set in use, such as "SkylakeX" or "Haswell"; for doctor and bench reports.
///
/// This OpenBLAS looks the processor up by model number, and falls back to SSE3 kernels ("Prescott", a fifth of the
/// speed) on those that are newer than itself (issue 4267). So a program that links this file has OpenBLAS choose again
/// before main(), by simd::active_level(); this also makes products the same on all machines of one level. The
/// environment variable OPENBLAS_CORETYPE, when set, is left to decide.
[[nodiscard]] std::string_view blas_kernels() noexcept;

}  // namespace attar::math
