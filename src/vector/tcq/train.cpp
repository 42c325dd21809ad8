#include "vector/tcq/train.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/checked.h"
#include "vector/tcq/allocation.h"
#include "vector/tcq/distortion.h"
#include "vector/tcq/layers.h"
#include "vector/tcq/layout.h"
#include "vector/tcq/moments.h"

namespace attar::vector::tcq {
namespace {

// Share of the identity mixed into the weighting, so that directions the sample never saw keep a weight.
constexpr double shrinkage = 0.1;

// Rows whose deviation is below this are taken to be equal: products with them would leave a float's range.
constexpr double least_deviation = 1e-25;

// Above this, a dense transform is not offered: its covariance alone would take dims² doubles, and its eigenvectors
// minutes.
constexpr std::uint32_t most_dense_dims = 3072;

// A unit of the smallest ring.
constexpr std::uint32_t least_row_bytes = widths[5].ring_bytes;

// Of the weighting, as offered.
constexpr std::array powers = {0.35, 0.6};

// A scale of one byte is off by some 0.06% of itself, all along the row, where the codes' errors point anywhere: below
// this share of the weighted energy a dimension, the second byte is worth more than a byte of codes.
constexpr double least_error_for_one_byte = 4e-6;

// Bits a component from which two layers are offered for their own sake: a table of seven bits lies 4.7 dB above R(D),
// one of eight 7.6 dB, two of four bits each 3.4 dB.
constexpr double least_bits_for_layers = 6.5;

// A first layer of more than this share of a row is not worth a second.
constexpr double most_head_share = 0.5;

class TcqTrained final : public codec::Trained {
 public:
  /// eigen: of the covariance, the values in the rows' own unit; without vectors no dense transform can be built.
  TcqTrained(codec::Schema schema, std::uint64_t seed, std::vector<double> centre, math::Eigen eigen)
      : schema_(schema),
        seed_(seed),
        centre_(std::move(centre)),
        eigen_(std::move(eigen)),
        decoding_(schema.dims, seed) {
    double mean = mean_variance();
    constant_ = !(mean > least_deviation * least_deviation);
    if (constant_) {
      mean = std::pow(std::max(least_deviation, rounding_of_centre()), 2);
      std::fill(eigen_.values.begin(), eigen_.values.end(), mean);
    }
    for (double& value : eigen_.values) {
      value = std::max(value, 1e-9 * mean);
      weights_.push_back((1 - shrinkage) * value / mean + shrinkage);
    }
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    const auto offer = [&](Settings settings) {
      settings.seed = seed_;
      if (auto option = best_fitting(settings, goal)) out.push_back(*std::move(option));
    };
    if (dense()) {
      for (const double power : powers) offer({.matrix_bits = 8, .power = power});
      offer({.matrix_bits = 4});
    }
    offer({.matrix_bits = 0});
    if (dense()) offer({.matrix_bits = 8, .trellis = false});
    if (bits_a_component(row_bytes(goal)) < least_bits_for_layers) return out;
    for (codec::Option& option : layered(goal))
      if (bits_a_component(Settings::from_params(option.params).row_bytes) >= least_bits_for_layers)
        out.push_back(std::move(option));
    return out;
  }

  // A matrix of four bits lost half a percent of recall in two layers, on Debian-MiniLM, and is not offered.
  std::vector<codec::Option> layered(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    if (constant_) return out;
    const auto offer = [&](Settings settings) {
      settings.seed = seed_;
      const double share = most_head_share * static_cast<double>(row_bytes(goal));
      const auto most = static_cast<std::uint32_t>(std::min<double>(share, schema_.dims));
      settings.head_bytes = head_bytes_for(variances(settings), unweighted_cost(settings), most, settings.trellis);
      if (settings.head_bytes == 0) return;
      if (auto option = best_fitting(settings, goal)) out.push_back(*std::move(option));
    };
    if (!dense()) {
      offer({.matrix_bits = 0});
    } else {
      for (const double power : powers) offer({.matrix_bits = 8, .power = power});
    }
    return out;
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const Settings settings = Settings::from_params(params);
    auto model = std::make_shared<TcqModel>();
    model->dims = schema_.dims;
    model->scale_bytes = settings.scale_bytes;
    model->set_centre(centre_);
    model->shape = shape_of(settings);
    if (model->shape.run_count == 0) return fail(ErrorCode::invalid_argument, "no component gets a bit at this rate");
    if (settings.matrix_bits != 0 && !dense())
      return fail(ErrorCode::invalid_argument, "no dense transform was learned for this many dimensions");
    set_steps(model->shape, settings.matrix_bits == 0 ? std::sqrt(mean_variance()) : 1);
    if (settings.matrix_bits == 0)
      model->set_hadamard(settings.seed);
    else
      ATTAR_TRY(build_dense(*model, settings));
    return model;
  }

