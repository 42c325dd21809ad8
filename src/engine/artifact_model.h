// A model of an encoder in an artifact of tensors: its folder packed whole, or its weights alone with the small files
// beside the artifact.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "attar/result.h"
#include "attar/tensors.h"
#include "text/encoder/model_files.h"

namespace attar::engine {

/// `path`: an artifact that holds a folder with config.json and model.safetensors, at its top or below, or a single
/// source of weights whose other files lie in the artifact's folder. Errors of TensorArtifact::open(), `unsupported`
/// for an artifact without weights.
[[nodiscard]] Result<std::unique_ptr<text::ModelFiles>> open_artifact_model(const std::filesystem::path& path);

/// The weights of such an artifact alone.
[[nodiscard]] Result<std::shared_ptr<const nn::WeightSource>> open_artifact_weights(const std::filesystem::path& path);

/// A model's files with other weights. The files outlive it.
class FilesWithWeights final : public text::ModelFiles {
 public:
  FilesWithWeights(const text::ModelFiles& from, std::shared_ptr<const nn::WeightSource> weights)
      : from_(from), weights_(std::move(weights)) {}

  [[nodiscard]] bool has(const std::string& name) const override { return from_.has(name); }
  [[nodiscard]] Result<std::string> read(const std::string& name, std::uint64_t most) const override {
    return from_.read(name, most);
  }
  [[nodiscard]] std::string path_of(const std::string& name) const override { return from_.path_of(name); }
  [[nodiscard]] Result<std::shared_ptr<const nn::WeightSource>> weights() const override { return weights_; }

 private:
  const text::ModelFiles& from_;
  std::shared_ptr<const nn::WeightSource> weights_;
};

}  // namespace attar::engine
