// WordPiece: text to the ids of a vocabulary. spec.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "text/wordpiece/trie.h"

namespace attar::text {

/// A piece of a word, and the bytes of the input that it stands for.
struct Token {
  std::uint32_t id = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend bool operator==(const Token&, const Token&) = default;
};

/// Const and safe to use from many threads at once.
class WordPiece {
 public:
  /// From one token a line. `invalid_data` without [UNK], `over_limit` for too many or too long tokens.
  [[nodiscard]] static Result<WordPiece> make(std::string_view vocabulary);

  /// Appends the tokens of a text of less than 4 GiB, but no more than `most`: what comes after is not looked at.
  void tokenize(std::string_view text, std::size_t most, std::vector<Token>& out) const;

  /// The id of a token as it stands in the vocabulary, such as "[CLS]".
  [[nodiscard]] std::optional<std::uint32_t> id_of(std::string_view token) const noexcept { return trie_.find(token); }
  /// Tokens of the vocabulary, those that stand there twice included.
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  class Reading;
  struct Pieces;

  Trie trie_;
  std::uint64_t identity_ = 0;             // of this vocabulary: what is remembered of another is forgotten
  std::uint32_t continuing_ = Trie::root;  // the node of "##"
  std::uint32_t unknown_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace attar::text
