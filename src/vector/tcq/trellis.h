// The encoder of tcq's rings: the Viterbi algorithm over the trellis that overlapping windows make (spec.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// Rows encoded side by side, one to a vector lane.
inline constexpr std::size_t encode_lanes = 16;
/// Components of the largest unit.
inline constexpr std::size_t max_unit = 64;

/// Chooses the bits of one unit for 16 rows so that the sum of squared errors is least (over the closing states tried).
/// values: [width.unit][16], in the unit of `levels` (2^window reconstruction values); windows: [width.unit][16], the
/// component's own b bits above those of the components before it. Widths 1 … 7.
void encode_unit(const Width& width, const float* levels, const float* values, std::uint8_t* windows) noexcept;

/// The rings of 16 rows from their windows, as numbers of which the lowest 8 · ring_bytes bits count: of each window
/// the component's own bits are kept.
void pack_rings(const Width& width, const std::uint8_t* windows, std::uint64_t* rings) noexcept;

}  // namespace attar::vector::tcq