 private:
  struct Priced {
    codec::Option option;  // but for its distortion
    Shape shape;
    double lost = 0;  // share of the weighted energy
  };

  // Bytes a row that a goal leaves at the most.
  std::uint64_t row_bytes(const codec::Goal& goal) const {
    return goal.bytes / std::max<std::uint64_t>(1, schema_.rows);
  }
  double bits_a_component(std::uint64_t row_bytes) const { return 8.0 * static_cast<double>(row_bytes) / schema_.dims; }

  bool dense() const { return !eigen_.vectors.values.empty(); }

  double mean_variance() const {
    return std::accumulate(eigen_.values.begin(), eigen_.values.end(), 0.0) / schema_.dims;
  }

  // How far the stored centre may lie from the mean: all that is left to code of rows that are equal.
  double rounding_of_centre() const {
    double largest = 0;
    for (const double value : centre_) largest = std::max(largest, std::fabs(value));
    return largest / 65536;
  }

  // Variances of the components that the widths are allotted to, descending.
  std::vector<double> variances(const Settings& settings) const {
    if (settings.matrix_bits == 0) return std::vector<double>(schema_.dims, mean_variance());
    std::vector<double> out(schema_.dims);
    const double floor = rounding_of_matrix(settings.matrix_bits) * mean_variance();
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = (eigen_.values[i] + floor) * std::pow(weights_[i], settings.power);
    return out;
  }

  // Share of a row of the matrix that rounding moves into all other directions, where the components of those
  // directions must code it. The largest of d Gaussian entries, which sets the row's step, is about √(2 ln d)
  // deviations.
  double rounding_of_matrix(std::uint8_t bits) const {
    const double peak = 2 * std::log(std::max(2.0, static_cast<double>(schema_.dims)));
    return bits == 16 ? 0 : peak / (12 * std::pow(std::ldexp(1.0, bits - 1) - 1, 2));
  }

  // What a unit of weighted squared error in a component is in the rows' own space.
  std::vector<double> unweighted_cost(const Settings& settings) const {
    std::vector<double> out(schema_.dims, 1.0);
    if (settings.matrix_bits != 0)
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::pow(weights_[i], -settings.power);
    return out;
  }

  // The sizes of an option; its distortion is estimated only when it is the one to offer.
  codec::Option price(const Settings& settings, const Shape& shape) const {
    codec::Option option{.params = settings.to_params()};
    option.variant = settings.variant();
    option.model_bytes = TcqModel::saved_bytes(schema_.dims, shape, settings.matrix_bits);
    option.codes_bytes = codes_bytes(schema_, shape, settings.scale_bytes);
    option.bytes_per_row = shape.row_bytes() + settings.scale_bytes + (schema_.metric == Metric::l2 ? 4 : 0);
    option.scan_cost = static_cast<double>(shape.values()) + 0.5 * shape.row_bytes();
    return option;
  }

  // The largest that fits, with a scale as fine as it deserves. The share of weighted energy that an allocation leaves
  // never rises with its bytes, so that an option is offered at its own size as well.
  std::optional<codec::Option> best_fitting(const Settings& settings, const codec::Goal& goal) const {
    const auto all = variances(settings);
    // Beyond the rate where every component has eight bits (twelve in two layers) there is nothing left to gain; a
    // matrix of fewer rows may make a lower rate fit that much sooner than its codes do, so every rate is priced.
    const std::uint64_t all_bits = base::round_up(schema_.dims, 64) * (settings.head_bytes != 0 ? 3u : 2u) / 2;
    const std::uint64_t most = constant_ ? least_row_bytes : all_bits;
    const auto ceiling = static_cast<std::uint32_t>(std::min(most, row_bytes(goal)));
    if (ceiling < least_row_bytes) return std::nullopt;
    if (settings.head_bytes == 0)
      return best_of(Allocator(all, ceiling, settings.trellis), all, settings, ceiling, goal.bytes);
    return best_of(LayeredAllocator(all, settings.head_bytes, ceiling, settings.trellis), all, settings, ceiling,
                   goal.bytes);
  }

