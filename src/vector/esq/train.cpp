#include "vector/esq/train.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "vector/common/sample.h"
#include "vector/esq/ladder.h"
#include "vector/esq/model.h"

namespace attar::vector::esq {
namespace {

// Of the weighting: the share of the identity mixed in, so that directions the sample never saw keep a weight, and the
// power.
constexpr double shrinkage = 0.1;
constexpr double power = 0.35;

// Components whose variance is below this share of the largest are dropped.
constexpr double least_variance = 1e-7;
constexpr double least_threshold = 1e-4;  // of the largest

// Thresholds are so many deviations: on Debian-MiniLM recall@10 at 268 bytes is .0007 above that of one deviation.
constexpr double threshold_deviations = 1.05;

// Components whose deviations are corrected together, and by how much at most.
constexpr std::size_t corrected_together = 64;
constexpr double most_correction = 2;

// Rows that deviations are taken from.
constexpr std::size_t most_rows = 4096;
constexpr std::size_t analysed_together = 128;  // one task of the pool

// Bytes of a walk with its scale: one cache line, and two where one does not hold all components.
constexpr std::array walk_sizes = {std::uint32_t{64}, most_walk_bytes};

struct Learned {
  Basis basis = Basis::identity(1, 0);  ///< of all components, in units of t where it is dense
  Components components;
  bool constant = false;  ///< the sample's rows do not differ
};

// The centred rows in the basis, [row][component].
std::vector<float> analyse(const Basis::Analysis& analysis, std::span<const float> rows, std::uint32_t dims,
                           std::size_t components, base::ThreadPool& pool) {
  const std::size_t count = rows.size() / dims;
  std::vector<float> out(count * components);
  pool.run(base::ceil_div(count, analysed_together), [&](std::size_t piece, unsigned) {
    const std::size_t first = piece * analysed_together, own = std::min(analysed_together, count - first);
    const std::vector<float> values = analysis.apply(rows.subspan(first * dims, own * dims), own);
    std::copy(values.begin(), values.end(), out.begin() + static_cast<std::ptrdiff_t>(first * components));
  });
  return out;
}

// Weighted principal components; `cost` becomes what a unit of error in each is.
Basis weighted_components(const Sample& sample, std::vector<double>& cost) {
  const math::Eigen& eigen = sample.components;
  const double mean = std::accumulate(eigen.values.begin(), eigen.values.end(), 0.0) / sample.schema.dims;
  const auto falls_below = [&](double value) { return !(value > least_variance * eigen.values[0]); };
  const auto dropped = std::find_if(eigen.values.begin(), eigen.values.end(), falls_below);
  const std::size_t kept = std::max<std::size_t>(1, static_cast<std::size_t>(dropped - eigen.values.begin()));
  math::Matrix<double> synthesis(kept, sample.schema.dims);
  for (std::size_t j = 0; j < kept; ++j) {
    const double weight = mean > 0 ? (1 - shrinkage) * eigen.values[j] / mean + shrinkage : 1;
    const double length = std::pow(weight, -power / 2);
    for (std::size_t i = 0; i < synthesis.cols; ++i) synthesis(j, i) = length * eigen.vectors(j, i);
    cost.push_back(length * length);
  }
  return Basis::dense(synthesis, sample.exponent());
}

std::vector<double> norms_of(std::span<const float> values, std::size_t components) {
  std::vector<double> out(values.size() / components);
  for (std::size_t i = 0; i < values.size(); ++i)
    out[i / components] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  for (double& value : out) value = std::sqrt(value);
  return out;
}

// A power of two that brings the median norm near 1, where scales have most room on both sides.
int exponent_of(std::vector<double> norms) {
  std::erase_if(norms, [](double norm) { return !(norm > 0); });
  if (norms.empty()) return 0;
  const auto middle = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
  std::nth_element(norms.begin(), middle, norms.end());
  return std::ilogb(*middle);
}

// Deviations of the components of rows brought to norm 1.
std::vector<float> deviations(std::span<const float> values, std::span<const double> norms, std::size_t components) {
  std::vector<double> squares(components);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double norm = norms[i / components];
    const double value = norm > 0 ? static_cast<double>(values[i]) / norm : 0;
    squares[i % components] += value * value;
  }
  const double largest = *std::max_element(squares.begin(), squares.end());
  std::vector<float> out;
  for (const double square : squares) {
    const double share = std::max(square, largest * least_threshold * least_threshold);
    out.push_back(largest > 0 ? static_cast<float>(std::sqrt(share / static_cast<double>(norms.size()))) : 1.0f);
  }
  return out;
}

// Rows that principal components were learned from vary less in the last of them than other rows do: a few hundredths,
// which cost .001 of recall@10 on Debian-MiniLM. `others`: u of rows that were held out.
void correct(std::span<float> thresholds, std::span<const float> others) {
  const std::size_t components = thresholds.size(), rows = others.size() / components;
  for (std::size_t first = 0; first < components; first += corrected_together) {
    const std::size_t last = std::min(components, first + corrected_together);
    double squares = 0;
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t j = first; j < last; ++j) {
        const auto u = static_cast<double>(others[row * components + j]);
        squares += u * u;
      }
    const double ratio = std::sqrt(squares / static_cast<double>(rows * (last - first)));
    for (std::size_t j = first; j < last; ++j)
      thresholds[j] *= static_cast<float>(std::clamp(ratio, 1.0, most_correction));
  }
}

// Centred rows' components as u, in units of thresholds and of each row's norm.
void normalise(std::span<float> values, std::span<const double> norms, std::span<const float> thresholds) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double step = norms[i / thresholds.size()] * static_cast<double>(thresholds[i % thresholds.size()]);
    values[i] = step > 0 ? static_cast<float>(static_cast<double>(values[i]) / step) : 0;
  }
}

