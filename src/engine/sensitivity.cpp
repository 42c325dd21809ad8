// Noise on one matrix of a model after another, and how far its vectors move.
#include "engine/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "data/documents/beir.h"
#include "engine/artifact_model.h"
#include "engine/encoders.h"
#include "engine/input.h"
#include "math/vector_ops.h"
#include "text/encoder/bert.h"

namespace attar {
namespace {

// What single precision cannot tell from nothing. A share is never less, for who weighs by it may divide by it.
constexpr double least_alpha = 1e-6;

using nn::WeightBytes;
using nn::WeightSource;

// Keeps what was decoded once, for the model is made many times.
class KeptWeights final : public WeightSource {
 public:
  explicit KeptWeights(std::shared_ptr<const WeightSource> from) : from_(std::move(from)) {}

  [[nodiscard]] const data::Tensor* find(std::string_view name) const noexcept override { return from_->find(name); }
  [[nodiscard]] Result<WeightBytes> read(const data::Tensor& tensor) const override {
    const std::lock_guard lock(mutex_);
    auto found = kept_.find(tensor.name);
    if (found == kept_.end()) {
      ATTAR_ASSIGN(WeightBytes bytes, from_->read(tensor));
      found = kept_.emplace(tensor.name, std::move(bytes)).first;
    }
    return WeightBytes{.bytes = found->second.bytes};
  }
  [[nodiscard]] const std::string& path() const noexcept override { return from_->path(); }

 private:
  std::shared_ptr<const WeightSource> from_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, WeightBytes> kept_;
};

// One tensor with noise, all else as it is.
class NoisyWeights final : public WeightSource {
 public:
  NoisyWeights(std::shared_ptr<const WeightSource> from, const data::Tensor& tensor, std::vector<float> values)
      : from_(std::move(from)), noisy_(tensor), values_(std::move(values)) {
    noisy_.type = data::TensorType::f32;
    noisy_.bytes = std::as_bytes(std::span<const float>(values_));
  }

  [[nodiscard]] const data::Tensor* find(std::string_view name) const noexcept override {
    return name == noisy_.name ? &noisy_ : from_->find(name);
  }
  [[nodiscard]] Result<WeightBytes> read(const data::Tensor& tensor) const override {
    if (tensor.name == noisy_.name) return WeightBytes{.bytes = noisy_.bytes};
    return from_->read(tensor);
  }
  [[nodiscard]] const std::string& path() const noexcept override { return from_->path(); }

