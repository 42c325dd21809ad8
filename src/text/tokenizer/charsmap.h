// How SentencePiece normalizes a text: a map of characters, and what becomes of spaces. spec.md has the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "text/tokenizer/steps.h"
#include "text/wordpiece/trie.h"

namespace attar::text {

/// Strings to strings: a double array, whose values are places in a stretch of texts.
class CharacterMap {
 public:
  /// Nothing maps to nothing: an empty map. `invalid_data` for bytes that are no map.
  [[nodiscard]] static Result<CharacterMap> make(std::string_view bytes);

  struct Found {
    std::size_t length = 0;  ///< bytes of the longest string that `text` begins with; 0: none
    std::string_view made = {};
  };
  [[nodiscard]] Found longest(std::string_view text) const noexcept;

 private:
  std::vector<std::uint32_t> units_;
  std::string texts_;
};

struct SpaceRules {
  CharacterMap map = {};
  Trie kept = {};  ///< pieces of the user's: never mapped
  bool keeps = false;
  bool dummy_prefix = true;  ///< a space before the text, or behind it with `suffix`
  bool remove_extra = true;  ///< none at the ends, one between words
  bool escape = true;        ///< U+2581 for a space
  bool suffix = false;
};

/// The step that normalizes as SentencePiece does.
[[nodiscard]] StepPointer make_sentencepiece_step(SpaceRules rules);

/// The longest string of a trie that a text begins with; 0: none.
[[nodiscard]] std::size_t longest_prefix(const Trie& trie, std::string_view text) noexcept;

}  // namespace attar::text
