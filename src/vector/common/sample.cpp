#include "vector/common/sample.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace attar::vector {
namespace {

constexpr std::size_t sample_values = 4u << 20;  // 16 MiB of floats
constexpr std::size_t least_rows = 256;
constexpr std::size_t most_rows = 8192;
constexpr std::size_t measured_values = 1u << 19;

class SampleTrainer final : public codec::Trainer {
 public:
  SampleTrainer(const codec::Schema& schema, const codec::TrainContext& context, bool with_components, MakeTrained make)
      : pool_(*context.pool),
        with_components_(with_components && schema.dims <= max_dense_dims),
        make_(std::move(make)),
        capacity_(std::clamp(sample_values / schema.dims, least_rows, most_rows)),
        random_(context.seed) {
    sample_.schema = schema;
    sample_.seed = context.seed;
    sample_.mean.assign(schema.dims, 0.0);
  }

  Status feed(const codec::Chunk& chunk) override {
    if (chunk.dims != sample_.schema.dims)
      return fail(ErrorCode::invalid_argument, "a chunk has other dimensions than the schema");
    for (std::uint64_t r = 0; r < chunk.rows(); ++r) {
      const auto row = chunk.row(r);
      for (std::size_t i = 0; i < row.size(); ++i) {
        sample_.mean[i] += static_cast<double>(row[i]);
        sample_.largest = std::max(sample_.largest, std::fabs(row[i]));
      }
      keep(row);
    }
    return {};
  }

  Result<std::unique_ptr<codec::Trained>> finish() override {
    if (fed_ == 0) return fail(ErrorCode::invalid_argument, "training needs at least one row");
    for (double& value : sample_.mean) value /= static_cast<double>(fed_);
    shuffle();
    if (with_components_) ATTAR_TRY(find_components());
    return make_(std::move(sample_), pool_);
  }

 private:
  // Reservoir sampling: every row fed is as likely to be kept as any other.
  void keep(std::span<const float> row) {
    ++fed_;
    if (fed_ <= capacity_) {
      sample_.rows.insert(sample_.rows.end(), row.begin(), row.end());
      return;
    }
    const std::uint64_t place = random_.below(fed_);
    if (place < capacity_)
      std::copy(row.begin(), row.end(), sample_.rows.begin() + static_cast<std::ptrdiff_t>(place * row.size()));
  }

  // The measured rows are the last ones, so the order must not be the file's.
  void shuffle() {
    const std::size_t dims = sample_.schema.dims;
    for (std::size_t i = sample_.count(); i > 1; --i) {
      float* a = sample_.rows.data() + (i - 1) * dims;
      float* b = sample_.rows.data() + random_.below(i) * dims;
      if (a != b) std::swap_ranges(a, a + dims, b);
    }
  }

  Status find_components() {
    math::MomentAccumulator moments(sample_.schema.dims);
    moments.add(sample_.centred(sample_.learned()), pool_);
    const std::vector<double> zero(sample_.schema.dims, 0.0);
    ATTAR_ASSIGN(sample_.components, math::symmetric_eigen(moments.covariance(zero, pool_)));
    for (double& value : sample_.components.values) value = std::max(value, 0.0);
    return {};
  }

  base::ThreadPool& pool_;
  bool with_components_;
  MakeTrained make_;
  std::size_t capacity_;
  base::Random random_;
  Sample sample_;
  std::uint64_t fed_ = 0;
};

std::size_t measured_count(const Sample& sample) noexcept {
  return std::min(sample.count(), std::clamp<std::size_t>(measured_values / sample.schema.dims, 16, 128));
}

}  // namespace

int Sample::exponent() const noexcept { return largest > 0 ? std::ilogb(largest) + 1 : 0; }

std::span<const float> Sample::measured() const noexcept {
  return std::span(rows).last(measured_count(*this) * schema.dims);
}

std::span<const float> Sample::learned() const noexcept {
  const bool enough = count() >= 8 * measured_count(*this);
  return std::span(rows).first(enough ? rows.size() - measured().size() : rows.size());
}

std::vector<float> Sample::centred(std::span<const float> some) const {
  const double scale = std::ldexp(1.0, -exponent());
  std::vector<float> out(some.size());
  for (std::size_t first = 0; first < some.size(); first += schema.dims)
    for (std::size_t i = 0; i < schema.dims; ++i)
      out[first + i] = static_cast<float>((static_cast<double>(some[first + i]) - mean[i]) * scale);
  return out;
}

std::unique_ptr<codec::Trainer> make_sample_trainer(const codec::Schema& schema, const codec::TrainContext& context,
                                                    bool with_components, MakeTrained make) {
  return std::make_unique<SampleTrainer>(schema, context, with_components, std::move(make));
}

Result<double> measure_distortion(const codec::Codec& codec, const std::shared_ptr<const BlockModel>& model,
                                  const Sample& sample) {
  const std::span<const float> rows = sample.measured();
  codec::Schema schema = sample.schema;
  schema.rows = rows.size() / schema.dims;
  base::ThreadPool alone(1);
  base::MemorySink sink;
  ATTAR_ASSIGN(const auto encoder, codec.encoder(model, schema, sink, alone));
  ATTAR_TRY(encoder->append({rows, schema.dims, 0}));
  ATTAR_TRY(encoder->finish());
  auto section = format::SectionReader::trusted(sink.bytes(), "trial", codec.info().id, codec.info().wire_max);
  ATTAR_ASSIGN(const auto view, codec.open(std::move(section), model, schema, {}));
  std::vector<float> decoded(rows.size());
  ATTAR_TRY(view->decode({0, schema.rows}, decoded));
  double error = 0, energy = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double value = static_cast<double>(rows[i]);
    const double centred = value - sample.mean[i % schema.dims], difference = value - static_cast<double>(decoded[i]);
    energy += centred * centred;
    error += difference * difference;
  }
  return energy > 0 ? error / energy : 0.0;
}

codec::Option make_option(const codec::Schema& schema, std::string variant, codec::Params params, const Price& price) {
  codec::Option out;
  out.variant = std::move(variant);
  out.params = std::move(params);
  out.model_bytes = price.model_bytes;
  out.codes_bytes = codes_bytes(schema, price.code_bytes);
  out.bytes_per_row = static_cast<double>(row_bytes(schema, price.code_bytes));
  out.distortion = price.distortion;
  out.scan_cost = price.work + 0.5 * out.bytes_per_row;
  return out;
}

}  // namespace attar::vector
