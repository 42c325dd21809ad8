#include "engine/artifact_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/checked.h"
#include "data/input_file.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view checkpoint_name = "model.safetensors", settings_name = "config.json";
// Smaller tensors are not worth the start of threads.
constexpr std::uint64_t worth_threads = 1u << 20;

// What is kept of an artifact's tensor to read it.
struct ArtifactTensor {
  data::Tensor tensor;
  std::size_t number;
};

// Elements by the shape; nothing where they are not what the bytes say.
std::optional<std::uint64_t> count_by_shape(const TensorInfo& info, data::TensorType type) {
  std::uint64_t count = 1;
  for (const std::uint64_t axis : info.shape) {
    const auto product = base::checked_mul(count, axis);
    if (!product) return std::nullopt;
    count = *product;
  }
  const auto bytes = base::checked_mul(count, data::tensor_type_bytes(type));
  return bytes && *bytes == info.bytes ? std::optional(count) : std::nullopt;
}

class ArtifactWeights final : public nn::WeightSource {
 public:
  ArtifactWeights(std::shared_ptr<const TensorArtifact> artifact, std::string_view source, std::string path)
      : artifact_(std::move(artifact)), path_(std::move(path)) {
    for (std::size_t i = 0; i < artifact_->size(); ++i) {
      const TensorInfo info = artifact_->tensor(i);
      const auto type = data::find_tensor_type(info.type);
      if (info.source != source || !type) continue;
      const auto count = count_by_shape(info, *type);
      if (!count) continue;
      tensors_.try_emplace(
          info.name,
          ArtifactTensor{
              .tensor = {.name = info.name, .type = *type, .shape = info.shape, .count = *count, .bytes = {}},
              .number = i});
    }
  }

  [[nodiscard]] const data::Tensor* find(std::string_view name) const noexcept override {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second.tensor;
  }

  [[nodiscard]] Result<nn::WeightBytes> read(const data::Tensor& tensor) const override {
    const auto found = tensors_.find(tensor.name);
    if (found == tensors_.end())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} is no tensor of this source", data::in_quotes(tensor.name)));
    const std::uint64_t bytes = tensor.count * data::tensor_type_bytes(tensor.type);
    nn::WeightBytes out;
    ATTAR_ASSIGN(out.own, artifact_->read(found->second.number, bytes >= worth_threads ? 0 : 1));
    out.bytes = out.own;
    return out;
  }

  [[nodiscard]] const std::string& path() const noexcept override { return path_; }

 private:
  std::shared_ptr<const TensorArtifact> artifact_;
  std::string path_;
  std::map<std::string, ArtifactTensor, std::less<>> tensors_;
};

class ArtifactFiles final : public text::ModelFiles {
 public:
  ArtifactFiles(TensorArtifact artifact, fs::path path, std::string checkpoint)
      : artifact_(std::make_shared<const TensorArtifact>(std::move(artifact))),
        path_(std::move(path)),
        checkpoint_(std::move(checkpoint)),
        folder_(checkpoint_.substr(0, checkpoint_.rfind('/') + 1)),
        beside_(path_.has_parent_path() ? path_.parent_path() : fs::path(".")) {
    for (std::size_t i = 0; i < artifact_->size(); ++i) {
      const TensorInfo info = artifact_->tensor(i);
      if (info.type == "bytes") files_.try_emplace(info.source, i);
    }
    whole_ = files_.contains(folder_ + std::string(settings_name));
  }

  [[nodiscard]] bool has(const std::string& name) const override {
    return whole_ ? files_.contains(folder_ + name) : beside_.has(name);
  }

  [[nodiscard]] Result<std::string> read(const std::string& name, std::uint64_t most) const override {
    if (!whole_) return beside_.read(name, most);
    const auto found = files_.find(folder_ + name);
    if (found == files_.end())
      return error(name, ErrorCode::invalid_data, "is not there; pack the model's whole folder");
    if (artifact_->tensor(found->second).bytes > most)
      return error(name, ErrorCode::over_limit,
                   fmt::format("is larger than the {} bytes that Attar reads of it", most));
    ATTAR_ASSIGN(const std::vector<std::byte> bytes, artifact_->read(found->second));
    return std::string(base::as_text(bytes));
  }

  [[nodiscard]] std::string path_of(const std::string& name) const override {
    return whole_ ? fmt::format("{}:{}{}", path_.string(), folder_, name) : beside_.path_of(name);
  }

  [[nodiscard]] Result<std::shared_ptr<const nn::WeightSource>> weights() const override {
    return std::make_shared<const ArtifactWeights>(artifact_, checkpoint_, path_.string());
  }

 private:
  [[nodiscard]] std::unexpected<Error> error(const std::string& name, ErrorCode code, std::string message) const {
    return std::unexpected(Error{.code = code, .message = std::move(message), .file = path_of(name)});
  }

  std::shared_ptr<const TensorArtifact> artifact_;
  fs::path path_;
  std::string checkpoint_, folder_;  // a source, and the part of its path before its name
  text::FolderFiles beside_;
  std::map<std::string, std::size_t> files_;  // a source's path, and the number of its only tensor
  bool whole_ = false;
};

// The source that holds the weights: the only one, else the checkpoint that lies nearest to the top.
Result<std::string> find_checkpoint(const TensorsInfo& info) {
  if (info.sources.size() == 1) return info.sources.front();
  std::optional<std::string> out;
  for (const std::string& source : info.sources) {
    const std::string_view name = std::string_view(source).substr(source.rfind('/') + 1);
    if (name == checkpoint_name && (!out || source.size() < out->size())) out = source;
  }
  if (out) return *out;
  if (info.sources.empty() && !info.tensors.empty())
    return std::unexpected(Error{.code = ErrorCode::corrupt,
                                 .message = "has a list of files that cannot be read; attar verify says why",
                                 .file = info.path});
  return std::unexpected(
      Error{.code = ErrorCode::unsupported,
            .message = fmt::format("holds {} files and no {} among them; pack a model's folder: attar pack FOLDER -o "
                                   "model.attar --lossless",
                                   info.sources.size(), checkpoint_name),
            .file = info.path});
}

}  // namespace

Result<std::unique_ptr<text::ModelFiles>> open_artifact_model(const fs::path& path) {
  ATTAR_ASSIGN(TensorArtifact artifact, TensorArtifact::open(path));
  ATTAR_ASSIGN(std::string checkpoint, find_checkpoint(artifact.info()));
  return std::make_unique<ArtifactFiles>(std::move(artifact), path, std::move(checkpoint));
}

Result<std::shared_ptr<const nn::WeightSource>> open_artifact_weights(const fs::path& path) {
  ATTAR_ASSIGN(TensorArtifact artifact, TensorArtifact::open(path));
  ATTAR_ASSIGN(const std::string checkpoint, find_checkpoint(artifact.info()));
  return std::make_shared<const ArtifactWeights>(std::make_shared<const TensorArtifact>(std::move(artifact)),
                                                 checkpoint, path.string());
}

}  // namespace attar::engine
