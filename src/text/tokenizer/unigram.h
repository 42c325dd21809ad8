// The unigram model of SentencePiece: the likeliest way to cut a text. spec.md has the rules.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer/model.h"
#include "text/wordpiece/trie.h"

namespace attar::text {

class Unigram final : public TokenModel {
 public:
  struct Options {
    float unknown_score = 0;
    bool byte_fallback = false;
  };
  explicit Unigram(const Options& options) : options_(options) {}

  /// The caller sees to it that all pieces together have fewer than 2²⁴ bytes.
  void add(std::string_view piece, float score);

  [[nodiscard]] std::size_t count(std::string_view part) const override;

 private:
  // The best way to a place.
  struct Way {
    float score = 0;
    bool reached = false, unknown = false;  // unknown: by a character that is no piece
    std::uint64_t tokens = 0;
  };
  class Ring;

  Options options_;
  Trie trie_;
  std::vector<float> scores_;
  std::size_t longest_ = 4;  // bytes of a piece, or of a character
};

}  // namespace attar::text
