// Inner products of every row of one block with every row of another, in float: the sieve of exact search, and any A·Bᵀ
// that runs inside a pool (Debian's serial OpenBLAS must not be called from two threads at once).
#pragma once

#include <cstddef>

#include "simd/isa.h"

namespace attar::simd {

/// The sizes and places of one product. a: n × dims, b: m × dims, both dense and row-major; out: n rows of m values,
/// `stride` ≥ m values apart. With `add`, the products are added to what `out` holds.
struct InnerProducts {
  const float* a = nullptr;
  std::size_t n = 0;
  const float* b = nullptr;
  std::size_t m = 0;
  std::size_t dims = 0;
  float* out = nullptr;
  std::size_t stride = 0;
  bool add = false;
};

/// out[i · stride + j] = ⟨a_i, b_j⟩ (+ out). Each value errs by at most (dims + 1) · 2⁻²⁴ / (1 − …) times Σ|a_il ·
/// b_jl| (and |out|), as any order of summing does; its bits depend on the level but not on n, m or its place among
/// them. Thread-safe.
void inner_products(const InnerProducts& task, Level level = active_level()) noexcept;

namespace detail {
void inner_products_scalar(const InnerProducts& task) noexcept;
void inner_products_avx2(const InnerProducts& task) noexcept;    // needs AVX2 and FMA
void inner_products_avx512(const InnerProducts& task) noexcept;  // needs AVX-512 F, DQ
}  // namespace detail

}  // namespace attar::simd
