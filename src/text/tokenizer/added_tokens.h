// Tokens that stand for themselves wherever a text holds them. spec.md has the rules.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/wordpiece/trie.h"

namespace attar::text {

struct AddedToken {
  std::string text;
  bool single_word = false, before = false, after = false;  ///< before, after: takes the white space there
};

class AddedTokens {
 public:
  /// A token that stands there twice keeps its first form. The caller sees to it that all together have fewer than
  /// 2²⁴ bytes.
  void add(AddedToken token);
  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }
  [[nodiscard]] const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }
  /// True where one holds white space, or takes it from the text.
  [[nodiscard]] bool span_blanks() const noexcept { return span_blanks_; }

  /// Gives what lies between the tokens of a text; the number of tokens is returned.
  std::size_t cut(std::string_view text, const std::function<void(std::string_view)>& rest) const;

 private:
  struct Place {
    std::size_t begin, end;
    const AddedToken* token;  // null: none is left
  };
  [[nodiscard]] Place next(std::string_view text, std::size_t at) const;

  Trie trie_;
  std::vector<AddedToken> tokens_;
  std::vector<bool> first_bytes_ = std::vector<bool>(256);
  bool span_blanks_ = false;
};

}  // namespace attar::text
