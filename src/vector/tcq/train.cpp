#include "vector/tcq/train.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/checked.h"
#include "vector/tcq/allocation.h"
#include "vector/tcq/layout.h"

namespace attar::vector::tcq {
namespace {

// Share of the identity mixed into the weighting, so that directions the sample never saw keep a weight.
constexpr double shrinkage = 0.1;

class TcqTrained final : public codec::Trained {
 public:
  TcqTrained(codec::Schema schema, std::uint64_t seed, std::vector<double> centre, math::Eigen eigen)
      : schema_(schema), seed_(seed), centre_(std::move(centre)), eigen_(std::move(eigen)) {
    const double mean = std::accumulate(eigen_.values.begin(), eigen_.values.end(), 0.0) / schema.dims;
    for (double& value : eigen_.values) value = std::max(value, 1e-9 * mean);
    for (const double value : eigen_.values)
      weights_.push_back(mean > 0 ? (1 - shrinkage) * value / mean + shrinkage : 1.0);
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    const auto offer = [&](Settings settings) {
      settings.seed = seed_;
      if (auto option = largest_fitting(settings, goal.bytes)) out.push_back(*std::move(option));
    };
    for (const double power : {0.35, 0.6}) offer({.matrix_bits = 8, .power = power});
    offer({.matrix_bits = 4});
    offer({.matrix_bits = 0});
    offer({.matrix_bits = 8, .trellis = false});
    return out;
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const Settings settings = Settings::from_params(params);
    auto model = std::make_shared<TcqModel>();
    model->dims = schema_.dims;
    model->scale_bytes = settings.scale_bytes;
    model->set_centre(centre_);
    model->shape = allocate(variances(settings), settings.row_bytes, settings.trellis).shape;
    if (model->shape.run_count == 0) return fail(ErrorCode::invalid_argument, "no component gets a bit at this rate");
    if (settings.matrix_bits == 0)
      build_hadamard(*model, settings.seed);
    else
      ATTAR_TRY(build_dense(*model, settings));
    return model;
  }

 private:
  // Variances of the components that the widths are allotted to, descending.
  std::vector<double> variances(const Settings& settings) const {
    std::vector<double> out(schema_.dims);
    if (settings.matrix_bits == 0) {
      const double mean = std::accumulate(eigen_.values.begin(), eigen_.values.end(), 0.0) / schema_.dims;
      std::fill(out.begin(), out.end(), mean);
      return out;
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = eigen_.values[i] * std::pow(weights_[i], settings.power);
    return out;
  }

  codec::Option price(const Settings& settings, const Allocation& allocation) const {
    codec::Option option{.params = settings.to_params()};
    option.variant = settings.variant();
    option.model_bytes = TcqModel::saved_bytes(schema_.dims, allocation.shape, settings.matrix_bits);
    option.codes_bytes = codes_bytes(schema_, allocation.shape, settings.scale_bytes);
    option.bytes_per_row = allocation.shape.row_bytes() + settings.scale_bytes + (schema_.metric == Metric::l2 ? 4 : 0);
    const auto all = variances(settings);
    const double total = std::accumulate(all.begin(), all.end(), 0.0);
    option.distortion = total > 0 ? allocation.distortion / total : 0;
    option.scan_cost = static_cast<double>(allocation.shape.components()) + 0.5 * allocation.shape.row_bytes();
    return option;
  }

  std::optional<codec::Option> largest_fitting(Settings settings, std::uint64_t bytes) const {
    const auto all = variances(settings);
    // Beyond the rate where every component has eight bits there is nothing left to gain.
    const std::uint64_t most = base::round_up(schema_.dims, 64);
    std::uint64_t ceiling = std::min<std::uint64_t>(most, bytes / std::max<std::uint64_t>(1, schema_.rows));
    while (ceiling >= widths[5].ring_bytes) {
      settings.row_bytes = static_cast<std::uint32_t>(ceiling);
      const Allocation allocation = allocate(all, settings.row_bytes, settings.trellis);
      if (allocation.shape.run_count == 0) return std::nullopt;
      settings.row_bytes = allocation.shape.row_bytes();
      codec::Option option = price(settings, allocation);
      if (option.bytes() <= bytes) return option;
      const std::uint64_t excess = base::ceil_div(option.bytes() - bytes, std::max<std::uint64_t>(1, schema_.rows));
      const std::uint64_t next = allocation.shape.row_bytes() - std::min<std::uint64_t>(allocation.shape.row_bytes(), excess);
      ceiling = std::min(ceiling - 1, next);
    }
    return std::nullopt;
  }

  void build_hadamard(TcqModel& model, std::uint64_t seed) const {
    const double mean = std::accumulate(eigen_.values.begin(), eigen_.values.end(), 0.0) / schema_.dims;
    const std::vector<float> deviations(model.shape.run_count, static_cast<float>(std::sqrt(mean)));
    model.set_hadamard(seed, deviations);
  }

  // A: inside each run a random rotation R of the weighted principal components, scaled to unit variance.
  Status build_dense(TcqModel& model, const Settings& settings) const {
    const std::size_t dims = schema_.dims;
    const std::size_t kept = std::min<std::size_t>(model.shape.components(), dims);
    const std::vector<double> variance = variances(settings);
    math::Matrix<double> synthesis(kept, dims);  // A
    std::vector<double> energy(dims);            // σ² by component
    std::size_t first = 0;
    for (std::size_t r = 0; r < model.shape.run_count && first < kept; ++r) {
      const std::size_t count = std::min<std::size_t>(model.shape.runs[r].components(), kept - first);
      const double mean = std::accumulate(variance.begin() + static_cast<std::ptrdiff_t>(first),
                                          variance.begin() + static_cast<std::ptrdiff_t>(first + count), 0.0) /
                          static_cast<double>(count);
      math::Matrix<double> basis(count, dims);
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < dims; ++j)
          basis(i, j) = eigen_.vectors(first + i, j) * std::pow(weights_[first + i], -settings.power / 2) * std::sqrt(mean);
      const auto rotated = math::multiply(math::random_orthogonal(count, settings.seed * 1000003 + r), basis);
      std::copy(rotated.values.begin(), rotated.values.end(), synthesis.row(first));
      std::fill_n(energy.begin() + static_cast<std::ptrdiff_t>(first), count, mean);
      first += count;
    }
    model.set_matrix(synthesis, settings.matrix_bits);
    return set_analysis(model, settings, variance, energy, kept);
  }

