// Questions in words to an artifact of documents.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "attar/documents.h"
#include "base/clock.h"
#include "base/threads.h"
#include "engine/artifact_state.h"
#include "engine/asking.h"
#include "engine/encoders.h"
#include "math/vector_ops.h"
#include "text/encoder/static/static_encoder.h"
#include "text/question/question.h"

namespace attar {

struct TextSearch::State {
  using Encoder = Result<std::shared_ptr<const text::Encoder>>;

  const Artifact* artifact = nullptr;
  std::string name;  // of the encoder, as the user gave it

  // Loaded when a question first wants meaning: words alone need none.
  const Encoder& encoder() {
    std::call_once(once_,
                   [this] { encoder_ = engine::encoder_of(ArtifactAccess::state(*artifact).text->encoder, name); });
    return encoder_;
  }

 private:
  std::once_flag once_;
  Encoder encoder_;
};

namespace {

using base::Clock;
using base::seconds_since;

Status check(const Artifact& artifact, std::size_t questions, const AskOptions& options) {
  const std::uint64_t most = ArtifactAccess::state(artifact).limits.max_hits;
  if (options.k < 1 || options.k > most)
    return fail(ErrorCode::invalid_argument, fmt::format("k is {}; it must lie between 1 and {}", options.k, most));
  if (!options.expansions.empty() && options.expansions.size() != questions)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} expansions for {} questions; give one for each, an empty one for those without",
                            options.expansions.size(), questions));
  if (!options.vectors.empty() && options.vectors.size() != questions * artifact.dims())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} values are not those of {} vectors of {} dimensions, one a question",
                            options.vectors.size(), questions, artifact.dims()));
  if (options.meaning && !(*options.meaning >= 0 && *options.meaning <= 1))
    return fail(ErrorCode::invalid_argument, "the share of meaning lies between 0 and 1");
  if (!(options.min_relevance >= 0 && options.min_relevance <= 1))
    return fail(ErrorCode::invalid_argument, "the least relevance is a probability, from 0 to 1");
  const bool compares = options.fold || options.diverse || options.min_relevance > 0;
  if (compares && options.mode != SearchMode::hybrid)
    return fail(ErrorCode::invalid_argument,
                "folding, diversity and relevance need the score of both legs; ask by meaning and words together "
                "(--hybrid)");
  return {};
}

// Vectors of the questions; where there are expansions, of the mean of both (HyDE).
Result<std::vector<float>> encode(const text::Encoder& encoder, std::span<const text::Question> questions,
                                  std::span<const std::string> expansions, base::ThreadPool& pool) {
  const std::size_t dims = encoder.info().dims;
  std::vector<std::string_view> texts;
  for (const text::Question& question : questions) texts.push_back(question.words);
  texts.insert(texts.end(), expansions.begin(), expansions.end());
  std::vector<float> out(texts.size() * dims);
  ATTAR_TRY(encoder.encode(texts, pool, out));
  if (expansions.empty()) return out;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto own = std::span(out).subspan(i * dims, dims),
               other = std::span(out).subspan((questions.size() + i) * dims, dims);
    for (std::size_t j = 0; j < dims; ++j) own[j] += other[j];
  }
  out.resize(questions.size() * dims);
  static_cast<void>(math::normalise_rows(out, encoder.info().dims));  // what has no direction stays as it is
  return out;
}

using Tools = std::vector<std::unique_ptr<engine::AskingTools>>;

Result<Tools> make_tools(std::string_view language, unsigned threads) {
  ATTAR_ASSIGN(const text::StaticEncoder* table, text::embedded_encoder());
  Tools out;
  for (unsigned i = 0; i < threads; ++i) {
    ATTAR_ASSIGN(auto splitter, text::WordSplitter::make(language));
    out.push_back(std::make_unique<engine::AskingTools>(std::move(splitter), *table));
  }
  return out;
}

void add(const AskTimes& own, AskTimes& to) {
  to.semantic += own.semantic;
  to.lexical += own.lexical;
  to.fuse += own.fuse;
  to.read += own.read;
  to.show += own.show;
}

}  // namespace

