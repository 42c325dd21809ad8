#include "nn/output_bound.h"

#include <algorithm>
#include <cmath>

namespace attar::nn {
namespace {

constexpr double single_rounding = 0x1p-24;  // relative
// The sums above are doubles that are stored as floats, and chains of roundings grow a little faster than their number.
constexpr double above = 1.01;
// An activation is off by half a step, and by what its own three roundings in single precision add.
constexpr double half_step = 0.5 + 0x1p-13;

float stored(double value) noexcept { return static_cast<float>(above * value); }

}  // namespace

double OutputBound::of(std::span<const float> row) const noexcept {
  double squares = 0, lowest = 0, highest = 0;
  for (const float value : row) {
    squares += double{value} * double{value};
    lowest = std::min(lowest, double{value});
    highest = std::max(highest, double{value});
  }
  return double{by_length} * std::sqrt(squares) + double{by_step} * (highest - lowest) / 255 + double{constant};
}

void WeightError::add(float weight, double kept) noexcept {
  const double left = double{weight} - kept;
  left_ += left * left;
  squares_ += kept * kept;
  sizes_ += std::fabs(kept);
}

OutputBound WeightError::of_floats(std::size_t inputs, float bias) const noexcept {
  const double chain = single_rounding * static_cast<double>(inputs + 1);
  return {.by_length = stored(std::sqrt(left_) + chain * std::sqrt(squares_)),
          .constant = stored(chain * std::fabs(double{bias}))};
}

OutputBound WeightError::of_bytes(std::size_t roundings, float bias) const noexcept {
  return {.by_length = stored(std::sqrt(left_)),
          .by_step = stored(sizes_ * (half_step + 255 * single_rounding * static_cast<double>(roundings))),
          .constant = stored(2 * single_rounding * std::fabs(double{bias}))};
}

}  // namespace attar::nn
