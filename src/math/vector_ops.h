// Exact-as-possible operations on float vectors: sums in double, in one written order, so that every caller and every
// machine gets the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace attar::math {

/// ⟨a, b⟩ of two vectors of one length. Products of floats are exact in double; eight running sums are added in a fixed
/// tree.
[[nodiscard]] double dot(std::span<const float> a, std::span<const float> b) noexcept;

/// ‖a − b‖² of two vectors of one length, summed as in dot().
[[nodiscard]] double squared_distance(std::span<const float> a, std::span<const float> b) noexcept;

/// ‖a‖² = dot(a, a).
[[nodiscard]] inline double squared_norm(std::span<const float> a) noexcept { return dot(a, a); }

/// Divides each row by its Euclidean norm: float(x / √⟨x, x⟩), the quotient taken in double. This is the one
/// normalisation of Attar: what is coded, searched and graded under cosine has been through it. `values` is rows ×
/// dims, dims > 0. Returns the first row whose norm is zero, NaN or infinite; such rows stay as they are.
[[nodiscard]] std::optional<std::size_t> normalise_rows(std::span<float> values, std::uint32_t dims) noexcept;

}  // namespace attar::math