 private:
  std::shared_ptr<const WeightSource> from_;
  data::Tensor noisy_;
  std::vector<float> values_;
};

// Adds noise whose squares are `share` of the values'; returns the share that rounding left of it.
double add_noise(std::vector<float>& values, double share, std::uint64_t seed) {
  base::Random random(seed);
  const double size =
      std::sqrt(share * math::dot(values, values) / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
  double before = 0, noise = 0;
  for (float& value : values) {
    const auto changed = static_cast<float>(double{value} + size * random.normal());
    const double left = double{changed} - double{value};
    before += double{value} * double{value};
    noise += left * left;
    value = changed;
  }
  return before > 0 ? noise / before : 0;
}

class SensitivityTrial {
 public:
  SensitivityTrial(const SensitivityOptions& options, const engine::NamedModel& model)
      : options_(options), model_(model), pool_(options.threads), progress_(engine::or_silent(options.progress)) {}

  Result<SensitivityReport> run(std::span<const std::string> texts) {
    const auto started = base::Clock::now();
    ATTAR_ASSIGN(auto source, model_.files->weights());
    weights_ = std::make_shared<const KeptWeights>(std::move(source));
    ATTAR_ASSIGN(const auto plain, open(weights_));
    ATTAR_TRY(encode_plain(*plain, texts));
    SensitivityReport out{.model = plain->info().name, .digest = plain->info().digest};
    out.texts = texts_.size();
    out.noise = options_.noise;
    out.seed = options_.seed;
    const std::vector<const data::Tensor*> matrices = matrices_of(plain->model());
    progress_.stage("measuring tensors", matrices.size());
    for (const data::Tensor* tensor : matrices) {
      ATTAR_TRY(base::check_cancelled(progress_));
      ATTAR_ASSIGN(const double alpha, alpha_of(*tensor));
      out.tensors.push_back(
          {.name = tensor->name, .rows = tensor->shape[0], .columns = tensor->shape[1], .alpha = alpha});
      progress_.advance(1);
    }
    out.seconds = base::seconds_since(started);
    return out;
  }

 private:
  using BertPointer = std::unique_ptr<text::BertEncoder>;

  Result<BertPointer> open(std::shared_ptr<const WeightSource> weights) const {
    return text::BertEncoder::make(engine::FilesWithWeights(*model_.files, std::move(weights)), model_.path,
                                   {.precision = nn::Precision::f32, .name = model_.name});
  }

  // Texts without a token have no vector, and are left out.
  Status encode_plain(const text::BertEncoder& encoder, std::span<const std::string> texts) {
    for (const std::string& own : texts)
      if (encoder.count_tokens(own) != 0) texts_.push_back(own);
    if (texts_.empty())
      return fail(ErrorCode::invalid_data, "no text holds a token; give texts as the model will read, one a line");
    dims_ = encoder.info().dims;
    plain_.resize(texts_.size() * dims_);
    return encoder.encode(texts_, pool_, plain_);
  }

  // Each once, in the order in which the model takes them.
  [[nodiscard]] std::vector<const data::Tensor*> matrices_of(const nn::Bert& model) const {
    std::vector<const data::Tensor*> out;
    std::set<std::string_view> seen;
    for (const std::string& name : model.tensor_names()) {
      const data::Tensor* tensor = weights_->find(name);
      if (tensor->shape.size() == 2 && seen.insert(tensor->name).second) out.push_back(tensor);
    }
    return out;
  }

  Result<double> alpha_of(const data::Tensor& tensor) {
    ATTAR_ASSIGN(const WeightBytes bytes, weights_->read(tensor));
    data::Tensor whole = tensor;
    whole.bytes = bytes.bytes;
    std::vector<float> values(tensor.count);
    data::widen(whole, 0, values);
    // A tensor's noise is its own, whatever others the model has.
    const double noise =
        add_noise(values, options_.noise, options_.seed ^ base::checksum(std::as_bytes(std::span(tensor.name))));
    if (noise == 0) return least_alpha;  // a matrix of zeros cannot be wrong by a share of itself
    ATTAR_ASSIGN(const BertPointer changed,
                 open(std::make_shared<const NoisyWeights>(weights_, tensor, std::move(values))));
    std::vector<float> out(plain_.size());
    ATTAR_TRY(changed->encode(texts_, pool_, out));
    return std::max(lost(out) / noise, least_alpha);
  }

  // The mean of 1 − cosine.
  [[nodiscard]] double lost(std::span<const float> changed) const {
    const std::vector<double> each = engine::lost_cosines(plain_, changed, dims_);
    return std::accumulate(each.begin(), each.end(), 0.0) / static_cast<double>(each.size());
  }

  const SensitivityOptions& options_;
  const engine::NamedModel& model_;
  base::ThreadPool pool_;
  Progress& progress_;
  std::shared_ptr<const WeightSource> weights_;
  std::vector<std::string_view> texts_;
  std::size_t dims_ = 0;
  std::vector<float> plain_;
};

}  // namespace

namespace engine {

Result<SensitivityReport> measure_sensitivity_on(const NamedModel& model, std::span<const std::string> texts,
                                                 const SensitivityOptions& options) {
  if (!(options.noise > 0 && options.noise <= 1))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("noise is {}; take a share of the weights' squares above 0 and at most 1, as 0.01", options.noise));
  return SensitivityTrial(options, model).run(texts);
}

std::vector<double> lost_cosines(std::span<const float> before, std::span<const float> after, std::size_t dims) {
  std::vector<double> out;
  for (std::size_t at = 0; at < before.size(); at += dims) {
    const auto one = before.subspan(at, dims), other = after.subspan(at, dims);
    const double sizes = std::sqrt(math::dot(one, one) * math::dot(other, other));
    out.push_back(sizes > 0 ? 1 - math::dot(one, other) / sizes : 1);
  }
  return out;
}

Result<std::vector<std::string>> read_model_texts(const std::filesystem::path& path) {
  ATTAR_ASSIGN(auto read, data::read_queries(path));
  std::vector<std::string> out;
  out.reserve(read.size());
  for (data::Query& query : read) out.push_back(std::move(query.text));
  return out;
}

}  // namespace engine

Result<SensitivityReport> measure_sensitivity(const std::string& model, const std::filesystem::path& texts,
                                              const SensitivityOptions& options) {
  ATTAR_ASSIGN(const engine::NamedModel named, engine::open_model(model));
  ATTAR_ASSIGN(const std::vector<std::string> read, engine::read_model_texts(texts));
  auto out = engine::measure_sensitivity_on(named, read, options);
  if (!out && out.error().code == ErrorCode::invalid_data && out.error().file.empty())
    out.error().file = texts.string();
  return out;
}

Status save_sensitivity(const SensitivityReport& report, const std::filesystem::path& path) {
  using Json = nlohmann::ordered_json;
  Json tensors = Json::object();
  for (const TensorSensitivity& tensor : report.tensors) tensors[tensor.name] = tensor.alpha;
  const Json out = {{"format", "attar-sensitivity 1"}, {"model", report.model}, {"digest", report.digest},
                    {"texts", report.texts},           {"noise", report.noise}, {"seed", report.seed},
                    {"tensors", std::move(tensors)}};
  const std::string text = out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  ATTAR_ASSIGN(auto file, base::AtomicFile::create(path));
  ATTAR_TRY(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

}  // namespace attar
