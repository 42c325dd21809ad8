// What happens to rows of activations between products: norms, GELU, softmax, rounding to bytes. Each has one order of
// operations (spec.md), so that every level gives the same bits; the compiler makes the levels (simd/clones.h).
#pragma once

#include <cstdint>
#include <span>

namespace attar::nn {

/// How a row of floats became unsigned bytes: x ≈ unit · (byte − zero).
struct ByteScale {
  float unit = 0;         ///< NaN where the row is not finite, so that products with it are NaN
  std::int32_t zero = 0;  ///< 0 … 255
};

/// The row's bytes, then zero bytes up to out.size() ≥ row.size().
ByteScale round_to_bytes(std::span<const float> row, std::span<std::uint8_t> out) noexcept;

/// row = norm(row + added), the layer norm; all of one size, at least 1.
struct Norm {
  std::span<const float> scale;  ///< γ
  std::span<const float> shift;  ///< β
  float epsilon = 0;
};
void add_and_normalise(std::span<float> row, std::span<const float> added, const Norm& norm) noexcept;

/// Each value x becomes x·Φ(x), within 1e-6 · max(1, |x|).
void gelu(std::span<float> values) noexcept;

/// Each value x of the first `count` becomes exp((x − the largest of them) · factor); those after them, up to a
/// multiple of 16, which must be there, become 0. Returns the sum. count ≥ 1, factor ≥ 0.
float exponentials(float* values, std::size_t count, float factor) noexcept;

}  // namespace attar::nn
