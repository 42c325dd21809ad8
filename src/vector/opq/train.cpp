#include "vector/opq/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "simd/inner_products.h"
#include "vector/common/sample.h"
#include "vector/opq/kernel.h"
#include "vector/opq/model.h"

namespace attar::vector::opq {
namespace {

// A lookup serves one group; to that comes the work of a row's sums. Both in components of tcq.
constexpr double cost_per_group = 3;
constexpr double cost_per_row = 200;
// Clustering for a file, and the shorter one that prices a rate.
constexpr std::size_t clustered_rows = 4096;
constexpr int rounds = 12;
constexpr std::size_t pricing_values = 1u << 19;
constexpr int pricing_rounds = 6;
// Group counts that are priced by clustering, as shares of the most; those between are interpolated.
constexpr std::size_t priced_shares[] = {32, 16, 8, 4, 2, 1};
// Variances below this share of the largest count as this much, so that their products stay comparable.
constexpr double least_variance = 1e-6;

// Which component goes to which sub-vector: sizes, and the components in the order of the sub-vectors.
struct Allocation {
  std::vector<std::uint16_t> sizes;
  std::vector<std::size_t> order;
};

Allocation consecutive(std::size_t dims, std::size_t groups) {
  Allocation out;
  for (std::size_t g = 0; g < groups; ++g)
    out.sizes.push_back(static_cast<std::uint16_t>((g + 1) * dims / groups - g * dims / groups));
  out.order.resize(dims);
  std::iota(out.order.begin(), out.order.end(), std::size_t{0});
  return out;
}

Allocation by_eigenvalues(std::span<const double> variances, std::size_t groups) {
  const std::size_t capacity = (variances.size() + groups - 1) / groups;
  const double floor = variances[0] * least_variance;
  std::vector<std::vector<std::size_t>> members(groups);
  std::vector<double> product(groups, 0.0);  // logarithms
  for (std::size_t i = 0; i < variances.size(); ++i) {
    std::size_t best = groups;
    for (std::size_t g = 0; g < groups; ++g)
      if (members[g].size() < capacity && (best == groups || product[g] < product[best])) best = g;
    members[best].push_back(i);
    if (floor > 0) product[best] += std::log(std::max(variances[i], floor) / floor);
  }
  Allocation out;
  for (const auto& group : members) {
    out.sizes.push_back(static_cast<std::uint16_t>(group.size()));
    out.order.insert(out.order.end(), group.begin(), group.end());
  }
  return out;
}

// Components of rows, column by column, each column filled up with zeros.
struct Columns {
  std::size_t count = 0;
  std::size_t stride = 0;
  std::vector<float> values;

  Columns(std::span<const float> rows, std::size_t dims)
      : count(rows.size() / dims), stride(padded(count)), values(dims * stride) {
    constexpr std::size_t tile = 16;
    for (std::size_t first = 0; first < count; first += tile)
      for (std::size_t j = 0; j < dims; ++j)
        for (std::size_t i = first; i < std::min(count, first + tile); ++i) values[j * stride + i] = rows[i * dims + j];
  }

  // The columns of one sub-vector, one after another.
  [[nodiscard]] std::vector<float> gather(std::span<const std::size_t> which) const {
    std::vector<float> out;
    for (const std::size_t j : which)
      out.insert(out.end(), values.begin() + static_cast<std::ptrdiff_t>(j * stride),
                 values.begin() + static_cast<std::ptrdiff_t>((j + 1) * stride));
    return out;
  }
};

// Learned and measured rows in one basis, and what the rates priced so far leave of the measured ones' energy.
class Pricing {
 public:
  Pricing(const Columns& learned, const Columns& measured) : learned_(learned), measured_(measured) {
    for (const float value : measured.values) energy_ += static_cast<double>(value) * static_cast<double>(value);
  }

