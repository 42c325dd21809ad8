#include "index/centroid_scores.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "math/vector_ops.h"
#include "simd/clones.h"
#include "simd/int8_products.h"
#include "simd/int8_rounding.h"
#include "simd/lanes.h"

namespace attar::index {
namespace {

// The best row of a list scores this many widths above its centroid: 3 to 6 served four sets of 100 to 384 dimensions
// alike.
constexpr float promised_widths = 4;
constexpr double billionth = 1e-9;
using simd::lanes;
using simd::largest_of;
using Floats = simd::FloatLanes;
// Lists that are expected to hold this many times what makes one worth a look are scanned first.
constexpr float most_promising = 8;
// Products with all centroids are kept of so many queries at a time, rather than of a whole batch.
constexpr std::size_t most_products = std::size_t{1} << 20, fewest_queries = 16;

using Whole [[gnu::vector_size(lanes * sizeof(std::int32_t))]] = std::int32_t;

// 2^x for −126 ≤ x ≤ 0, within 2⁻¹⁵ of it, and the same bits everywhere, which the standard library's is not.
[[gnu::always_inline]] inline void raise_two(Floats& x) noexcept {
  const Whole whole = __builtin_convertvector(x, Whole);  // towards zero
  const Floats f = x - __builtin_convertvector(whole, Floats);
  Floats out = f * 0.00015403530f + 0.00133335581f;  // Taylor's coefficients, (ln 2)^n / n!
  out = out * f + 0.00961812911f;
  out = out * f + 0.05550410866f;
  out = out * f + 0.24022650696f;
  out = out * f + 0.69314718056f;
  out = out * f + 1.0f;
  const Whole bits = (whole + 127) << 23;
  Floats scale;
  std::memcpy(&scale, &bits, sizeof(scale));
  x = out * scale;
}

// All arrays hold whole lanes. Promises become weights, 2^((promise − best) · slope); returns their sum, added in a
// fixed order.
ATTAR_VECTOR_CLONES float weigh(float* promises, std::size_t count, float best, float slope) noexcept {
  const Floats lowest = Floats{} - 126.0f;
  Floats sums = {};
  for (std::size_t i = 0; i < count; i += lanes) {
    Floats x;
    std::memcpy(&x, promises + i, sizeof(x));
    x = (x - best) * slope;
    x = x > lowest ? x : lowest;
    raise_two(x);
    sums += x;
    std::memcpy(promises + i, &x, sizeof(x));
  }
  float out = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) out += sums[lane];
  return out;
}

}  // namespace

void CentroidScores::score(codec::QueryBatch queries) {
  queries_ = queries;
  coarse_.resize(queries.values.size());
  rest_.resize(queries.values.size());
  query_sums_.resize(queries.size());
  rest_sums_.resize(queries.size());
  units_.resize(queries.size());
  multiplied_ = {};
  for (std::size_t q = 0; q < queries.size(); ++q) round(q, queries.query(q));
}

std::span<const std::int32_t> CentroidScores::coarse_products(std::size_t query) {
  const std::size_t count = lists_.count();
  if (query < multiplied_.first || query >= multiplied_.last) {
    const std::size_t room = std::max(most_products / count, fewest_queries);
    multiplied_ = {query, std::min(query + room, queries_.size())};
    products_.resize(multiplied_.size() * count);
    lists_.entries().multiply(0, count, coarse_.data() + query * queries_.dims,
                              std::span(query_sums_).subspan(query, multiplied_.size()), products_.data());
  }
  return std::span<const std::int32_t>(products_).subspan((query - multiplied_.first) * count, count);
}

void CentroidScores::round(std::size_t query, std::span<const float> values) {
  std::int8_t* coarse = coarse_.data() + query * values.size();
  std::int8_t* rest = rest_.data() + query * values.size();
  const simd::Int8Scale scale = simd::round_int8(values, coarse);
  simd::round_int8_rest(values, scale.factor, coarse, rest);
  query_sums_[query] = simd::sum_int8({coarse, values.size()});
  rest_sums_[query] = simd::sum_int8({rest, values.size()});
  units_[query] = scale.unit;
}

