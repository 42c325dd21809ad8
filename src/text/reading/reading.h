// Reads a text beside a question, word by word: what one vector of the whole text cannot say. spec.md has the formulas.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/encoder/static/asked_tokens.h"
#include "text/encoder/static/static_encoder.h"
#include "text/snippet/snippet.h"
#include "text/words/words.h"

namespace attar::text {

/// How well a text answers, each from 0 to 1.
struct Impression {
  float words = 0;    ///< how near the text comes to each word of the question, rare ones weighing most
  float passage = 0;  ///< cosine of the question and the sentence of the text that is nearest
  float lead = 0;     ///< the share of the question's terms, by weight, among the text's first words
};

/// One question at a time: for one thread. The table and the splitter outlive it.
class Reader {
 public:
  Reader(const StaticEncoder& table, WordSplitter& splitter);

  /// The terms, which outlive the reading, are the splitter's.
  void ask(std::string_view question, std::span<const WeighedTerm> terms);
  /// Of the question asked last. Tokens beyond the table's max_tokens are not read.
  [[nodiscard]] Impression read(std::string_view text);

 private:
  [[nodiscard]] float nearness_to_words();
  [[nodiscard]] float best_passage(std::string_view text);
  [[nodiscard]] float share_of_lead(std::string_view text);

  const StaticEncoder& table_;
  WordSplitter& splitter_;
  AskedTokens asked_;
  std::span<const WeighedTerm> terms_;
  float terms_weight_ = 0;
  std::vector<Token> tokens_;
  std::vector<float> best_, sum_;
};

}  // namespace attar::text
