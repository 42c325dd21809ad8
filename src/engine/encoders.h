// Which encoder makes vectors of text: the library's own, or a folder's.
#pragma once

#include <memory>
#include <string>

#include "engine/text_parts.h"
#include "text/encoder/encoder.h"

namespace attar::engine {

/// An empty name: the embedded one. `invalid_argument` for a folder that holds none.
[[nodiscard]] Result<std::shared_ptr<const text::Encoder>> open_encoder(const std::string& name);

/// The encoder that an artifact was packed with: `name` where it is given, else what the note asks for, if it can be
/// found. `invalid_argument` with the fix where it is another, or none is found.
[[nodiscard]] Result<std::shared_ptr<const text::Encoder>> encoder_of(const EncoderNote& note, const std::string& name);

}  // namespace attar::engine
