# What every target of the project is compiled with.
set(ATTAR_SHADOW -Wshadow)
if(CMAKE_UNITY_BUILD)
  # In a batch a local name may be that of another file's own; files compiled alone (lint, debug) are held to all of it.
  set(ATTAR_SHADOW $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
endif()
add_library(attar_options INTERFACE)
target_compile_options(attar_options INTERFACE
  -Wall -Wextra -Wpedantic ${ATTAR_SHADOW} -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  # Scores must be the same on every machine: no contraction of a·b + c into one rounding.
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overflows and reads past the end in the growth of std::vector<std::byte> that are not there (GCC bugs
  # 105329, 107852), and overlaps in std::string that are not there (GCC bug 105651).
  target_compile_options(attar_options INTERFACE -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC tidies up its memory from 128 MB on; a file takes some 400 at most, so that tidying takes time and frees little.
  target_compile_options(attar_options INTERFACE "SHELL:--param ggc-min-heapsize=400000")
endif()
if(ATTAR_WERROR)
  target_compile_options(attar_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 shows std::expected to clang only with the later value of this macro. Undefined first, for clang-tidy
  # takes a redefinition for an error.
  target_compile_options(attar_options INTERFACE "SHELL:-U__cpp_concepts -D__cpp_concepts=202002L")
endif()
if(ATTAR_SANITIZE)
  target_compile_options(attar_options INTERFACE -fsanitize=${ATTAR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(ATTAR_SANITIZE MATCHES address)
    # A null pointer that is used ends in the address sanitizer's report anyway; checking each one apart takes a tenth
    # of the time to compile.
    target_compile_options(attar_options INTERFACE -fno-sanitize=null)
  endif()
  target_link_options(attar_options INTERFACE -fsanitize=${ATTAR_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 loses track of values between the sanitizers' checks and warns of the standard library's own code.
    target_compile_options(attar_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(ATTAR_BUILD_FUZZ)
  # The library itself must report its branches, or the fuzzer searches blindly.
  target_compile_options(attar_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Headers that most files see are compiled once, ahead: a quarter of the time to build is in them. Every file still includes
# what it uses: the presets for sanitizers and lint build without, and would find out.
function(attar_precompile target)
  target_precompile_headers(${target} PRIVATE <fmt/format.h> <algorithm> <array> <cmath> <cstdint> <filesystem> <functional>
    <limits> <memory> <mutex> <numeric> <optional> <span> <string> <string_view> <unordered_map> <utility> <vector> ${ARGN})
endfunction()

# Command and tests: compiling them takes longer than running them, most of all between the sanitizers' checks. All that
# takes time to run is the library's, which is optimized in every preset but debug.
add_library(attar_compiles_fast INTERFACE)
if(ATTAR_SANITIZE)
  target_compile_options(attar_compiles_fast INTERFACE -O0)
else()
  target_compile_options(attar_compiles_fast INTERFACE $<$<CONFIG:Release>:-O1>)
endif()
