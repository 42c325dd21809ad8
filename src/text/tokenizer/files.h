// Tokenizers out of the bytes of their files. spec.md lists what is read. Errors: `over_limit`, `invalid_data`,
// `unsupported`, as sentences about the file without its name.
#pragma once

#include <string_view>

#include "attar/result.h"
#include "base/bytes.h"
#include "text/tokenizer/pipeline.h"
#include "text/wordpiece/wordpiece.h"

namespace attar::text {

inline constexpr std::size_t most_file_bytes = std::size_t{64} << 20, most_tokens = std::size_t{1} << 20,
                             longest_token = 4096;

[[nodiscard]] Result<Pipeline> read_tokenizer_json(std::string_view bytes);
[[nodiscard]] Result<Pipeline> read_tiktoken(std::string_view bytes, Pattern pattern);
[[nodiscard]] Result<Pipeline> read_sentencepiece(base::ByteView bytes);
/// WordPiece, one token a line.
[[nodiscard]] Result<Pipeline> read_vocabulary(std::string_view bytes);

/// The first line is a base64 token, a space and a number.
[[nodiscard]] bool looks_like_tiktoken(std::string_view bytes) noexcept;

/// Counts words by a function for which texts joined at spaces are no longer than the sum.
[[nodiscard]] std::unique_ptr<const TokenModel> make_word_model(std::function<std::size_t(std::string_view)> length);
[[nodiscard]] std::unique_ptr<const TokenModel> make_word_model(WordPiece words);

}  // namespace attar::text