float CentroidScores::promise(std::size_t query, std::span<float> out) {
  const std::vector<float>& steps = lists_.centroids().steps;
  const std::vector<float>& spreads = lists_.centroids().spreads;
  const std::span<const std::int32_t> sums = coarse_products(query);
  const float unit = units_[query];
  const double squared_norm = math::squared_norm(queries_.query(query));
  const float root = std::sqrt(static_cast<float>(lists_.dims()));
  if (metric_ != Metric::l2) {
    const auto length = static_cast<float>(std::sqrt(squared_norm));
    const float best = promised_widths * length / root;
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = (unit * steps[i]) * static_cast<float>(sums[i]) + best * spreads[i];
    return length * lists_.spread();
  }
  // Of 2⟨q, x⟩ − ‖x‖² = ‖q‖² − ‖q − x‖²; a row's distance from the query varies by its centroid's.
  const std::span<const float> norms = lists_.squared_norms();
  float nearest = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float product = 2.0f * ((unit * steps[i]) * static_cast<float>(sums[i]));
    const float distance = std::sqrt(std::max(0.0f, (static_cast<float>(squared_norm) - product) + norms[i]));
    nearest = std::min(nearest, distance);
    out[i] =
        ((product - norms[i]) - spreads[i] * spreads[i]) + (2.0f * promised_widths / root) * (distance * spreads[i]);
  }
  return 2.0f * nearest * lists_.spread();
}

float CentroidScores::inner(std::size_t query, std::uint32_t list) const noexcept {
  const auto which = static_cast<codec::QueryNumber>(query);
  std::int32_t coarse = 0, rest = 0;
  multiply(list, {&which, 1}, coarse_, query_sums_, &coarse);
  multiply(list, {&which, 1}, rest_, rest_sums_, &rest);
  return product(query, list, coarse, rest);
}

void CentroidScores::inner(std::uint32_t list, std::span<const codec::QueryNumber> which, std::span<float> biases) {
  some_coarse_.resize(which.size());
  some_rests_.resize(which.size());
  multiply(list, which, coarse_, query_sums_, some_coarse_.data());
  multiply(list, which, rest_, rest_sums_, some_rests_.data());
  for (std::size_t i = 0; i < which.size(); ++i)
    biases[which[i]] = product(which[i], list, some_coarse_[i], some_rests_[i]);
}

void CentroidScores::multiply(std::uint32_t list, std::span<const codec::QueryNumber> which,
                              std::span<const std::int8_t> rounded, std::span<const std::int32_t> sums,
                              std::int32_t* out) const noexcept {
  const Centroids& centroids = lists_.centroids();
  simd::int8_products({.rows = centroids.entries.data() + std::size_t{list} * centroids.dims,
                       .count = 1,
                       .queries = rounded.data(),
                       .query_sums = sums.data(),
                       .query_count = which.size(),
                       .which = which.data(),
                       .dims = centroids.dims,
                       .out = out});
}

float CentroidScores::product(std::size_t query, std::uint32_t list, std::int32_t coarse,
                              std::int32_t rest) const noexcept {
  return (units_[query] * lists_.centroids().steps[list]) *
         (static_cast<float>(coarse) + static_cast<float>(rest) / simd::finer_int8);
}

std::vector<float> CentroidScores::promises(std::size_t query) {
  std::vector<float> out(lists_.count());
  promise(query, out);
  return out;
}

Worth CentroidScores::worth(std::size_t query, std::uint32_t probe, const ListFilter* filter) {
  constexpr float log2_e = 1.44269504089f;
  const std::size_t count = lists_.count();
  // What fills the last lanes weighs next to nothing.
  std::vector<float> weights(simd::whole_lanes(count), std::numeric_limits<float>::lowest());
  float width = promise(query, std::span(weights).first(count));
  if (filter != nullptr) {
    width *= filter->widening();
    for (std::uint32_t list = 0; list < count; ++list)
      if (filter->allowed_in(list) == 0) weights[list] = std::numeric_limits<float>::lowest();
  }
  const float best = largest_of(weights.data(), weights.size());
  const float slope = width > 0 ? log2_e / width : 0.0f;
  const float sum = weigh(weights.data(), weights.size(), best, std::isfinite(slope) ? slope : 0.0f);
  const auto least = static_cast<float>(billionth * static_cast<double>(probe)) * sum;
  Worth out;
  for (std::size_t first = 0; first < count; first += lanes) {
    if (largest_of(weights.data() + first, lanes) < least) continue;  // most are
    for (std::size_t list = first; list < std::min(first + lanes, count); ++list)
      if (weights[list] >= least)
        (weights[list] >= most_promising * least ? out.first : out.then).push_back(static_cast<std::uint32_t>(list));
  }
  return out;
}

}  // namespace attar::index
