#include "index/graph/row_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/checked.h"
#include "index/graph/waves.h"
#include "math/vector_ops.h"
#include "simd/clones.h"
#include "simd/int8_products.h"
#include "simd/int8_rounding.h"

namespace attar::index::graph {
namespace {

// Rows that centre and step are found on, and the values of these.
constexpr std::uint64_t most_sample_rows = 4'096, fewest_sample_rows = 64, sample_values = 4u << 20;
constexpr std::uint64_t piece_bytes = 1u << 20;
constexpr std::size_t most_width = std::size_t{1} << 16;
// Whole registers of every instruction set, so that kernels meet no rest.
constexpr std::size_t width_unit = 32;
constexpr double largest_norm = 1e18;
// Ranges that are tried, each 1/√2 of the one before: the first holds the largest component of the sample.
constexpr int ranges = 12;

// From products in place.
ATTAR_VECTOR_CLONES void products_to_distances(std::uint32_t norm, const std::uint32_t* norms, std::size_t count,
                                               std::uint32_t* values) noexcept {
  for (std::size_t i = 0; i < count; ++i) values[i] = norm + norms[i] - 2 * values[i];
}

ATTAR_VECTOR_CLONES void round_row(const float* values, const float* centre, float factor, std::size_t count,
                                   std::int8_t* out) noexcept {
  constexpr float no_fraction = 0x1.8p23f;
  for (std::size_t j = 0; j < count; ++j) {
    const float steps = std::clamp((values[j] - centre[j]) * factor, -simd::largest_int8, simd::largest_int8);
    out[j] = static_cast<std::int8_t>(steps + no_fraction - no_fraction);
  }
}

ATTAR_VECTOR_CLONES std::uint32_t norm_of(const std::int8_t* values, std::size_t count) noexcept {
  std::int32_t out = 0;
  for (std::size_t j = 0; j < count; ++j) out += values[j] * values[j];
  return static_cast<std::uint32_t>(out);
}

// Prepares rows [first, …) of the base in place.
Status read_rows(const data::VectorSource& base, Metric metric, std::uint64_t first, std::span<float> out) {
  ATTAR_TRY(base.read(first, out));
  const std::uint32_t dims = base.dims();
  for (std::size_t i = 0; i < out.size() / dims; ++i) {
    const auto row = out.subspan(i * dims, dims);
    const double norm = std::sqrt(math::squared_norm(row));
    if (!(norm <= largest_norm) || (metric == Metric::cosine && math::normalise_rows(row, dims)))
      return fail(ErrorCode::invalid_data,
                  fmt::format("{}: row {} has norm {}, which no graph can be built of; leave the row out", base.name(),
                              first + i, norm));
  }
  return {};
}

// take(first, rows, worker) for stretches of all rows, on the pool; the error of the first stretch that has one.
template <class Take>
Status in_pieces(const data::VectorSource& base, Metric metric, base::ThreadPool& pool, base::Progress& progress,
                 const Take& take) {
  const std::uint64_t step = std::max<std::uint64_t>(1, piece_bytes / (std::uint64_t{base.dims()} * sizeof(float)));
  const std::size_t pieces = base::ceil_div(base.rows(), step);
  std::vector<std::vector<float>> buffers(pool.size());
  std::vector<Status> results(pieces);
  progress.stage("reading rows", pieces);
  ATTAR_TRY(in_waves(pieces, pool, progress, [&](std::size_t piece, unsigned worker) {
    const std::uint64_t first = piece * step, rows = std::min(step, base.rows() - first);
    buffers[worker].resize(rows * base.dims());
    results[piece] = read_rows(base, metric, first, buffers[worker]);
    if (results[piece]) take(first, std::span<const float>(buffers[worker]), worker);
  }));
  for (Status& result : results) ATTAR_TRY(std::move(result));
  return {};
}

// How rows become bytes.
struct Rounding {
  std::vector<float> centre;
  float factor = 0;
  double squared_reach = 0;  // M² under inner product, else negative: there is no component of its own
  double centre_of_lift = 0;
  std::size_t lifts = 0;  // equal parts of the component √(M² − ‖x‖²), so that each fits a byte as the others do

  [[nodiscard]] double lift(std::span<const float> row) const noexcept {
    return std::sqrt(std::max(0.0, squared_reach - math::squared_norm(row)));
  }

