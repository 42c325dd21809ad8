// How likely a unit of text holds what a question asks for: a small logistic model. spec.md has the features.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/context/expectation.h"
#include "text/context/headings.h"
#include "text/encoder/static/asked_tokens.h"
#include "text/encoder/static/static_encoder.h"
#include "text/words/words.h"

namespace attar::text::context {

/// A unit as the model sees it.
struct Passage {
  std::string_view text;
  std::string_view heading;     ///< over it, or the title of its document; may be empty
  std::uint32_t paragraph = 0;  ///< units of one paragraph follow one another and share their heading
  bool compounds = false;       ///< of code: words are found by their parts as well
};

/// In the order of the table of weights.
enum class Feature : std::uint8_t {
  cosine,    ///< of the question's vector and that of the unit with its heading
  nearness,  ///< how near both come to each word of the question
  bm25,      ///< of both, over the most that a unit could have
  overlap,   ///< share of the question's words in both, by how few paragraphs hold them
  digits,    ///< share of the question's numbers in both
  fitting,   ///< the unit holds what the question's first words ask for: +1, or not: -1
  asked,     ///< the question names the heading
  linked,    ///< bm25 of the best unit elsewhere that names the heading
  naming,    ///< bm25 of the best paragraph whose heading the unit names
  first,     ///< in its paragraph
  length,    ///< logarithm of its words
};
inline constexpr std::size_t feature_count = 11;
using Features = std::array<float, feature_count>;

/// One question at a time: for one thread. The table and the splitter outlive it.
class Relevance {
 public:
  Relevance(const StaticEncoder& table, WordSplitter& splitter);

  void ask(std::string_view question);
  /// Of the question asked last; of all units of an input at once, for rarity is counted among them.
  [[nodiscard]] std::vector<Features> look_at(std::span<const Passage> passages);

 private:
  struct AskedWord {
    std::uint64_t term = 0;  ///< its hash
    float telling = 0;       ///< 0: a function word, to 1
    bool number = false;
  };
  // What was seen of a text, beside the counts of the question's words.
  struct Seen {
    float cosine = 0, nearness = 0;
    std::uint32_t words = 0;
  };
  struct Tables;

  void read_words(std::string_view question);
  // Adds a text's token vectors to sum_, and raises best_ to its nearness to each token of the question.
  void add_tokens(std::string_view text);
  [[nodiscard]] bool tells(std::string_view heading);
  [[nodiscard]] Tables read(std::span<const Passage> passages);
  void count(const Tables& all, std::vector<Features>& out) const;
  static void link(const Tables& all, std::vector<Features>& out);
  void see_heading(std::string_view heading);
  Seen see(const Passage& passage, const Headings& headings, std::span<std::uint8_t> counts,
           std::vector<std::uint32_t>& named);
  [[nodiscard]] std::ptrdiff_t asked_word(std::uint64_t term) const noexcept;

  const StaticEncoder& table_;
  WordSplitter& splitter_;
  std::vector<AskedWord> words_;         // each once
  std::vector<std::uint64_t> sequence_;  // the question's terms
  Expectation expectation_;
  AskedTokens asked_;
  std::vector<float> sum_, best_, heading_sum_, heading_best_;
  std::vector<std::uint8_t> heading_counts_;
  std::vector<Token> tokens_;
};

}  // namespace attar::text::context