  // The encoder's matrix: for kept components (Â W Âᵀ)⁻¹ Â W with Â the matrix as stored and W = M^p, so that rounding Â
  // costs no accuracy; for dropped ones the weighted eigenvectors, which only measure the energy that is lost.
  Status set_analysis(TcqModel& model, const Settings& settings, const std::vector<double>& variance,
                      const std::vector<double>& energy, std::size_t kept) const {
    const std::size_t dims = schema_.dims;
    math::Matrix<double> weighted = eigen_.vectors;  // M^(p/2) in its own basis: rows scaled
    for (std::size_t i = 0; i < dims; ++i)
      for (std::size_t j = 0; j < dims; ++j) weighted(i, j) *= std::pow(weights_[i], settings.power / 2);
    const math::Matrix<double> stored = model.matrix();
    // Â M^(p/2): rows in the weighted eigenbasis.
    const math::Matrix<double> shaped = math::multiply(stored, math::transpose(weighted));
    math::Matrix<double> gram = math::multiply(shaped, math::transpose(shaped));
    double trace = 0;
    for (std::size_t i = 0; i < kept; ++i) trace += gram(i, i);
    for (std::size_t i = 0; i < kept; ++i) gram(i, i) += 1e-12 * trace;
    ATTAR_ASSIGN(const auto inverse, math::invert_definite(gram));
    const math::Matrix<double> forward = math::multiply(math::multiply(inverse, shaped), weighted);

    auto analysis = std::make_shared<Analysis>();
    analysis->matrix = math::Matrix<float>(dims, dims);
    analysis->energy.assign(dims, 1.0f);
    for (std::size_t i = 0; i < dims; ++i) {
      const double* row = i < kept ? forward.row(i) : weighted.row(i);
      std::transform(row, row + dims, analysis->matrix.row(i), [](double value) { return static_cast<float>(value); });
      if (i < kept) analysis->energy[i] = static_cast<float>(energy[i]);
    }
    analysis->expected_energy = std::accumulate(variance.begin(), variance.end(), 0.0);
    model.analysis = std::move(analysis);
    return {};
  }

  codec::Schema schema_;
  std::uint64_t seed_;
  std::vector<double> centre_;
  math::Eigen eigen_;
  std::vector<double> weights_;
};

class TcqTrainer final : public codec::Trainer {
 public:
  TcqTrainer(const codec::Schema& schema, const codec::TrainContext& context)
      : schema_(schema), context_(context), moments_(schema.dims) {}

  Status feed(const codec::Chunk& chunk) override {
    moments_.add(chunk.values, *context_.pool);
    return {};
  }

  Result<std::unique_ptr<codec::Trained>> finish() override {
    if (moments_.count() == 0) return fail(ErrorCode::invalid_argument, "training needs at least one row");
    std::vector<double> centre = moments_.mean(*context_.pool);
    ATTAR_ASSIGN(auto eigen, math::symmetric_eigen(moments_.covariance(centre, *context_.pool)));
    return std::make_unique<TcqTrained>(schema_, context_.seed, std::move(centre), std::move(eigen));
  }

 private:
  codec::Schema schema_;
  codec::TrainContext context_;
  math::MomentAccumulator moments_;
};

}  // namespace

Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Schema& schema, const codec::TrainContext& context) {
  return std::make_unique<TcqTrainer>(schema, context);
}

std::uint64_t codes_bytes(const codec::Schema& schema, const Shape& shape, std::uint8_t scale_bytes) {
  return Layout(schema, shape, scale_bytes).total_bytes;
}

}  // namespace attar::vector::tcq
