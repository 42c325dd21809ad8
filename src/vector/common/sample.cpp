#include "vector/common/sample.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace attar::vector {
namespace {

constexpr std::size_t sample_values = 4u << 20;  // 16 MiB of floats
constexpr std::size_t least_rows = 256;
constexpr std::size_t most_rows = 8192;
constexpr std::size_t measured_rows = 128;

class SampleTrainer final : public codec::Trainer {
 public:
  using Make = std::function<Result<std::unique_ptr<codec::Trained>>(Sample)>;

  SampleTrainer(const codec::Schema& schema, const codec::TrainContext& context, bool with_components, Make make)
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
    return make_(std::move(sample_));
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
    if (place < capacity_) std::copy(row.begin(), row.end(), sample_.rows.begin() + static_cast<std::ptrdiff_t>(place * row.size()));
  }

  // The held-out rows are the last ones, so the order must not be the file's.
  void shuffle() {
    const std::size_t dims = sample_.schema.dims;
    for (std::size_t i = sample_.count(); i > 1; --i) {
      float* a = sample_.rows.data() + (i - 1) * dims;
      float* b = sample_.rows.data() + random_.below(i) * dims;
      if (a != b) std::swap_ranges(a, a + dims, b);
    }
  }

  Status find_components() {
    const double scale = std::ldexp(1.0, -sample_.exponent());
    std::vector<float> scaled(sample_.rows.size());
    const std::size_t dims = sample_.schema.dims;
    for (std::size_t i = 0; i < scaled.size(); ++i)
      scaled[i] = static_cast<float>((static_cast<double>(sample_.rows[i]) - sample_.mean[i % dims]) * scale);
    math::MomentAccumulator moments(dims);
    moments.add(scaled, pool_);
    const std::vector<double> zero(dims, 0.0);
    ATTAR_ASSIGN(sample_.components, math::symmetric_eigen(moments.covariance(zero, pool_)));
    for (double& value : sample_.components.values) value = std::max(value, 0.0);
    return {};
  }

  base::ThreadPool& pool_;
  bool with_components_;
  Make make_;
  std::size_t capacity_;
  base::Random random_;
  Sample sample_;
  std::uint64_t fed_ = 0;
};

// ‖x − x̂‖² over ‖x − mean‖², summed over the rows.
Result<double> distortion(const codec::Codec& codec, const std::shared_ptr<const BlockModel>& model,
                          const codec::Schema& schema, std::span<const float> rows, std::span<const double> mean) {
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
    const double centred = value - mean[i % schema.dims], difference = value - static_cast<double>(decoded[i]);
    energy += centred * centred;
    error += difference * difference;
  }
  return energy > 0 ? error / energy : 0.0;
}

}  // namespace

int Sample::exponent() const noexcept { return largest > 0 ? std::ilogb(largest) + 1 : 0; }

std::size_t Sample::held_out() const noexcept { return count() >= 8 * measured_rows ? measured_rows : 0; }

std::unique_ptr<codec::Trainer> make_sample_trainer(const codec::Schema& schema, const codec::TrainContext& context,
                                                    bool with_components,
                                                    std::function<Result<std::unique_ptr<codec::Trained>>(Sample)> make) {
  return std::make_unique<SampleTrainer>(schema, context, with_components, std::move(make));
}

Result<codec::Option> price(const codec::Codec& codec, std::shared_ptr<const BlockModel> model, const Sample& sample,
                            codec::Params params, double cost_per_component) {
  base::MemorySink saved;
  ATTAR_TRY(model->save(saved));
  codec::Option out{.params = std::move(params)};
  out.model_bytes = saved.bytes().size();
  out.codes_bytes = codes_bytes(sample.schema, model->code_bytes());
  out.bytes_per_row = static_cast<double>(row_bytes(sample.schema, model->code_bytes()));
  out.scan_cost = cost_per_component * static_cast<double>(model->basis().components()) + 0.5 * out.bytes_per_row;
  const std::size_t rows = std::min(sample.count(), measured_rows);
  codec::Schema schema = sample.schema;
  schema.rows = rows;
  const auto measured = std::span<const float>(sample.rows).last(rows * schema.dims);
  ATTAR_ASSIGN(out.distortion, distortion(codec, model, schema, measured, sample.mean));
  return out;
}

}  // namespace attar::vector
