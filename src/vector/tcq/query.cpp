#include "vector/tcq/query.h"

#include <algorithm>
#include <cmath>

namespace attar::vector::tcq {
namespace {

// Products with any integer sum, and the sums of these, stay in a float's range.
constexpr float largest_factor = 0x1p89f;

constexpr float largest_value = 127;
// What is left after rounding is at most one half.
constexpr float finer = 2 * largest_value;

std::int8_t rounded(float value) noexcept { return static_cast<std::int8_t>(std::clamp(std::lrint(value), -127L, 127L)); }

}  // namespace

RoundedQueries::RoundedQueries(const Shape& shape, std::size_t count)
    : shape_(shape),
      stride_(shape.values()),
      values_(count * stride_),
      units_(count * max_runs),
      inverses_(count * max_runs),
      factors_(count * max_runs),
      sums_(count * max_runs) {}

void RoundedQueries::round(std::size_t query, std::span<const float> components) {
  for (std::size_t r = 0; r < shape_.run_count; ++r) {
    const Run& run = shape_.runs[r];
    const auto own = components.subspan(run.first, run.components());
    std::int8_t* out = values(query, r);
    float largest = 0;
    for (const float y : own) largest = std::max(largest, std::fabs(y));
    // An inverse that overflows means components too small to matter: they stay zero.
    float inverse = largest > 0 ? largest_value / largest : 0.0f;
    if (!std::isfinite(inverse)) inverse = 0;
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < own.size(); ++j) {
      out[j] = rounded(own[j] * inverse);
      sum += out[j];
    }
    const std::size_t at = query * max_runs + r;
    units_[at] = largest / largest_value;
    inverses_[at] = inverse;
    factors_[at] = std::clamp(units_[at] * run.step, -largest_factor, largest_factor);
    sums_[at] = sum;
  }
}

void RoundedQueries::round_rest(std::size_t query, std::span<const float> components, const RoundedQueries& coarse) {
  for (std::size_t r = 0; r < shape_.run_count; ++r) {
    const Run& run = shape_.runs[r];
    const auto own = components.subspan(run.first, run.components());
    const std::size_t at = query * max_runs + r;
    const auto known = coarse.values(query, r);
    std::int8_t* out = values(query, r);
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < own.size(); ++j) {
      out[j] = rounded((own[j] * coarse.inverses_[at] - static_cast<float>(known[j])) * finer);
      sum += out[j];
    }
    units_[at] = coarse.units_[at] / finer;
    factors_[at] = std::clamp(units_[at] * run.step, -largest_factor, largest_factor);
    sums_[at] = sum;
  }
}

double RoundedQueries::energy(std::size_t query, std::size_t run) const noexcept {
  std::int64_t squares = 0;
  for (const std::int8_t value : values(query, run)) squares += value * value;
  const auto unit = static_cast<double>(units_[query * max_runs + run]);
  return static_cast<double>(squares) * unit * unit;
}

double RoundedQueries::noise(std::size_t query) const noexcept {
  double out = 0;
  for (std::size_t r = 0; r < shape_.run_count; ++r) {
    // A rounded value is off by a twelfth of its unit's square on average.
    const double unit = static_cast<double>(units_[query * max_runs + r]) * deviation_of(shape_.runs[r], shape_.trellis);
    out += shape_.runs[r].components() * unit * unit / 12;
  }
  return out;
}

}  // namespace attar::vector::tcq
