#include "engine/text_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace attar::engine {
namespace {

using format::SectionKind;
using Json = nlohmann::ordered_json;

constexpr std::size_t encoder_digest_digits = 64;

}  // namespace

std::string to_json(const EncoderNote& note) {
  return Json{{"name", note.name},     {"dims", note.dims},         {"max_tokens", note.max_tokens},
              {"digest", note.digest}, {"language", note.language}, {"chunk_tokens", note.chunk_tokens}}
      .dump();
}

Result<EncoderNote> encoder_note_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  const auto wrong = [] { return fail(ErrorCode::corrupt, "what it says of its encoder is no object as it must be"); };
  if (!json.is_object()) return wrong();
  EncoderNote out;
  const auto take_text = [&](const char* key, std::string& to) {
    const auto at = json.find(key);
    if (at == json.end() || !at->is_string()) return false;
    to = at->get<std::string>();
    return true;
  };
  const auto take_number = [&](const char* key, std::uint32_t& to) {
    const auto at = json.find(key);
    if (at == json.end() || !at->is_number_unsigned() || at->get<std::uint64_t>() > 0xffff'ffffu) return false;
    to = at->get<std::uint32_t>();
    return true;
  };
  if (!take_text("name", out.name) || !take_text("digest", out.digest) || !take_text("language", out.language) ||
      !take_number("dims", out.dims) || !take_number("max_tokens", out.max_tokens) ||
      !take_number("chunk_tokens", out.chunk_tokens) || out.digest.size() != encoder_digest_digits)
    return wrong();
  return out;
}

Result<std::optional<TextParts>> TextParts::open(const format::ArtifactReader& reader, const codec::Schema& schema) {
  constexpr std::array kinds = {SectionKind::words, SectionKind::terms, SectionKind::texts, SectionKind::documents,
                                SectionKind::encoder};
  if (std::ranges::none_of(kinds, [&](SectionKind kind) { return reader.find(kind) != nullptr; }))
    return std::optional<TextParts>{};
  ATTAR_ASSIGN(auto words, reader.section(SectionKind::words));
  ATTAR_ASSIGN(auto terms, reader.section(SectionKind::terms));
  ATTAR_ASSIGN(auto texts, reader.section(SectionKind::texts));
  ATTAR_ASSIGN(const auto documents, reader.section(SectionKind::documents));
  ATTAR_ASSIGN(const auto encoder, reader.section(SectionKind::encoder));
  ATTAR_TRY(encoder.verify_all());
  auto note = encoder_note_from_json(base::as_text(encoder.bytes()));
  if (!note) return encoder.fail(note.error().code, note.error().message);
  // Questions are encoded to so many numbers, and searched for among rows of so many.
  if (note->dims != schema.dims || schema.metric != Metric::cosine)
    return encoder.fail(ErrorCode::corrupt,
                        fmt::format("vectors of {} dimensions under cosine, the artifact has rows of {} under {}",
                                    note->dims, schema.dims, metric_name(schema.metric)));
  ATTAR_ASSIGN(auto opened_texts, text::Texts::open(std::move(texts), schema.rows));
  ATTAR_ASSIGN(auto opened_documents, text::Documents::open(documents, schema.rows));
  ATTAR_ASSIGN(auto opened_words, index::lexical::LexicalIndex::open(std::move(words), std::move(terms), schema.rows));
  return TextParts{std::move(opened_texts), std::move(opened_documents), std::move(opened_words), *std::move(note)};
}

Status TextParts::check() const {
  ATTAR_TRY(texts.check());
  return words.check();
}

}  // namespace attar::engine
