// Pieces of at most so many tokens, of a text that is longer. spec.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer/tokenizer.h"

namespace attar::text {

/// Bytes [begin, end) of a text.
struct TextPiece {
  std::size_t begin = 0, end = 0;
  std::uint32_t tokens = 0;

  [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
};

/// Pieces that make the text when they are joined, each of at most `room` tokens, and as long as that allows but for
/// what leads back to a blank. None where one code point has more tokens than that.
[[nodiscard]] std::vector<TextPiece> cut_text(std::string_view text, const Tokenizer& tokenizer, std::uint32_t room);

}  // namespace attar::text
