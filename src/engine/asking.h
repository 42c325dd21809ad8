// One question, from its words to its answers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "attar/documents.h"
#include "engine/artifact_state.h"
#include "engine/fusion.h"
#include "engine/relevance_map.h"
#include "engine/result_set.h"
#include "text/question/question.h"
#include "text/reading/reading.h"
#include "text/snippet/snippet.h"
#include "text/words/words.h"

namespace attar::engine {

/// Rows as bits.
class RowBits {
 public:
  explicit RowBits(std::uint64_t rows) : words_((rows + 63) / 64) {}
  void set(std::uint32_t row) noexcept { words_[row / 64] |= std::uint64_t{1} << (row % 64); }
  [[nodiscard]] std::span<const std::uint64_t> words() const noexcept { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

/// What a thread needs for its questions.
struct AskingTools {
  text::WordSplitter splitter;
  const text::StaticEncoder& table;
  text::Reader reader;  // by the splitter and the table
  AskTimes times = {};

  AskingTools(text::WordSplitter words, const text::StaticEncoder& own_table)
      : splitter(std::move(words)), table(own_table), reader(table, splitter) {}
  AskingTools(const AskingTools&) = delete;
  AskingTools& operator=(const AskingTools&) = delete;
};

class Asking {
 public:
  /// All outlive it. `allowed`: rows; empty: all.
  Asking(const Artifact& artifact, const AskOptions& options, std::span<const std::uint64_t> allowed,
         AskingTools& tools);

  /// `vector`: the question's; empty: words alone. `expansion`: terms that are searched for beside those of the
  /// question.
  [[nodiscard]] Result<std::vector<Answer>> answer(const text::Question& question, std::span<const float> vector,
                                                   std::span<const std::string> expansion = {});

 private:
  [[nodiscard]] Status weigh(const text::Question& question, std::span<const std::string> expansion);
  [[nodiscard]] Status keep_phrases(const text::Question& question);
  [[nodiscard]] Result<std::vector<codec::Hit>> by_meaning(std::span<const float> vector,
                                                           std::span<const std::uint64_t> allowed, std::size_t k);
  [[nodiscard]] Result<std::vector<codec::Hit>> by_words(std::span<const codec::Hit> also);
  [[nodiscard]] Status complete(std::span<const float> vector, std::vector<codec::Hit>& semantic,
                                std::span<const codec::Hit> lexical);
  [[nodiscard]] Status read(const text::Question& question, std::vector<Fused>& rows);
  [[nodiscard]] std::size_t rows_to_read(std::size_t found) const noexcept;
  void keep_relevant(std::vector<Fused>& rows) const;
  void diversify(std::vector<Fused>& rows) const;
  [[nodiscard]] std::optional<std::size_t> folded_into(const Fused& row, std::span<const Answer> answers) const;
  [[nodiscard]] std::vector<Answer> chosen(std::span<const Fused> fused) const;
  [[nodiscard]] Status show(std::vector<Answer>& answers);
  void cut(std::string_view text, Answer& answer);
  [[nodiscard]] Result<std::string> text_field(std::string_view name, std::uint32_t row) const;
  [[nodiscard]] Result<std::uint64_t> number_field(std::string_view name, std::uint32_t row) const;

  const Artifact& artifact_;
  const Artifact::State& state_;
  const TextParts& parts_;
  const AskOptions& options_;
  std::span<const std::uint64_t> allowed_;
  AskingTools& tools_;
  FusionWeights weights_;
  std::uint32_t depth_;
  std::optional<RowBits> with_phrases_;     // what allowed_ points to where there are phrases
  std::vector<std::string_view> terms_;     // of the question, as they come
  std::vector<text::WeighedTerm> weighed_;  // each once
  float most_lexical_ = 0;
  QuestionScale scale_;
  std::unordered_map<std::uint32_t, std::string> texts_;  // of rows that were read
  // Those of them that are compared, where answers are folded or diverse, and their numbers there.
  ReadTexts compared_;
  std::unordered_map<std::uint32_t, std::size_t> numbers_;
};

/// The texts that are searched for beside the questions: those that were given, or what the command prints for each;
/// none without either.
[[nodiscard]] Result<std::vector<std::string>> expansions_of(std::span<const std::string> questions,
                                                             const AskOptions& options);

}  // namespace attar::engine