  // Clusters for one allocation and keeps what it leaves.
  void add(const Allocation& allocation, std::uint64_t seed, base::ThreadPool& pool) {
    const std::size_t groups = allocation.sizes.size();
    std::vector<std::size_t> first(groups, 0);
    for (std::size_t g = 1; g < groups; ++g) first[g] = first[g - 1] + allocation.sizes[g - 1];
    std::vector<double> error(groups, 0.0);
    pool.run(groups, [&](std::size_t g, unsigned) {
      if (allocation.sizes[g] != 0)
        error[g] = group_error(std::span(allocation.order).subspan(first[g], allocation.sizes[g]), seed + g);
    });
    const double left = std::accumulate(error.begin(), error.end(), 0.0);
    points_.push_back({static_cast<double>(groups), energy_ > 0 ? std::max(left / energy_, least_distortion) : 0.0});
  }

  // Between two priced rates the logarithm is close to linear.
  [[nodiscard]] double distortion(double groups) const {
    if (energy_ <= 0) return 0;
    Point low{0.0, 1.0};
    for (const Point& high : points_) {
      if (groups <= high.groups) {
        const double share = (groups - low.groups) / (high.groups - low.groups);
        return std::exp((1 - share) * std::log(low.distortion) + share * std::log(high.distortion));
      }
      low = high;
    }
    return low.distortion;
  }

 private:
  static constexpr double least_distortion = 1e-12;
  struct Point {
    double groups;
    double distortion;
  };

  [[nodiscard]] double group_error(std::span<const std::size_t> which, std::uint64_t seed) const {
    const std::vector<float> columns = learned_.gather(which);
    std::vector<float> centroids(which.size() * centroid_count);
    Assignment scratch(learned_.stride);
    cluster({columns.data(), learned_.count, learned_.stride, which.size()}, seed, pricing_rounds, centroids.data(),
            scratch);
    std::vector<float> values(which.size());
    double error = 0;
    for (std::size_t row = 0; row < measured_.count; ++row) {
      for (std::size_t j = 0; j < which.size(); ++j) values[j] = measured_.values[which[j] * measured_.stride + row];
      error += static_cast<double>(nearest_centroid(centroids.data(), values.data(), values.size()).distance);
    }
    return error;
  }

  const Columns& learned_;
  const Columns& measured_;
  double energy_ = 0;
  std::vector<Point> points_;
};

class OpqTrained final : public codec::Trained {
 public:
  explicit OpqTrained(Sample sample) : sample_(std::move(sample)) {}

  /// Prices a few rates with and without the rotation.
  void measure(base::ThreadPool& pool) {
    const std::size_t dims = sample_.schema.dims;
    const std::size_t most = std::clamp<std::size_t>(pricing_values / dims, row_step, 1024);
    const auto learned = sample_.learned();
    const auto rows = sample_.centred(learned.first(std::min(learned.size(), most * dims)));
    const auto measured = sample_.centred(sample_.measured());
    price(false, {rows, dims}, {measured, dims}, pool);
    if (sample_.components.values.empty()) return;
    const std::vector<float> vectors(sample_.components.vectors.values.begin(),
                                     sample_.components.vectors.values.end());
    price(true, {project(rows, vectors), dims}, {project(measured, vectors), dims}, pool);
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    for (const bool dense : {true, false})
      if (auto option = largest_fitting(dense, goal.bytes)) out.push_back(*std::move(option));
    return out;
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const std::int64_t groups = params.get("groups", 0);
    const bool dense = params.get("dense", 1) != 0;
    if (groups < 2 || groups % 2 != 0 || groups > static_cast<std::int64_t>(most_groups()) ||
        (dense && sample_.components.values.empty()))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("opq takes an even number of groups, 2 … {}, and no dense rotation above {} dimensions",
                              most_groups(), max_dense_dims));
    return model(static_cast<std::size_t>(groups), dense);
  }

 private:
  std::size_t most_groups() const { return sample_.schema.dims + sample_.schema.dims % 2; }

  Allocation allocate(std::size_t groups, bool dense) const {
    return dense ? by_eigenvalues(sample_.components.values, groups) : consecutive(sample_.schema.dims, groups);
  }

  std::vector<float> project(std::span<const float> rows, std::span<const float> vectors) const {
    const std::size_t dims = sample_.schema.dims;
    std::vector<float> out(rows.size());
    simd::inner_products({.a = rows.data(),
                          .n = rows.size() / dims,
                          .b = vectors.data(),
                          .m = dims,
                          .dims = dims,
                          .out = out.data(),
                          .stride = dims});
    return out;
  }

