// The tokens of a question beside those of texts: how near a text comes to each, by the encoder's table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/encoder/static/static_encoder.h"

namespace attar::text {

/// The inner product of two vectors whose size is a multiple of sixteen; the same bits on every machine.
[[nodiscard]] float inner_product(std::span<const float> a, std::span<const float> b) noexcept;

/// One question at a time: for one thread. The table outlives it.
class AskedTokens {
 public:
  explicit AskedTokens(const StaticEncoder& table);

  /// Reads the first 64 tokens of a question.
  void ask(std::string_view question);

  /// The question's tokens, those without a vector included.
  [[nodiscard]] std::span<const Token> tokens() const noexcept { return tokens_; }
  /// Of those that have a vector, how much each tells, all together 1: by the cube of its vector's length.
  [[nodiscard]] std::span<const float> weights() const noexcept { return weights_; }
  /// The encoder's vector of the question.
  [[nodiscard]] std::span<const float> direction() const noexcept { return direction_; }
  /// Cosines of a token of a text with each that has a weight; good until the next call.
  [[nodiscard]] std::span<const float> cosines(std::uint32_t token);
  /// The length of a token's vector: short where it tells little.
  [[nodiscard]] float length(std::uint32_t token);

  /// Raises `best`, by weight's place, to the cosines of a token.
  void raise(std::uint32_t token, std::span<float> best);
  /// The weights times `best`: how near a text comes to all of them, at most 1.
  [[nodiscard]] float nearness(std::span<const float> best) const noexcept;

 private:
  [[nodiscard]] float widened(std::uint32_t token);

  const StaticEncoder& table_;
  std::vector<Token> tokens_;
  std::vector<float> direction_;
  std::vector<float> asked_;  // of each token with a weight, its levels at length 1
  std::vector<float> weights_;
  std::vector<float> row_;
  // Cosines are computed when a text first has a token.
  std::vector<std::uint32_t> places_;  // by token; valid where it is below the number of known tokens and they agree
  std::vector<std::uint32_t> known_;   // tokens
  std::vector<float> cosines_;         // [place of the token][token of the question]
};

}  // namespace attar::text