Result<Learned> learn(const Sample& sample, base::ThreadPool& pool) {
  const std::uint32_t dims = sample.schema.dims;
  Learned out;
  Components& all = out.components;
  const bool dense = !sample.components.values.empty();
  out.basis = dense ? weighted_components(sample, all.cost) : Basis::hadamard(dims, sample.exponent(), sample.seed);
  out.basis.set_centre(sample.mean);
  const std::size_t components = out.basis.components();
  ATTAR_ASSIGN(const auto analysis, out.basis.analysis());
  const std::size_t rows = std::min(most_rows, sample.learned().size() / dims);
  const std::vector<float> learned = analyse(analysis, sample.learned().first(rows * dims), dims, components, pool);
  const std::vector<double> norms = norms_of(learned, components);
  if (dense) {
    all.thresholds = deviations(learned, norms, components);
    out.constant = !(sample.components.values[0] > 0);
  } else {
    all.thresholds.assign(components, static_cast<float>(1 / std::sqrt(static_cast<double>(dims))));
    all.cost.assign(components, 1.0);
    out.constant = *std::max_element(norms.begin(), norms.end()) == 0;
  }
  all.measured = analyse(analysis, sample.measured(), dims, components, pool);
  const std::vector<double> measured_norms = norms_of(all.measured, components);
  for (const double norm : measured_norms) all.energy.push_back(norm * norm);
  const bool held_out = sample.learned().size() < sample.rows.size();
  if (dense && held_out) {
    std::vector<float> others = all.measured;
    normalise(others, measured_norms, all.thresholds);
    correct(all.thresholds, others);
  }
  for (float& threshold : all.thresholds) threshold *= static_cast<float>(threshold_deviations);
  normalise(all.measured, measured_norms, all.thresholds);
  out.basis.set_exponent(sample.exponent() + exponent_of(norms));
  if (dense) out.basis.scale_rows(all.thresholds);
  return out;
}

class EsqTrained final : public codec::Trained {
 public:
  EsqTrained(const codec::Schema& schema, Learned learned)
      : schema_(schema), basis_(std::move(learned.basis)), thresholds_(learned.components.thresholds) {
    const auto all = static_cast<std::uint32_t>(base::ceil_div(learned.components.count(), 4));
    for (const std::uint32_t size : walk_sizes) {
      if (!ladders_.empty() && ladders_.back().walk_codes() == all) break;
      ladders_.emplace_back(learned.components, std::min(all, size - walk_values(schema.metric)), !learned.constant);
    }
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    for (std::size_t i = 0; i < ladders_.size(); ++i) {
      const auto rates = ladders_[i].rates();
      const auto fits = [&](const Rate& rate) { return option(i, rate).bytes() <= goal.bytes; };
      const auto largest = std::find_if(rates.rbegin(), rates.rend(), fits);
      if (largest == rates.rend()) continue;
      out.push_back(option(i, *largest));
      out.back().distortion = ladders_[i].distortion(*largest);
    }
    return out;
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    for (std::size_t i = 0; i < ladders_.size(); ++i)
      for (const Rate& rate : ladders_[i].rates())
        if (option(i, rate).params == params) return model(ladders_[i].shape(rate));
    return fail(ErrorCode::invalid_argument,
                "esq has no such row_bytes with such a walk here; take what options() says");
  }

 private:
  // But for its distortion.
  codec::Option option(std::size_t ladder, const Rate& rate) const {
    const std::uint32_t walk_codes = ladders_[ladder].walk_codes();
    const Layout layout(schema_, walk_codes, rate.code_bytes - walk_codes);
    codec::Option out;
    out.variant = "walk " + std::to_string(walk_sizes[ladder]);
    out.params.values["walk_bytes"] = walk_sizes[ladder];
    out.params.values["row_bytes"] = static_cast<std::int64_t>(layout.walk_bytes + layout.finish_bytes);
    out.model_bytes = EsqModel::saved_bytes(basis_.kind(), schema_.dims, rate.components, rate.groups);
    out.codes_bytes = layout.total_bytes;
    out.bytes_per_row = static_cast<double>(layout.walk_bytes + layout.finish_bytes);
    out.scan_cost = rate.components + 0.5 * out.bytes_per_row;
    return out;
  }

  std::shared_ptr<const codec::Model> model(Shape shape) const {
    if (basis_.kind() != Basis::Kind::dense)
      return std::make_shared<const EsqModel>(basis_, std::move(shape), std::vector<float>{thresholds_[0]});
    const auto kept = static_cast<std::ptrdiff_t>(shape.components);
    Basis basis = basis_.first(shape.components);
    return std::make_shared<const EsqModel>(std::move(basis), std::move(shape),
                                            std::vector<float>(thresholds_.begin(), thresholds_.begin() + kept));
  }

  codec::Schema schema_;
  Basis basis_;
  std::vector<float> thresholds_;
  std::vector<Ladder> ladders_;  // as walk_sizes
};

}  // namespace

Result<std::unique_ptr<codec::Trainer>> make_trainer(const codec::Codec&, const codec::Schema& schema,
                                                     const codec::TrainContext& context) {
  const auto make = [](const Sample& sample, base::ThreadPool& pool) -> Result<std::unique_ptr<codec::Trained>> {
    ATTAR_ASSIGN(auto learned, learn(sample, pool));
    return std::make_unique<EsqTrained>(sample.schema, std::move(learned));
  };
  return make_sample_trainer(schema, context, true, make);
}

}  // namespace attar::vector::esq
