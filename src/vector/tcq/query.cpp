#include "vector/tcq/query.h"

#include <algorithm>
#include <cmath>

#include "simd/clones.h"

namespace attar::vector::tcq {
namespace {

// Products with any integer sum, and the sums of these, stay in a float's range.
constexpr float largest_factor = 0x1p89f;

constexpr float largest_value = 127;
// What is left after rounding is at most one half.
constexpr float finer = 2 * largest_value;

// The nearest byte, ties to even: what a number as large as this is added to loses its fraction.
[[gnu::always_inline]] inline std::int8_t rounded(float value) noexcept {
  constexpr float no_fraction = 0x1.8p23f;
  return static_cast<std::int8_t>(std::clamp(value, -largest_value, largest_value) + no_fraction - no_fraction);
}

// out[j] = values[j] · factor as a byte.
ATTAR_VECTOR_CLONES void round_values(const float* values, float factor, std::size_t count, std::int8_t* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] = rounded(values[j] * factor);
}

// out[j] = what is left of values[j] · factor after known[j], in finer steps, as a byte.
ATTAR_VECTOR_CLONES void round_rests(const float* values, float factor, const std::int8_t* known, std::size_t count,
                                     std::int8_t* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] = rounded((values[j] * factor - static_cast<float>(known[j])) * finer);
}

ATTAR_VECTOR_CLONES std::int32_t sum_of(const std::int8_t* values, std::size_t count) noexcept {
  std::int32_t out = 0;
  for (std::size_t j = 0; j < count; ++j) out += values[j];
  return out;
}

ATTAR_VECTOR_CLONES std::int32_t squares_of(const std::int8_t* values, std::size_t count) noexcept {
  std::int32_t out = 0;
  for (std::size_t j = 0; j < count; ++j) out += values[j] * values[j];
  return out;
}

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
    round_values(own.data(), inverse, own.size(), out);
    const std::size_t at = query * max_runs + r;
    inverses_[at] = inverse;
    conclude(at, run, largest / largest_value, {out, own.size()});
  }
}

void RoundedQueries::round_rest(std::size_t query, std::span<const float> components, const RoundedQueries& coarse) {
  for (std::size_t r = 0; r < shape_.run_count; ++r) {
    const Run& run = shape_.runs[r];
    const auto own = components.subspan(run.first, run.components());
    const std::size_t at = query * max_runs + r;
    std::int8_t* out = values(query, r);
    round_rests(own.data(), coarse.inverses_[at], coarse.values(query, r).data(), own.size(), out);
    conclude(at, run, coarse.units_[at] / finer, {out, own.size()});
  }
}

void RoundedQueries::conclude(std::size_t at, const Run& run, float unit,
                              std::span<const std::int8_t> values) noexcept {
  units_[at] = unit;
  factors_[at] = std::clamp(unit * run.step, -largest_factor, largest_factor);
  sums_[at] = sum_of(values.data(), values.size());
}

double RoundedQueries::energy(std::size_t query, std::size_t run) const noexcept {
  const auto own = values(query, run);
  const auto unit = static_cast<double>(units_[query * max_runs + run]);
  return static_cast<double>(squares_of(own.data(), own.size())) * unit * unit;
}

double RoundedQueries::noise(std::size_t query) const noexcept {
  double out = 0;
  for (std::size_t r = 0; r < shape_.run_count; ++r) {
    // A rounded value is off by a twelfth of its unit's square on average.
    const double unit =
        static_cast<double>(units_[query * max_runs + r]) * deviation_of(shape_.runs[r], shape_.trellis);
    out += shape_.runs[r].components() * unit * unit / 12;
  }
  return out;
}

}  // namespace attar::vector::tcq
