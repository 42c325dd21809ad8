// Weights to four bits: the scale of a group that leaves the least error.
#pragma once

#include <cstdint>

namespace attar::nn {

/// Rounds group_inputs finite weights to codes 0 … 15, weight ≈ scale · (code − 8). Returns the scale as bfloat16: of
/// some that lie around the one that holds the largest weight, the one with the least sum of squared errors, the first
/// of equals. Weights too small for a normal scale become zero.
std::uint16_t round_nibbles(const float* weights, std::uint8_t* codes) noexcept;

}  // namespace attar::nn
