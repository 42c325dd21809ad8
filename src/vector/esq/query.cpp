#include "vector/esq/query.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "simd/clones.h"
#include "simd/int8_rounding.h"

namespace attar::vector::esq {
namespace {

constexpr float largest_component = 0x1p96f;
constexpr double largest_factor = 0x1p96;  // its product with any sum is finite
constexpr int most_shift = 7;

ATTAR_VECTOR_CLONES void keep_in_range(float* values, std::size_t count) noexcept {
  for (std::size_t j = 0; j < count; ++j) {
    float y = values[j] == values[j] ? values[j] : 0.0f;
    y = y > largest_component ? largest_component : y;
    values[j] = y < -largest_component ? -largest_component : y;
  }
}

// The largest size, of numbers: their patterns without signs are in the same order.
ATTAR_VECTOR_CLONES std::uint32_t largest_pattern(const float* values, std::size_t count) noexcept {
  std::uint32_t out = 0;
  for (std::size_t j = 0; j < count; ++j) {
    const std::uint32_t pattern = std::bit_cast<std::uint32_t>(values[j]) & 0x7fff'ffffu;
    out = pattern > out ? pattern : out;
  }
  return out;
}

float largest_of(std::span<const float> values) noexcept {
  return std::bit_cast<float>(largest_pattern(values.data(), values.size()));
}

ATTAR_VECTOR_CLONES void round_values(const float* values, float factor, float power, float limit, std::size_t count,
                                      std::int16_t* out) noexcept {
  constexpr float no_fraction = 0x1.8p23f;
  for (std::size_t j = 0; j < count; ++j) {
    float value = values[j] * factor * power;
    value = value > limit ? limit : value;
    value = value < -limit ? -limit : value;
    out[j] = static_cast<std::int16_t>(value + no_fraction - no_fraction);
  }
}

// What numbers up to `largest` are multiplied with to come up to `top`; 0 where that is no finite number.
float factor_for(float top, float largest) noexcept {
  const float factor = largest > 0 ? top / largest : 0.0f;
  return std::isfinite(factor) ? factor : 0.0f;
}

float to_factor(double value) noexcept {
  return static_cast<float>(std::clamp(value, -largest_factor, largest_factor));
}

}  // namespace

RoundedQuery::RoundedQuery(const EsqModel& model, PreparedQuery query)
    : base(to_finite_float(query.base)), finish(model.shape().groups.size() * largest_group) {
  const Shape& shape = model.shape();
  query.components.resize(shape.components);
  keep_in_range(query.components.data(), query.components.size());
  query.components.resize(4 * base::ceil_div(shape.components, 4));  // padding
  const double scale = query.scale * static_cast<double>(model.component_unit());
  round_walk(shape, query.components, scale);
  round_finish(shape, query.components, scale, model.finish_range());
}

void RoundedQuery::round_walk(const Shape& shape, std::span<const float> components, double scale) {
  walk.loads = base::ceil_div(shape.walk_codes, WalkQuery::load_bytes);
  const float largest = largest_of(components.first(4 * shape.walk_codes));
  const float factor = factor_for(simd::largest_int8, largest);
  for (const Group& group : std::span(shape.groups).first(shape.walked)) {
    const auto own = components.subspan(group.first, group.components());
    const float size = largest_of(own);
    int shift = 0;
    while (shift < most_shift && std::ldexp(size, shift + 1) <= largest) ++shift;
    std::array<std::int16_t, largest_group> values;
    round_values(own.data(), factor, static_cast<float>(1 << shift), simd::largest_int8, own.size(), values.data());
    std::int32_t sum = 0;
    for (std::size_t t = 0, j = 0; t < 4; ++t)
      for (std::size_t i = 0; i < group.quarter; ++i, ++j) {
        walk.values[WalkQuery::value_place(group.place, t) + i] = static_cast<std::int8_t>(values[j]);
        sum += values[j];
      }
    const int weight = 1 << (most_shift - shift);
    std::fill_n(walk.weights.begin() + group.place / 2, largest_quarter / 2, static_cast<std::int16_t>(weight));
    walk.constant -= 3 * weight * sum;
  }
  const double step = factor > 0 ? static_cast<double>(largest) / static_cast<double>(simd::largest_int8) : 0;
  walk_factor = to_factor(step * scale / 256);
}

void RoundedQuery::round_finish(const Shape& shape, std::span<const float> components, double scale,
                                std::int32_t range) {
  const float largest = largest_of(components);
  const float factor = factor_for(static_cast<float>(range), largest);
  std::int16_t* out = finish.data();
  for (const Group& group : shape.groups) {
    const auto own = components.subspan(group.first, group.components());
    std::array<std::int16_t, largest_group> values;
    round_values(own.data(), factor, 1.0f, static_cast<float>(range), own.size(), values.data());
    for (std::size_t t = 0, j = 0; t < 4; ++t)
      for (std::size_t i = 0; i < group.quarter; ++i, ++j) out[finish_place(t, i)] = values[j];
    out += largest_group;
  }
  const double step = factor > 0 ? static_cast<double>(largest) / range : 0;
  finish_factor = to_factor(step * scale / unit);
}

}  // namespace attar::vector::esq
