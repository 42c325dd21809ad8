#include "engine/encoders.h"

#include <fmt/format.h>

#include "text/encoder/bert.h"
#include "text/encoder/command.h"
#include "text/encoder/installed.h"
#include "text/encoder/static/static_encoder.h"

namespace attar::engine {
namespace {

constexpr std::string_view command_prefix = "cmd:";

}  // namespace

Result<std::shared_ptr<const text::Encoder>> open_encoder(const std::string& name) {
  if (name.empty()) {
    ATTAR_ASSIGN(const text::Encoder* embedded, text::embedded_encoder());
    return std::shared_ptr<const text::Encoder>(std::shared_ptr<const text::Encoder>(),
                                                embedded);  // owned by the library
  }
  if (name.starts_with(command_prefix)) {
    ATTAR_ASSIGN(auto command, text::CommandEncoder::open(name.substr(command_prefix.size())));
    return std::shared_ptr<const text::Encoder>(std::move(command));
  }
  ATTAR_ASSIGN(auto out, text::BertEncoder::open(name));
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