  [[nodiscard]] std::int8_t part_of_lift(std::span<const float> row) const noexcept {
    const double part = (lift(row) - centre_of_lift) / std::sqrt(static_cast<double>(lifts));
    const double steps =
        std::clamp(part * static_cast<double>(factor), -double{simd::largest_int8}, double{simd::largest_int8});
    return static_cast<std::int8_t>(std::lround(steps));
  }
};

std::vector<float> mean_row(std::span<const float> rows, std::size_t dims) {
  std::vector<double> sums(dims);
  for (std::size_t i = 0; i < rows.size(); i += dims)
    for (std::size_t j = 0; j < dims; ++j) sums[j] += static_cast<double>(rows[i + j]);
  std::vector<float> out(dims);
  for (std::size_t j = 0; j < dims; ++j)
    out[j] = static_cast<float>(sums[j] * static_cast<double>(dims) / static_cast<double>(rows.size()));
  return out;
}

// Σ of the squared errors of rounding and clamping to ±range.
double rounding_error(std::span<const float> values, float range) noexcept {
  const float factor = simd::largest_int8 / range;
  double out = 0;
  for (const float value : values) {
    const float steps = std::clamp(value * factor, -simd::largest_int8, simd::largest_int8);
    const double error = static_cast<double>(value - std::nearbyint(steps) / factor);
    out += error * error;
  }
  return out;
}

// The range with the least error on `values`.
float best_range(std::span<const float> values) noexcept {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  float best = largest, range = largest;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < ranges && range > std::numeric_limits<float>::min(); ++i, range *= 0.70710678f)
    if (const double error = rounding_error(values, range); error < least) {
      least = error;
      best = range;
    }
  return best;
}

// As many equal parts as keep the farthest of the lifts within the range.
void spread_lift(Rounding& rounding, std::span<const double> lifts, float range, std::size_t dims) {
  double sum = 0, farthest = 0;
  for (const double lift : lifts) sum += lift;
  const double centre = sum / static_cast<double>(lifts.size());
  for (const double lift : lifts) farthest = std::max(farthest, std::fabs(lift - centre));
  const double parts = range > 0 ? std::ceil(std::pow(farthest / static_cast<double>(range), 2)) : 0.0;
  rounding.centre_of_lift = centre;
  rounding.lifts = static_cast<std::size_t>(std::min(parts, static_cast<double>(std::min(dims, most_width - dims))));
}

Result<Rounding> find_rounding(const data::VectorSource& base, Metric metric, double squared_reach) {
  const std::size_t dims = base.dims();
  const std::uint64_t count =
      std::min(base.rows(), std::clamp<std::uint64_t>(sample_values / dims, fewest_sample_rows, most_sample_rows));
  std::vector<float> sample(count * dims);
  for (std::uint64_t i = 0; i < count; ++i)
    ATTAR_TRY(read_rows(base, metric, i * base.rows() / count, std::span(sample).subspan(i * dims, dims)));
  Rounding out{.centre = mean_row(sample, dims), .squared_reach = squared_reach};
  std::vector<double> lifts;
  if (squared_reach >= 0)
    for (std::uint64_t i = 0; i < count; ++i) lifts.push_back(out.lift({sample.data() + i * dims, dims}));
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] -= out.centre[i % dims];
  const float range = best_range(sample);
  const float factor = range > 0 ? simd::largest_int8 / range : 0.0f;
  out.factor = std::isfinite(factor) ? factor : 0.0f;
  if (squared_reach >= 0) spread_lift(out, lifts, range, dims);
  return out;
}

Result<double> largest_squared_norm(const data::VectorSource& base, base::ThreadPool& pool, base::Progress& progress) {
  std::vector<double> largest(pool.size());
  ATTAR_TRY(in_pieces(base, Metric::inner_product, pool, progress,
                      [&](std::uint64_t, std::span<const float> rows, unsigned worker) {
                        for (std::size_t i = 0; i < rows.size(); i += base.dims())
                          largest[worker] = std::max(largest[worker], math::squared_norm(rows.subspan(i, base.dims())));
                      }));
  return *std::ranges::max_element(largest);
}

}  // namespace

void distances(const ByteRows& queries, const ByteRows& rows, std::uint32_t* out) noexcept {
  simd::int8_products({.rows = rows.values.data(),
                       .count = rows.size(),
                       .queries = queries.values.data(),
                       .query_sums = queries.sums.data(),
                       .query_count = queries.size(),
                       .dims = rows.width,
                       .out = reinterpret_cast<std::int32_t*>(out)});
  for (std::size_t q = 0; q < queries.size(); ++q)
    products_to_distances(queries.norms[q], rows.norms.data(), rows.size(), out + q * rows.size());
}

std::uint64_t RowBytes::bytes_a_row(std::uint32_t dims, Metric metric) noexcept {
  const std::uint64_t most = metric == Metric::inner_product ? std::uint64_t{2} * dims : dims;
  return base::round_up(std::min<std::uint64_t>(most, most_width), width_unit) + sizeof(std::int32_t) +
         sizeof(std::uint32_t);
}

Result<RowBytes> RowBytes::read(const data::VectorSource& base, Metric metric, base::ThreadPool& pool,
                                base::Progress& progress) {
  double squared_reach = -1;
  if (metric == Metric::inner_product) {
    ATTAR_ASSIGN(squared_reach, largest_squared_norm(base, pool, progress));
  }
  ATTAR_ASSIGN(const Rounding rounding, find_rounding(base, metric, squared_reach));
  const std::size_t dims = base.dims();
  RowBytes out;
  out.squared_reach_ = std::max(0.0, squared_reach);
  out.width_ = base::round_up(dims + rounding.lifts, width_unit);
  out.values_.resize(base.rows() * out.width_);
  out.sums_.resize(base.rows());
  out.norms_.resize(base.rows());
  ATTAR_TRY(in_pieces(base, metric, pool, progress, [&](std::uint64_t first, std::span<const float> rows, unsigned) {
    for (std::size_t i = 0; i < rows.size() / dims; ++i) {
      std::int8_t* to = out.values_.data() + (first + i) * out.width_;
      const auto row = rows.subspan(i * dims, dims);
      round_row(row.data(), rounding.centre.data(), rounding.factor, dims, to);
      if (rounding.lifts > 0) std::fill_n(to + dims, rounding.lifts, rounding.part_of_lift(row));
      out.sums_[first + i] = simd::sum_int8({to, out.width_});
      out.norms_[first + i] = norm_of(to, out.width_);
    }
  }));
  return out;
}

void GatheredRows::gather(const RowBytes& from, std::span<const std::uint32_t> rows) {
  const ByteRows all = from.all();
  width_ = all.width;
  values_.resize(rows.size() * width_);
  sums_.resize(rows.size());
  norms_.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(all.values.data() + std::size_t{rows[i]} * width_, width_, values_.data() + i * width_);
    sums_[i] = all.sums[rows[i]];
    norms_[i] = all.norms[rows[i]];
  }
}

}  // namespace attar::index::graph
