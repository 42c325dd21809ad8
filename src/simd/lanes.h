// A few reductions over floats that compilers do not vectorize by themselves.
#pragma once

#include <cstddef>

namespace attar::simd {

inline constexpr std::size_t lanes = 16;

[[nodiscard]] constexpr std::size_t whole_lanes(std::size_t count) noexcept {
  return (count + lanes - 1) / lanes * lanes;
}

using FloatLanes [[gnu::vector_size(lanes * sizeof(float))]] = float;

/// The largest of `count` values, a multiple of `lanes` and at least as many; none is NaN.
[[nodiscard]] float largest_of(const float* values, std::size_t count) noexcept;

}  // namespace attar::simd