TextSearch::TextSearch(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
TextSearch::TextSearch(TextSearch&&) noexcept = default;
TextSearch& TextSearch::operator=(TextSearch&&) noexcept = default;
TextSearch::~TextSearch() = default;

Result<TextSearch> TextSearch::open(const Artifact& artifact, const std::string& encoder) {
  const Artifact::State& state = ArtifactAccess::state(artifact);
  if (!state.text)
    return fail(ErrorCode::invalid_argument,
                "this artifact holds vectors and no texts; ask it with vectors (--vector), or pack the documents");
  auto out = std::make_unique<State>();
  out->artifact = &artifact;
  out->name = encoder;
  return TextSearch(std::move(out));
}

Result<Answers> TextSearch::ask(std::span<const std::string> questions, const AskOptions& options) const {
  const Artifact& artifact = *state_->artifact;
  const Artifact::State& state = ArtifactAccess::state(artifact);
  ATTAR_TRY(check(artifact, questions.size(), options));
  Answers out;
  out.of.resize(questions.size());
  out.seconds.resize(questions.size());
  std::shared_ptr<const std::vector<std::uint64_t>> allowed;
  if (!options.where.empty()) {
    ATTAR_ASSIGN(const SelectedRows selected, state.rows_where(options.where));
    if (selected.count == 0) return out;
    allowed = selected.words;
  }
  base::ThreadPool pool(options.threads);
  ATTAR_ASSIGN(const auto tools, make_tools(state.text->encoder.language, pool.size()));
  std::vector<text::Question> asked;
  for (const std::string& question : questions) asked.push_back(text::read_question(question, tools.front()->splitter));
  ATTAR_ASSIGN(const auto expanding, engine::expansions_of(questions, options));
  std::vector<float> vectors;
  if (options.mode != SearchMode::lexical && !options.vectors.empty()) {
    vectors = options.vectors;
    // A vector without a direction stays as it is: its question is asked by words alone.
    static_cast<void>(math::normalise_rows(vectors, artifact.dims()));
  } else if (options.mode != SearchMode::lexical) {
    const State::Encoder& encoder = state_->encoder();
    if (!encoder) return std::unexpected(encoder.error());
    const auto start = Clock::now();
    if ((*encoder)->info().dims != artifact.dims())
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{} makes vectors of {} dimensions, the documents have {}; name the encoder that made them",
                      (*encoder)->info().name, (*encoder)->info().dims, artifact.dims()));
    ATTAR_ASSIGN(vectors, encode(**encoder, asked, expanding, pool));
    out.times.encode = seconds_since(start);
  }
  std::vector<std::vector<std::string>> expansions(questions.size());
  for (std::size_t i = 0; i < expanding.size(); ++i)
    for (const text::Word& word : tools.front()->splitter.split(expanding[i])) expansions[i].emplace_back(word.term);
  std::vector<Status> outcome(questions.size());
  pool.run(questions.size(), [&](std::size_t i, unsigned worker) {
    const auto start = Clock::now();
    std::span<const float> vector;
    if (!vectors.empty()) vector = std::span(vectors).subspan(i * artifact.dims(), artifact.dims());
    // A question without a token that the encoder knows has no direction; its words may still be found.
    if (std::ranges::all_of(vector, [](float value) { return value == 0; })) vector = {};
    auto answers = engine::Asking(artifact, options,
                                  allowed ? std::span<const std::uint64_t>(*allowed) : std::span<const std::uint64_t>(),
                                  *tools[worker])
                       .answer(asked[i], vector, expansions[i]);
    out.seconds[i] = seconds_since(start);
    if (answers)
      out.of[i] = *std::move(answers);
    else
      outcome[i] = std::unexpected(answers.error());
  });
  for (Status& status : outcome) ATTAR_TRY(std::move(status));
  for (const auto& own : tools) add(own->times, out.times);
  return out;
}

}  // namespace attar
