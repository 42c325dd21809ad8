#include "attar/version.h"

// ATTAR_VERSION, ATTAR_BUILD_TYPE and ATTAR_SANITIZERS come from src/CMakeLists.txt.

#if defined(__clang__)
#define ATTAR_COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define ATTAR_COMPILER "gcc " __VERSION__
#else
#define ATTAR_COMPILER "unknown compiler"
#endif

#if defined(__x86_64__)
#define ATTAR_ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ATTAR_ARCHITECTURE "aarch64"
#else
#define ATTAR_ARCHITECTURE "unknown architecture"
#endif

namespace attar {

std::string_view version() noexcept { return ATTAR_VERSION; }

std::string_view build_description() noexcept {
  if constexpr (sizeof(ATTAR_SANITIZERS) > 1)
    return "attar " ATTAR_VERSION ", " ATTAR_COMPILER ", " ATTAR_ARCHITECTURE ", " ATTAR_BUILD_TYPE
           ", sanitizers " ATTAR_SANITIZERS;
  return "attar " ATTAR_VERSION ", " ATTAR_COMPILER ", " ATTAR_ARCHITECTURE ", " ATTAR_BUILD_TYPE;
}

}  // namespace attar
