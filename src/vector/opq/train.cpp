#include "vector/opq/train.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "vector/common/sample.h"
#include "vector/opq/kernel.h"
#include "vector/opq/model.h"

namespace attar::vector::opq {
namespace {

// A lookup serves one group; to that comes the work of a row's sums.
constexpr double cost_per_group = 1.0;
constexpr std::size_t clustered_rows = 4096;
// Variances below this share of the largest count as this much, so that their products stay comparable.
constexpr double least_variance = 1e-6;

// Which component (by falling variance) goes to which sub-vector; and so the order of the rotation's rows.
struct Allocation {
  std::vector<std::uint16_t> sizes;
  std::vector<std::size_t> order;
};

Allocation consecutive(std::size_t dims, std::size_t groups) {
  Allocation out;
  for (std::size_t g = 0; g < groups; ++g)
    out.sizes.push_back(static_cast<std::uint16_t>((g + 1) * dims / groups - g * dims / groups));
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

class OpqTrained final : public codec::Trained {
 public:
  OpqTrained(const codec::Codec& codec, Sample sample) : codec_(codec), sample_(std::move(sample)) {}

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    for (const bool dense : {true, false})
      if (auto option = largest_fitting(dense, goal.bytes)) out.push_back(*std::move(option));
    return out;
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const std::int64_t groups = params.get("groups", 0);
    const bool dense = params.get("dense", 1) != 0;
    if (groups < 2 || groups % 2 != 0 || groups > most_groups() || (dense && sample_.components.values.empty()))
      return fail(ErrorCode::invalid_argument,
                  "opq takes an even number of groups up to the dimensions, and no dense rotation above 2048 dimensions");
    return model(static_cast<std::size_t>(groups), dense);
  }

 private:
  std::int64_t most_groups() const { return sample_.schema.dims + sample_.schema.dims % 2; }

  std::optional<codec::Option> largest_fitting(bool dense, std::uint64_t bytes) const {
    const codec::Schema& schema = sample_.schema;
    if (dense && sample_.components.values.empty()) return std::nullopt;
    const std::uint64_t fixed = OpqModel::saved_bytes(schema.dims, 0, dense) + codes_bytes(schema, 0);
    if (fixed > bytes) return std::nullopt;
    // Two groups take a byte a row and two sizes in the model.
    const std::uint64_t pairs = std::min<std::uint64_t>((bytes - fixed) / (schema.rows + 4),
                                                        static_cast<std::uint64_t>(most_groups()) / 2);
    if (pairs == 0) return std::nullopt;
    const auto built = model(2 * pairs, dense);
    if (!built) return std::nullopt;
    codec::Params params{{{"groups", static_cast<std::int64_t>(2 * pairs)}, {"dense", dense ? 1 : 0}}};
    const double cost = cost_per_group * static_cast<double>(2 * pairs) / schema.dims;
    auto option = price(codec_, *built, sample_, std::move(params), cost);
    if (!option) return std::nullopt;
    return *std::move(option);
  }

  Result<std::shared_ptr<const OpqModel>> model(std::size_t groups, bool dense) const {
    const std::uint32_t dims = sample_.schema.dims;
    const Allocation allocation = dense ? by_eigenvalues(sample_.components.values, groups) : consecutive(dims, groups);
    Basis basis = dense ? rotation(allocation.order) : Basis::identity(dims, sample_.exponent());
    basis.set_centre(sample_.mean);
    ATTAR_ASSIGN(const auto analysis, basis.analysis());
    const std::size_t rows = std::min(clustered_rows, sample_.count() - sample_.held_out());
    const std::vector<float> components = analysis.apply(std::span(sample_.rows).first(rows * dims), rows);
    std::vector<float> centroids(dims * centroid_count);
    std::vector<Nearest> assigned(rows);
    std::size_t first = 0;
    for (std::size_t g = 0; g < groups; first += allocation.sizes[g++])
      cluster({components.data() + first, rows, dims, allocation.sizes[g]}, sample_.seed + g,
              centroids.data() + first * centroid_count, assigned);
    return std::make_shared<const OpqModel>(std::move(basis), allocation.sizes, centroids);
  }

  Basis rotation(std::span<const std::size_t> order) const {
    math::Matrix<double> rows(order.size(), sample_.schema.dims);
    for (std::size_t r = 0; r < order.size(); ++r)
      std::copy_n(sample_.components.vectors.row(order[r]), rows.cols, rows.row(r));
    return Basis::dense(rows, sample_.exponent());
  }

  const codec::Codec& codec_;
  Sample sample_;
};

}  // namespace

Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec& codec, const codec::Schema& schema,
                                                     const codec::TrainContext& context) {
  return make_sample_trainer(schema, context, true, [&codec](Sample sample) -> Result<std::unique_ptr<codec::Trained>> {
    return std::make_unique<OpqTrained>(codec, std::move(sample));
  });
}

}  // namespace attar::vector::opq