  template <class Rates>
  std::optional<codec::Option> best_of(const Rates& allocator, std::span<const double> all, Settings settings,
                                       std::uint32_t ceiling, std::uint64_t bytes) const {
    settings.scale_bytes = 2;
    auto best = largest_of(allocator, all, settings, ceiling, bytes);
    if (!best || best->lost > least_error_for_one_byte * schema_.dims) {
      settings.scale_bytes = 1;
      best = largest_of(allocator, all, settings, ceiling, bytes);
    }
    if (!best) return std::nullopt;
    if (!constant_)
      best->option.distortion =
          decoding_.of_decoded(best->shape, all, unweighted_cost(settings), settings.matrix_bits != 0);
    return std::move(best->option);
  }

  template <class Rates>
  std::optional<Priced> largest_of(const Rates& allocator, std::span<const double> all, Settings settings,
                                   std::uint32_t ceiling, std::uint64_t bytes) const {
    for (settings.row_bytes = ceiling; settings.row_bytes >= least_row_bytes; --settings.row_bytes) {
      const auto [shape, error] = allocator.at(settings.row_bytes);
      if (shape.run_count == 0) return std::nullopt;
      codec::Option option = price(settings, shape);
      if (option.bytes() > bytes) continue;
      const double lost = constant_ ? 1 : error / std::accumulate(all.begin(), all.end(), 0.0);
      return Priced{std::move(option), shape, lost};
    }
    return std::nullopt;
  }

  Shape shape_of(const Settings& settings) const {
    const auto all = variances(settings);
    if (settings.head_bytes == 0) return allocate(all, settings.row_bytes, settings.trellis).shape;
    return LayeredAllocator(all, settings.head_bytes, settings.row_bytes, settings.trellis)
        .at(settings.row_bytes)
        .shape;
  }

  // The table's step for what earlier runs left of components of this deviation.
  static void set_steps(Shape& shape, double deviation) {
    std::vector<double> left(shape.components(), 1.0);
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      Run& run = shape.runs[r];
      const LevelTable& table = level_table(shape.trellis, run.bits);
      const auto own = std::span(left).subspan(run.first, run.components());
      const double mean = std::accumulate(own.begin(), own.end(), 0.0) / static_cast<double>(own.size());
      run.step = static_cast<float>(deviation * std::sqrt(mean) * static_cast<double>(table.step));
      std::fill(own.begin(), own.end(), mean * table.distortion);
    }
  }

  // A: inside each cell a random rotation R of the weighted principal components, scaled to unit variance.
  Status build_dense(TcqModel& model, const Settings& settings) const {
    const std::size_t dims = schema_.dims;
    const std::size_t kept = std::min<std::size_t>(model.shape.components(), dims);
    const std::vector<double> variance = variances(settings);
    math::Matrix<double> synthesis(kept, dims);  // A
    std::vector<double> energy(dims);            // σ² by component
    std::uint64_t stream = settings.seed * 1000003;
    for (const auto [first, last] : cells_of(model.shape, kept)) {
      const std::size_t count = last - first;
      const double mean = std::accumulate(variance.begin() + static_cast<std::ptrdiff_t>(first),
                                          variance.begin() + static_cast<std::ptrdiff_t>(first + count), 0.0) /
                          static_cast<double>(count);
      math::Matrix<double> basis(count, dims);
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < dims; ++j)
          basis(i, j) =
              eigen_.vectors(first + i, j) * std::pow(weights_[first + i], -settings.power / 2) * std::sqrt(mean);
      const auto rotated = math::multiply(math::random_orthogonal(count, stream++), basis);
      std::copy(rotated.values.begin(), rotated.values.end(), synthesis.row(first));
      std::fill_n(energy.begin() + static_cast<std::ptrdiff_t>(first), count, mean);
    }
    model.set_matrix(synthesis, settings.matrix_bits);
    return set_analysis(model, settings, variance, energy, kept);
  }

