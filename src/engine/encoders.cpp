#include "engine/encoders.h"

#include <fmt/format.h>

#include "text/encoder/bert.h"
#include "text/encoder/installed.h"
#include "text/encoder/static/static_encoder.h"

namespace attar::engine {

Result<std::shared_ptr<const text::Encoder>> open_encoder(const std::string& name) {
  if (name.empty()) {
    ATTAR_ASSIGN(const text::Encoder* embedded, text::embedded_encoder());
    return std::shared_ptr<const text::Encoder>(std::shared_ptr<const text::Encoder>(),
                                                embedded);  // owned by the library
  }
  ATTAR_ASSIGN(auto out, text::BertEncoder::open(name));
  return std::shared_ptr<const text::Encoder>(std::move(out));
}

Result<std::shared_ptr<const text::Encoder>> encoder_of(const EncoderNote& note, const std::string& name) {
  ATTAR_ASSIGN(auto out, open_encoder(name));
  if (out->info().digest == note.digest) return out;
  if (const auto folder =
          name.empty() ? text::find_installed_encoder(text::PythonPlaces::of_process()) : std::nullopt) {
    auto installed = open_encoder(folder->string());
    if (installed && (*installed)->info().digest == note.digest) return installed;
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("the documents were packed with the encoder {}, and {} is another one: their vectors do not "
                          "compare; name the folder of {}, as with --encoder, or ask for words alone (--lexical)",
                          note.name, out->info().name, note.name));
}

}  // namespace attar::engine
