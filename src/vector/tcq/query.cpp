#include "vector/tcq/query.h"

#include <algorithm>
#include <cmath>

#include "simd/clones.h"
#include "simd/int8_rounding.h"

namespace attar::vector::tcq {
namespace {

// Products with any integer sum, and the sums of these, stay in a float's range.
constexpr float largest_factor = 0x1p89f;

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
    const simd::Int8Scale scale = simd::round_int8(own, out);
    const std::size_t at = query * max_runs + r;
    inverses_[at] = scale.factor;
    conclude(at, run, scale.unit, {out, own.size()});
  }
}

void RoundedQueries::round_rest(std::size_t query, std::span<const float> components, const RoundedQueries& coarse) {
  for (std::size_t r = 0; r < shape_.run_count; ++r) {
    const Run& run = shape_.runs[r];
    const auto own = components.subspan(run.first, run.components());
    const std::size_t at = query * max_runs + r;
    std::int8_t* out = values(query, r);
    simd::round_int8_rest(own, coarse.inverses_[at], coarse.values(query, r).data(), out);
    conclude(at, run, coarse.units_[at] / simd::finer_int8, {out, own.size()});
  }
}

void RoundedQueries::conclude(std::size_t at, const Run& run, float unit,
                              std::span<const std::int8_t> values) noexcept {
  units_[at] = unit;
  factors_[at] = std::clamp(unit * run.step, -largest_factor, largest_factor);
  sums_[at] = simd::sum_int8(values);
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