  // The encoder's matrix: for kept components (Â W Âᵀ)⁻¹ Â W with Â the matrix as stored and W = M^p, so that rounding
  // Â costs no accuracy; for dropped ones the weighted eigenvectors, which only measure the energy that is lost.
  Status set_analysis(TcqModel& model, const Settings& settings, const std::vector<double>& variance,
                      const std::vector<double>& energy, std::size_t kept) const {
    const std::size_t dims = schema_.dims;
    math::Matrix<double> weighted = eigen_.vectors;  // M^(p/2) in its own basis: rows scaled
    for (std::size_t i = 0; i < dims; ++i)
      for (std::size_t j = 0; j < dims; ++j) weighted(i, j) *= std::pow(weights_[i], settings.power / 2);
    const math::Matrix<double> stored = model.matrix();
    // Â M^(p/2): rows in the weighted eigenbasis.
    const math::Matrix<double> shaped = math::multiply(stored, math::transpose(weighted));
    ATTAR_ASSIGN(const auto inverse, invert_gram(math::multiply(shaped, math::transpose(shaped))));
    const math::Matrix<double> forward = math::multiply(math::multiply(inverse, shaped), weighted);

    // Energies as shares of the mean norm: their squares fit a float whatever the unit of the rows.
    const double total = std::accumulate(variance.begin(), variance.end(), 0.0);
    auto analysis = std::make_shared<Analysis>();
    analysis->matrix = math::Matrix<float>(dims, dims);
    analysis->energy.assign(dims, 1.0);
    for (std::size_t i = 0; i < dims; ++i) {
      const double* row = i < kept ? forward.row(i) : weighted.row(i);
      const double scale = i < kept ? 1 : 1 / std::sqrt(total);
      std::transform(row, row + dims, analysis->matrix.row(i),
                     [&](double value) { return static_cast<float>(value * scale); });
      if (i < kept) analysis->energy[i] = energy[i] / total;
    }
    model.analysis = std::move(analysis);
    return {};
  }

  codec::Schema schema_;
  std::uint64_t seed_;
  std::vector<double> centre_;
  math::Eigen eigen_;
  std::vector<double> weights_;
  DistortionModel decoding_;
  bool constant_ = false;  // all rows are equal: the centre is all there is to know
};

class TcqTrainer final : public codec::Trainer {
 public:
  TcqTrainer(const codec::Schema& schema, const codec::TrainContext& context)
      : schema_(schema), context_(context), moments_(schema.dims, schema.dims <= most_dense_dims) {}

  Status feed(const codec::Chunk& chunk) override {
    moments_.add(chunk.values, *context_.pool);
    return {};
  }

  Result<std::unique_ptr<codec::Trained>> finish() override {
    if (moments_.count() == 0) return fail(ErrorCode::invalid_argument, "training needs at least one row");
    moments_.finish(*context_.pool);
    math::Eigen eigen{.values = std::vector<double>(schema_.dims, moments_.mean_variance()), .vectors = {}};
    if (schema_.dims <= most_dense_dims) {
      ATTAR_ASSIGN(eigen, math::symmetric_eigen(moments_.covariance()));
    }
    for (double& value : eigen.values) value *= moments_.unit() * moments_.unit();
    return std::make_unique<TcqTrained>(schema_, context_.seed, moments_.mean(), std::move(eigen));
  }

 private:
  codec::Schema schema_;
  codec::TrainContext context_;
  RowMoments moments_;
};

}  // namespace

Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec&, const codec::Schema& schema,
                                                     const codec::TrainContext& context) {
  return std::make_unique<TcqTrainer>(schema, context);
}

std::uint64_t codes_bytes(const codec::Schema& schema, const Shape& shape, std::uint8_t scale_bytes) {
  return Layout(schema, shape, scale_bytes).total_bytes;
}

}  // namespace attar::vector::tcq
