// A model of an encoder in an artifact of tensors: its folder packed whole, or its weights alone with the small files
// beside the artifact.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "attar/result.h"
#include "attar/tensors.h"
#include "text/encoder/model_files.h"

namespace attar::engine {

/// `path`: an artifact that holds a folder with config.json and model.safetensors, at its top or below, or a single
/// source of weights whose other files lie in the artifact's folder. Errors of TensorArtifact::open(), `unsupported`
/// for an artifact without weights.
[[nodiscard]] Result<std::unique_ptr<text::ModelFiles>> open_artifact_model(const std::filesystem::path& path);

}  // namespace attar::engine
