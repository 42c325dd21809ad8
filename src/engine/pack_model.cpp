// Packing a model that this library runs: sensitivities from one half of the texts, a certificate from the other.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attar/model_certificate.h"
#include "base/hash.h"
#include "base/random.h"
#include "certify/model_certificate.h"
#include "engine/artifact_model.h"
#include "engine/input.h"
#include "engine/measuring.h"
#include "engine/sensitivity.h"
#include "format/certify_copy.h"
#include "text/encoder/bert.h"

namespace attar {
namespace {

namespace fs = std::filesystem;

class ModelCertifying {
 public:
  ModelCertifying(const engine::NamedModel& model, const CertifyModelOptions& options)
      : model_(model), options_(options), pool_(options.threads), progress_(engine::or_silent(options.progress)) {}

  Result<ModelCertificate> run(const fs::path& path, std::span<const std::string> texts) {
    ATTAR_TRY(engine::check_confidence(options_.confidence));
    ATTAR_ASSIGN(const TensorArtifact artifact, TensorArtifact::open(path));
    const TensorsInfo info = artifact.info();
    ATTAR_ASSIGN(const auto before, open(nullptr));
    ATTAR_ASSIGN(auto weights, engine::open_artifact_weights(path));
    ATTAR_ASSIGN(const auto after, open(std::move(weights)));
    std::vector<std::string_view> kept;
    base::Sha256 hasher;
    for (const std::string& text : texts) {
      if (before->count_tokens(text) == 0) continue;
      kept.push_back(text);
      hasher.update(std::as_bytes(std::span(text)));
      hasher.update(std::as_bytes(std::span("\n", 1)));
    }
    if (kept.empty()) return fail(ErrorCode::invalid_data, "no text holds a token; give texts as the model will read");
    progress_.stage("certifying", 0);
    ATTAR_ASSIGN(const std::vector<double> lost, losses(*before, *after, kept));
    const certify::LostBound bound = certify::bound_lost(lost, 1 - options_.confidence);
    return ModelCertificate{.texts = kept.size(),
                            .lost = bound.mean,
                            .upper_bound = bound.upper,
                            .confidence = options_.confidence,
                            .predicted = info.weighed_error,
                            .content_digest = info.content_digest,
                            .texts_digest = hasher.finish().hex(),
                            .model_digest = before->info().digest,
                            .build = engine::build_in_words(),
                            .scope =
                                "The mean of 1 - cosine over texts like the measured ones, between this model's "
                                "vectors before and after packing, layers in single precision; not of other "
                                "texts, and not of what is done with the vectors."};
  }

 private:
  using Encoder = std::unique_ptr<text::BertEncoder>;

  Result<Encoder> open(std::shared_ptr<const nn::WeightSource> weights) const {
    const text::BertOptions options{.precision = nn::Precision::f32, .name = model_.name};
    if (weights == nullptr) return text::BertEncoder::make(*model_.files, model_.path, options);
    return text::BertEncoder::make(engine::FilesWithWeights(*model_.files, std::move(weights)), model_.path, options);
  }

  Result<std::vector<double>> losses(const text::BertEncoder& before, const text::BertEncoder& after,
                                     std::span<const std::string_view> texts) {
    const std::size_t dims = before.info().dims;
    std::vector<float> one(texts.size() * dims), other(texts.size() * dims);
    ATTAR_TRY(before.encode(texts, pool_, one));
    ATTAR_TRY(base::check_cancelled(progress_));
    ATTAR_TRY(after.encode(texts, pool_, other));
    return engine::lost_cosines(one, other, dims);
  }

  const engine::NamedModel& model_;
  const CertifyModelOptions& options_;
  base::ThreadPool pool_;
  Progress& progress_;
};

// A model by its folder, by the weights' file in it, or by an artifact.
Result<engine::NamedModel> open_model_at(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored) || is_tensor_artifact(path)) return engine::open_model(path.string());
  return engine::open_model(path.has_parent_path() ? path.parent_path().string() : ".");
}

struct Halves {
  std::vector<std::string> first, second;
};

// Equal texts go into one half: what was seen is not measured.
Halves halves_of(std::vector<std::string> texts, std::uint64_t seed) {
  std::ranges::sort(texts);
  const auto repeated = std::ranges::unique(texts);
  texts.erase(repeated.begin(), repeated.end());
  base::Random random(seed);
  random.shuffle(std::span(texts));
  const auto middle = texts.begin() + static_cast<std::ptrdiff_t>(texts.size() / 2);
  return {.first = {texts.begin(), middle}, .second = {middle, texts.end()}};
}

}  // namespace

Result<ModelCertificate> certify_model(const fs::path& artifact, const std::string& model, const fs::path& texts,
                                       const CertifyModelOptions& options) {
  ATTAR_ASSIGN(const engine::NamedModel named, open_model_at(model));
  ATTAR_ASSIGN(const std::vector<std::string> read, engine::read_model_texts(texts));
  return ModelCertifying(named, options).run(artifact, read);
}

Result<PackModelReport> pack_model(const fs::path& input, const fs::path& output, const fs::path& texts,
                                   const PackModelOptions& options) {
  ATTAR_TRY(engine::check_confidence(options.confidence));
  if (!options.pack.loss.budget)
    return fail(ErrorCode::invalid_argument, "texts tell what a budget should spare; name one: --budget 12MB");
  ATTAR_ASSIGN(std::vector<std::string> read, engine::read_model_texts(texts));
  const Halves halves = halves_of(std::move(read), options.sensitivity.seed);
  if (halves.first.empty())
    return std::unexpected(Error{.code = ErrorCode::invalid_data,
                                 .message = "has fewer than two different texts; some hundred are of use",
                                 .file = texts.string()});
  PackModelReport out;
  ATTAR_ASSIGN(const engine::NamedModel model, open_model_at(input));
  ATTAR_ASSIGN(out.sensitivity, engine::measure_sensitivity_on(model, halves.first, options.sensitivity));
  PackTensorsOptions pack = options.pack;
  for (const TensorSensitivity& tensor : out.sensitivity.tensors) pack.loss.measured[tensor.name] = tensor.alpha;
  pack.certificate_bytes = certify::model_certificate_bytes;
  ATTAR_ASSIGN(out.pack, pack_tensors(input, output, pack));
  const CertifyModelOptions certify{
      .confidence = options.confidence, .threads = pack.threads, .progress = pack.progress};
  ATTAR_ASSIGN(out.certificate, ModelCertifying(model, certify).run(output, halves.second));
  const std::string text = certify::to_json(out.certificate);
  ATTAR_ASSIGN(const auto reader, format::ArtifactReader::open(output));
  ATTAR_TRY(format::copy_with_certificate(reader, output, std::as_bytes(std::span(text))));
  return out;
}

}  // namespace attar
