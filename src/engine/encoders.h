// Which encoder makes vectors of text: the library's own, or that of a folder or an artifact.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/text_parts.h"
#include "text/encoder/encoder.h"
#include "text/encoder/model_files.h"

namespace attar::engine {

/// An empty name: the embedded one. Else a folder with a BERT model, an artifact of one, or "cmd:" and a command.
/// `precision`: how a BERT model's layers multiply, "f32", "bf16", "int8" or "int4"; empty: int8. `invalid_argument`
/// for one of an encoder that is no such model.
[[nodiscard]] Result<std::shared_ptr<const text::Encoder>> open_encoder(const std::string& name,
                                                                        const std::string& precision = {});

/// The files of a BERT model: of a folder, of one with model.attar in the place of model.safetensors, or of an
/// artifact.
struct NamedModel {
  std::unique_ptr<text::ModelFiles> files;
  std::filesystem::path path;  ///< what errors call it
  std::string name;            ///< for EncoderInfo; empty: the folder's
};
[[nodiscard]] Result<NamedModel> open_model(const std::string& name);

/// The encoder that an artifact was packed with: `name` where it is given, else what the note asks for, if it can be
/// found. `invalid_argument` with the fix where it is another, or none is found.
[[nodiscard]] Result<std::shared_ptr<const text::Encoder>> encoder_of(const EncoderNote& note, const std::string& name);

}  // namespace attar::engine
