// What a user asks in words: terms, and phrases in quotes that an answer must hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/words/words.h"

namespace attar::text {

struct Question {
  std::string words;                              ///< without the quotes: what is encoded
  std::vector<std::string> terms;                 ///< of all words, phrases included, in their order
  std::vector<std::vector<std::string>> phrases;  ///< terms of each, none empty
};

/// Quotes are ", in pairs; the last of an odd number is a character like any other.
[[nodiscard]] Question read_question(std::string_view text, WordSplitter& splitter);

/// Whether a text holds the terms one right after the other.
[[nodiscard]] bool holds_phrase(const std::vector<Word>& words, const std::vector<std::string>& phrase) noexcept;

}  // namespace attar::text
