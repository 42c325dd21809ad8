// Tokenizers' files and texts. The first byte chooses the kind of file and, for .tiktoken, the pattern; the second says
// how many bytes at the end are the text. A text has the same number of tokens twice, and none where it is empty.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "text/tokenizer/files.h"

namespace {

using namespace attar;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::size_t kinds = 4, patterns = 5;

Result<text::Pipeline> read(std::uint8_t kind, std::string_view file) {
  switch (kind % kinds) {
    case 0: return text::read_tokenizer_json(file);
    case 1: return text::read_tiktoken(file, static_cast<text::Pattern>(kind / kinds % patterns));
    case 2: return text::read_sentencepiece(std::as_bytes(std::span(file.data(), file.size())));
    default: return text::read_vocabulary(file);
  }
}

void check_scanners(std::string_view text) {
  for (std::size_t i = 0; i < patterns; ++i)
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text::scan_piece(static_cast<text::Pattern>(i), text, at);
      require(end > at && end <= text.size());
      at = end;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t text_size = data[1] % (input.size() + 1);
  const std::string_view text = input.substr(input.size() - text_size);
  check_scanners(text);
  Result<text::Pipeline> made = read(data[0], input.substr(0, input.size() - text_size));
  if (!made) {
    require(!made.error().message.empty());
    return 0;
  }
  const auto tokenizer = text::make_tokenizer("fuzz", *std::move(made));
  const std::size_t tokens = tokenizer->count(text);
  require(tokens == tokenizer->count(text));
  require(tokenizer->count("") == 0);
  return 0;
}