  // Distortion by pairs of groups (a byte a row each).
  void price(bool dense, const Columns& learned, const Columns& measured, base::ThreadPool& pool) {
    Pricing pricing(learned, measured);
    std::size_t last = 0;
    for (const std::size_t share : priced_shares) {
      const std::size_t groups = 2 * std::max<std::size_t>(1, most_groups() / 2 / share);
      if (groups == last) continue;
      pricing.add(allocate(groups, dense), sample_.seed, pool);
      last = groups;
    }
    for (std::size_t pairs = 0; pairs <= most_groups() / 2; ++pairs)
      distortions_[dense ? 1 : 0].push_back(pricing.distortion(static_cast<double>(2 * pairs)));
  }

  std::optional<codec::Option> largest_fitting(bool dense, std::uint64_t bytes) const {
    const codec::Schema& schema = sample_.schema;
    if (distortions_[dense ? 1 : 0].empty()) return std::nullopt;
    const std::uint64_t fixed = OpqModel::saved_bytes(schema.dims, 0, dense) + codes_bytes(schema, 0);
    if (fixed > bytes) return std::nullopt;
    // Two groups take a byte a row and two sizes in the model.
    const std::uint64_t pairs = std::min<std::uint64_t>((bytes - fixed) / (schema.rows + 4), most_groups() / 2);
    if (pairs == 0) return std::nullopt;
    return make_option(schema, dense ? "dense rotation" : "no rotation",
                       {{{"groups", static_cast<std::int64_t>(2 * pairs)}, {"dense", dense ? 1 : 0}}},
                       {.model_bytes = OpqModel::saved_bytes(schema.dims, 2 * pairs, dense),
                        .code_bytes = pairs,
                        .distortion = distortions_[dense ? 1 : 0][pairs],
                        .work = cost_per_row + cost_per_group * static_cast<double>(2 * pairs)});
  }

  Result<std::shared_ptr<const OpqModel>> model(std::size_t groups, bool dense) const {
    const std::uint32_t dims = sample_.schema.dims;
    const Allocation allocation = allocate(groups, dense);
    Basis basis = dense ? rotation(allocation.order) : Basis::identity(dims, sample_.exponent());
    basis.set_centre(sample_.mean);
    ATTAR_ASSIGN(const auto analysis, basis.analysis());
    const auto learned = sample_.learned();
    const std::size_t rows = std::min(clustered_rows, learned.size() / dims);
    const Columns columns(analysis.apply(learned.first(rows * dims), rows), dims);
    std::vector<float> centroids(dims * centroid_count);
    Assignment scratch(columns.stride);
    std::size_t first = 0;
    for (std::size_t g = 0; g < groups; first += allocation.sizes[g++])
      if (allocation.sizes[g] != 0)
        cluster({columns.values.data() + first * columns.stride, rows, columns.stride, allocation.sizes[g]},
                sample_.seed + g, rounds, centroids.data() + first * centroid_count, scratch);
    return std::make_shared<const OpqModel>(std::move(basis), allocation.sizes, centroids);
  }

  // The principal components in the order of their sub-vectors.
  Basis rotation(std::span<const std::size_t> order) const {
    math::Matrix<double> rows(order.size(), sample_.schema.dims);
    for (std::size_t r = 0; r < order.size(); ++r)
      std::copy_n(sample_.components.vectors.row(order[r]), rows.cols, rows.row(r));
    return Basis::dense(rows, sample_.exponent());
  }

  Sample sample_;
  std::vector<double> distortions_[2];  // without and with the rotation, by pairs of groups; empty where not offered
};

}  // namespace

Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec&, const codec::Schema& schema,
                                                     const codec::TrainContext& context) {
  const auto make = [](Sample sample, base::ThreadPool& pool) -> Result<std::unique_ptr<codec::Trained>> {
    auto out = std::make_unique<OpqTrained>(std::move(sample));
    out->measure(pool);
    return out;
  };
  return make_sample_trainer(schema, context, true, make);
}

}  // namespace attar::vector::opq
