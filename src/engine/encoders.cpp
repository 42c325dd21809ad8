#include "engine/encoders.h"

#include <fmt/format.h>

#include "engine/artifact_model.h"
#include "text/encoder/bert.h"
#include "text/encoder/command.h"
#include "text/encoder/installed.h"
#include "text/encoder/static/static_encoder.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view command_prefix = "cmd:", packed_weights = "model.attar";

Result<nn::Precision> precision_of(const std::string& word) {
  if (word.empty()) return nn::Precision::int8;
  if (const auto out = nn::parse_precision(word)) return *out;
  return fail(ErrorCode::invalid_argument,
              fmt::format("there is no precision '{}'; take f32, bf16, int8 or int4", word));
}

}  // namespace

Result<NamedModel> open_model(const std::string& name) {
  NamedModel out{.files = nullptr, .path = name, .name = {}};
  std::error_code ignored;
  fs::path artifact;
  if (fs::is_regular_file(out.path, ignored)) {
    artifact = out.path;
    if (artifact.filename() == packed_weights) {
      out.path = artifact.has_parent_path() ? artifact.parent_path() : fs::path(".");
    } else {
      out.name = artifact.stem().string();
    }
  } else if (!fs::exists(out.path / "model.safetensors", ignored) && fs::exists(out.path / packed_weights, ignored)) {
    artifact = out.path / packed_weights;
  }
  if (artifact.empty()) {
    out.files = std::make_unique<text::FolderFiles>(out.path);
    return out;
  }
  auto files = open_artifact_model(artifact);
  if (!files && artifact.extension() != ".attar")
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is no artifact; an encoder is a folder with config.json and model.safetensors, or an "
                            "artifact of one: attar pack FOLDER -o model.attar --lossless",
                            name));
  if (!files) return std::unexpected(files.error());
  out.files = *std::move(files);
  return out;
}

Result<std::shared_ptr<const text::Encoder>> open_encoder(const std::string& name, const std::string& precision) {
  ATTAR_ASSIGN(const nn::Precision kept, precision_of(precision));
  if (!precision.empty() && (name.empty() || name.starts_with(command_prefix)))
    return fail(ErrorCode::invalid_argument,
                "a precision is that of a BERT model; name one (--encoder FOLDER), or leave the precision out");
  if (name.empty()) {
    ATTAR_ASSIGN(const text::Encoder* embedded, text::embedded_encoder());
    return std::shared_ptr<const text::Encoder>(std::shared_ptr<const text::Encoder>(),
                                                embedded);  // owned by the library
  }
  if (name.starts_with(command_prefix)) {
    ATTAR_ASSIGN(auto command, text::CommandEncoder::open(name.substr(command_prefix.size())));
    return std::shared_ptr<const text::Encoder>(std::move(command));
  }
  ATTAR_ASSIGN(const NamedModel model, open_model(name));
  ATTAR_ASSIGN(auto out, text::BertEncoder::make(*model.files, model.path, {.precision = kept, .name = model.name}));
  return std::shared_ptr<const text::Encoder>(std::move(out));
}

Result<std::shared_ptr<const text::Encoder>> encoder_of(const EncoderNote& note, const std::string& name) {
  if (note.digest == no_encoder) {
    // An encoder that is named for vectors that were given is taken on trust.
    if (!name.empty()) return open_encoder(name);
    return fail(ErrorCode::invalid_argument,
                "the documents came with vectors of their own: give the question's vector (--vector), name the encoder "
                "that made them (--encoder), or ask for words alone (--lexical)");
  }
  ATTAR_ASSIGN(auto out, open_encoder(name));
  if (out->info().digest == note.digest) return out;
  if (const auto folder =
          name.empty() ? text::find_installed_encoder(text::PythonPlaces::of_process()) : std::nullopt) {
    auto installed = open_encoder(folder->string());
    if (installed && (*installed)->info().digest == note.digest) return installed;
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("the documents were packed with the encoder {}, and {} is another one: their vectors do not "
                          "compare; name that one (--encoder), or ask for words alone (--lexical)",
                          note.name, out->info().name));
}

}  // namespace attar::engine
