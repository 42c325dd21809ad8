#include "text/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "data/input_file.h"
#include "text/encoder/static/static_encoder.h"
#include "text/tokenizer/files.h"

namespace attar::text {
namespace {

namespace fs = std::filesystem;
using data::in_quotes;

class Characters final : public Tokenizer {
 public:
  Characters() : Tokenizer("characters/4", true) {}

  [[nodiscard]] std::size_t count(std::string_view text) const override {
    // Every byte but those that continue a character.
    std::size_t characters = 0;
    for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    return (characters + 3) / 4;
  }
  [[nodiscard]] Joins joins() const noexcept override { return Joins::anywhere; }
};

constexpr std::string_view kinds =
    "characters/4, wordpiece, or a file: tokenizer.json, NAME.tiktoken, NAME.model of SentencePiece, vocab.txt";

Result<std::unique_ptr<Tokenizer>> carried() {
  ATTAR_ASSIGN(const StaticEncoder* const encoder, embedded_encoder());
  Pipeline out;
  out.model = make_word_model([encoder](std::string_view text) { return encoder->count_tokens(text); });
  out.joins = Joins::at_spaces;
  return make_tokenizer("wordpiece", std::move(out));
}

// A file's path, and the pattern that stands behind a colon after it.
struct Named {
  fs::path path;
  std::string pattern = {};
};

Named take_apart(const std::string& name) {
  std::error_code ignored;
  const std::size_t colon = name.rfind(':');
  if (colon == std::string::npos || fs::exists(name, ignored)) return {name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

// Of a folder the file that tells most.
fs::path file_in(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.txt"})
    if (fs::exists(path / name, ignored)) return path / name;
  return path / "tokenizer.json";
}

Result<Pattern> pattern_for(const Named& named) {
  const std::string name = named.pattern.empty() ? named.path.stem().string() : named.pattern;
  if (const std::optional<Pattern> known = pattern_of_name(name)) return *known;
  return fail(
      ErrorCode::unsupported,
      fmt::format("is cut by a pattern that its name {} does not tell; write one behind a colon, {}:NAME, of {}",
                  in_quotes(name), named.path.filename().string(), pattern_names()));
}

Result<Pipeline> read_ranks(const Named& named, std::string_view bytes) {
  ATTAR_ASSIGN(const Pattern pattern, pattern_for(named));
  return read_tiktoken(bytes, pattern);
}

Result<Pipeline> read(const Named& named, base::ByteView bytes) {
  const std::string ending = named.path.extension().string();
  const std::string_view text = base::as_text(bytes);
  if (!named.pattern.empty() || ending == ".tiktoken") return read_ranks(named, text);
  if (ending == ".json") return read_tokenizer_json(text);
  if (ending == ".txt") return read_vocabulary(text);
  if (ending == ".model") return looks_like_tiktoken(text) ? read_ranks(named, text) : read_sentencepiece(bytes);
  return fail(ErrorCode::unsupported, fmt::format("has a name that tells no tokenizer; give {}", kinds));
}

Result<base::MappedFile> open_file(const fs::path& path) {
  std::error_code missing;
  const std::uintmax_t size = fs::file_size(path, missing);
  if (missing)
    return fail(ErrorCode::io, fmt::format("cannot be read ({}); give a tokenizer: {}", missing.message(), kinds));
  if (size > most_file_bytes)
    return fail(ErrorCode::over_limit, fmt::format("is larger than the {} bytes that Attar reads", most_file_bytes));
  return base::MappedFile::open(path, base::MappedFile::Mode::copy);
}

Result<Pipeline> read_named(const Named& named) {
  ATTAR_ASSIGN(const base::MappedFile file, open_file(named.path));
  return read(named, file.bytes());
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::string& name) {
  if (name.empty() || name == "characters/4") return std::make_unique<Characters>();
  if (name == "wordpiece") return carried();
  Named named = take_apart(name);
  named.path = file_in(named.path);
  Result<Pipeline> read = read_named(named);
  if (!read) {
    if (read.error().file.empty()) read.error().file = named.path.string();
    return std::unexpected(std::move(read).error());
  }
  return make_tokenizer(named.path.filename().string(), *std::move(read));
}

}  // namespace attar::text
