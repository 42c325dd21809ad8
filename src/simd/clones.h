// One plain loop, compiled for each instruction set and chosen when the library is loaded. Without contraction of
// a·b + c all versions round alike. Sanitizers intercept the chooser, so they get the default version alone.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ATTAR_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define ATTAR_VECTOR_CLONES
#endif
