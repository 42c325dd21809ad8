// What an artifact of documents has beside vectors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attar/limits.h"
#include "attar/result.h"
#include "codec/vectors.h"
#include "format/reader.h"
#include "index/lexical/reader.h"
#include "text/store/documents.h"
#include "text/store/texts.h"

namespace attar::engine {

/// The digest of an artifact whose vectors were given: what could encode a question is not known.
inline constexpr std::string_view no_encoder = "0000000000000000000000000000000000000000000000000000000000000000";

/// What made the vectors and the terms: the encoder section.
struct EncoderNote {
  std::string name;
  std::string digest;  ///< 64 hexadecimal digits
  std::uint32_t dims = 0;
  std::uint32_t max_tokens = 0;
  std::uint32_t chunk_tokens = 0;
  std::string language;
};

[[nodiscard]] std::string to_json(const EncoderNote& note);
/// `corrupt` for anything that to_json() does not write.
[[nodiscard]] Result<EncoderNote> encoder_note_from_json(std::string_view text);

struct TextParts {
  text::Texts texts;
  text::Documents documents;
  index::lexical::LexicalIndex words;
  EncoderNote encoder;

  /// Nothing where the file holds no texts; `corrupt` where it holds some of these parts only, or other vectors than
  /// those of its encoder.
  [[nodiscard]] static Result<std::optional<TextParts>> open(const format::ArtifactReader& reader,
                                                             const codec::Schema& schema);
  [[nodiscard]] Status check() const;
};

}  // namespace attar::engine
