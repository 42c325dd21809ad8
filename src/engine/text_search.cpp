// Questions in words to an artifact of documents.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "attar/documents.h"
#include "base/clock.h"
#include "base/threads.h"
#include "engine/artifact_state.h"
#include "engine/encoders.h"
#include "engine/fusion.h"
#include "index/lexical/search.h"
#include "text/question/question.h"
#include "text/snippet/snippet.h"
#include "text/words/words.h"

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
using codec::Hit;

// Rows that each leg offers to the fusion.
constexpr std::uint32_t least_depth = 100, depth_per_hit = 10;

// Rows as bits.
class Bits {
 public:
  explicit Bits(std::uint64_t rows) : words_((rows + 63) / 64) {}
  void set(std::uint32_t row) noexcept { words_[row / 64] |= std::uint64_t{1} << (row % 64); }
  [[nodiscard]] std::span<const std::uint64_t> words() const noexcept { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

// One question, from its words to its answers.
class Asking {
 public:
  Asking(const Artifact& artifact, const AskOptions& options, std::span<const std::uint64_t> allowed,
         text::WordSplitter& splitter, AskTimes& times)
      : artifact_(artifact),
        state_(ArtifactAccess::state(artifact)),
        parts_(*state_.text),
        options_(options),
        allowed_(allowed),
        splitter_(splitter),
        times_(times),
        depth_(static_cast<std::uint32_t>(std::min<std::uint64_t>(
            {std::max(least_depth, depth_per_hit * options.k), artifact.rows(), state_.limits.max_hits}))) {}

  /// `vector`: the question's; empty: words alone.
  Result<std::vector<Answer>> answer(const text::Question& question, std::span<const float> vector) {
    ATTAR_TRY(weigh(question));
    ATTAR_TRY(keep_phrases(question));
    std::vector<Hit> semantic, lexical;
    if (!vector.empty()) {
      ATTAR_ASSIGN(semantic, by_meaning(vector));
    }
    if (options_.mode != SearchMode::semantic) {
      ATTAR_ASSIGN(lexical, by_words(allowed_, depth_));
    }
    if (options_.mode == SearchMode::hybrid && !vector.empty()) ATTAR_TRY(complete(vector, semantic, lexical));
    auto start = Clock::now();
    const auto leg = [](const std::vector<Hit>& hits, bool asked) {
      return asked ? std::optional(std::span<const Hit>(hits)) : std::nullopt;
    };
    const auto fused = engine::fuse(leg(semantic, !vector.empty()), leg(lexical, options_.mode != SearchMode::semantic),
                                    {.most_lexical = most_lexical_});
    std::vector<Answer> out = chosen(fused);
    times_.fuse += seconds_since(start);
    start = Clock::now();
    ATTAR_TRY(show(out));
    times_.show += seconds_since(start);
    return out;
  }

 private:
  Status weigh(const text::Question& question) {
    for (const std::string& word : question.terms) {
      const auto known = std::ranges::find(weighed_, word, &text::WeighedTerm::term);
      if (known == weighed_.end()) {
        ATTAR_ASSIGN(const auto term, parts_.words.find(word));
        const std::uint32_t holding = term ? term->holding : 0;
        weighed_.push_back({word, index::lexical::idf(parts_.words.header().documents, holding)});
      }
      terms_.emplace_back(word);
    }
    const float most_of_one = parts_.words.header().parameters.k1 + 1;
    for (const std::string_view term : terms_)
      most_lexical_ += std::ranges::find(weighed_, term, &text::WeighedTerm::term)->weight * most_of_one;
    return {};
  }

  // Only rows that hold every phrase stay allowed: those with all of its terms are read.
  Status keep_phrases(const text::Question& question) {
    if (question.phrases.empty()) return {};
    std::vector<std::string_view> wanted;
    for (const auto& phrase : question.phrases) wanted.insert(wanted.end(), phrase.begin(), phrase.end());
    ATTAR_ASSIGN(const auto candidates, index::lexical::documents_with_all(parts_.words, wanted));
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < artifact_.rows(); ++row)
      if (is_set(candidates, row) && (allowed_.empty() || is_set(allowed_, row))) rows.push_back(row);
    with_phrases_.emplace(artifact_.rows());
    ATTAR_TRY(parts_.texts.visit(rows, [&](std::size_t place, std::string_view text) -> Status {
      const std::vector<text::Word>& words = splitter_.split(text);
      const auto holds = [&](const auto& phrase) { return text::holds_phrase(words, phrase); };
      if (std::ranges::all_of(question.phrases, holds)) with_phrases_->set(rows[place]);
      return {};
    }));
    allowed_ = with_phrases_->words();
    return {};
  }

  static bool is_set(std::span<const std::uint64_t> words, std::uint32_t row) noexcept {
    return (words[row / 64] >> (row % 64) & 1) != 0;
  }

  Result<std::vector<Hit>> by_meaning(std::span<const float> vector) {
    const auto start = Clock::now();
    ATTAR_ASSIGN(const SearchResult found, artifact_.search(vector, {.k = depth_, .allowed = allowed_}));
    std::vector<Hit> out;
    for (const SearchHit& hit : found.hits.front()) out.push_back({hit.score, hit.row});
    times_.semantic += seconds_since(start);
    return out;
  }

  Result<std::vector<Hit>> by_words(std::span<const std::uint64_t> allowed, std::uint32_t k) {
    const auto start = Clock::now();
    ATTAR_ASSIGN(auto out, index::lexical::search(parts_.words, terms_, {.k = k, .allowed = allowed}));
    times_.lexical += seconds_since(start);
    return out;
  }

  // Each leg scores what the other one found.
  Status complete(std::span<const float> vector, std::vector<Hit>& semantic, std::vector<Hit>& lexical) {
    std::vector<std::uint32_t> only_words = without(lexical, semantic), only_meaning = without(semantic, lexical);
    const auto start = Clock::now();
    std::vector<float> decoded(artifact_.dims());
    for (const std::uint32_t row : only_words) {
      ATTAR_TRY(artifact_.decode(row, decoded));
      float product = 0;
      for (std::size_t i = 0; i < decoded.size(); ++i) product += decoded[i] * vector[i];
      semantic.push_back({product, row});
    }
    times_.semantic += seconds_since(start);
    if (only_meaning.empty()) return {};
    Bits bits(artifact_.rows());
    for (const std::uint32_t row : only_meaning) bits.set(row);
    ATTAR_ASSIGN(const auto scored, by_words(bits.words(), static_cast<std::uint32_t>(only_meaning.size())));
    lexical.insert(lexical.end(), scored.begin(), scored.end());
    return {};
  }

  static std::vector<std::uint32_t> without(const std::vector<Hit>& hits, const std::vector<Hit>& others) {
    std::vector<std::uint32_t> known, out;
    for (const Hit& hit : others) known.push_back(hit.row);
    std::ranges::sort(known);
    for (const Hit& hit : hits)
      if (!std::ranges::binary_search(known, hit.row)) out.push_back(hit.row);
    std::ranges::sort(out);
    return out;
  }

  std::vector<Answer> chosen(std::span<const engine::Fused> fused) const {
    std::vector<Answer> out;
    std::unordered_map<std::uint32_t, std::size_t> places;  // of documents in `out`
    for (const engine::Fused& hit : fused) {
      const std::uint32_t document = parts_.documents.of(hit.row).document;
      const auto known = places.find(document);
      if (!options_.each_row && known != places.end()) {
        ++out[known->second].more;
        continue;
      }
      if (out.size() == options_.k) continue;
      places.emplace(document, out.size());
      Answer& answer = out.emplace_back();
      answer.row = hit.row;
      answer.document = document;
      answer.score = hit.score;
      answer.semantic = hit.semantic;
      answer.lexical = hit.lexical;
    }
    return out;
  }

  // Fills in what a reader wants to see.
  Status show(std::vector<Answer>& answers) {
    for (Answer& answer : answers) {
      ATTAR_TRY(take_text("path", answer.row, answer.path));
      ATTAR_TRY(take_text("title", answer.row, answer.title));
      ATTAR_TRY(take_text("heading", answer.row, answer.heading));
      ATTAR_TRY(take_text("id", answer.row, answer.id));
      ATTAR_TRY(take_number("line", answer.row, answer.line));
      ATTAR_TRY(take_number("record", answer.row, answer.record));
    }
    if (options_.snippet_bytes == 0) return {};
    std::vector<std::size_t> order(answers.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return answers[i].row; });
    std::vector<std::uint32_t> rows;
    for (const std::size_t i : order) rows.push_back(answers[i].row);
    return parts_.texts.visit(rows, [&](std::size_t place, std::string_view text) -> Status {
      cut(text, answers[order[place]]);
      return {};
    });
  }

  void cut(std::string_view text, Answer& answer) {
    const text::Snippet found = text::snippet(text, weighed_, options_.snippet_bytes, splitter_);
    const auto& [begin, end] = found.shown;
    answer.snippet = text.substr(begin, end - begin);
    for (const text::Stretch& mark : found.marks) answer.marks.emplace_back(mark.begin - begin, mark.end - begin);
    if (answer.line != 0) answer.line += static_cast<std::uint64_t>(std::ranges::count(text.substr(0, begin), '\n'));
  }

  Status take_text(std::string_view name, std::uint32_t row, std::string& to) const {
    const filter::Column* column = state_.attributes->find(name);
    if (column == nullptr) return {};
    ATTAR_ASSIGN(const auto value, column->value(row));
    if (const auto* text = std::get_if<std::string>(&value)) to = *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) to = std::to_string(*number);
    return {};
  }

  Status take_number(std::string_view name, std::uint32_t row, std::uint64_t& to) const {
    const filter::Column* column = state_.attributes->find(name);
    if (column == nullptr) return {};
    ATTAR_ASSIGN(const auto value, column->value(row));
    if (const auto* number = std::get_if<std::int64_t>(&value); number != nullptr && *number > 0)
      to = static_cast<std::uint64_t>(*number);
    return {};
  }

  const Artifact& artifact_;
  const Artifact::State& state_;
  const engine::TextParts& parts_;
  const AskOptions& options_;
  std::span<const std::uint64_t> allowed_;
  text::WordSplitter& splitter_;
  AskTimes& times_;
  std::uint32_t depth_;
  std::optional<Bits> with_phrases_;        // what allowed_ points to where there are phrases
  std::vector<std::string_view> terms_;     // of the question, as they come
  std::vector<text::WeighedTerm> weighed_;  // each once
  float most_lexical_ = 0;
};

Status check(const Artifact& artifact, const AskOptions& options) {
  const std::uint64_t most = ArtifactAccess::state(artifact).limits.max_hits;
  if (options.k >= 1 && options.k <= most) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("k is {}; it must lie between 1 and {}", options.k, most));
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
  ATTAR_TRY(check(artifact, options));
  Answers out;
  out.of.resize(questions.size());
  std::shared_ptr<const std::vector<std::uint64_t>> allowed;
  if (!options.where.empty()) {
    ATTAR_ASSIGN(const SelectedRows selected, state.rows_where(options.where));
    if (selected.count == 0) return out;
    allowed = selected.words;
  }
  base::ThreadPool pool(options.threads);
  std::vector<std::optional<text::WordSplitter>> splitters(pool.size());
  for (auto& splitter : splitters) {
    ATTAR_ASSIGN(splitter, text::WordSplitter::make(state.text->encoder.language));
  }
  std::vector<text::Question> asked;
  for (const std::string& question : questions) asked.push_back(text::read_question(question, *splitters.front()));
  std::vector<float> vectors;
  if (options.mode != SearchMode::lexical) {
    const State::Encoder& encoder = state_->encoder();
    if (!encoder) return std::unexpected(encoder.error());
    const auto start = Clock::now();
    vectors.resize(questions.size() * artifact.dims());
    std::vector<std::string_view> texts;
    for (const text::Question& question : asked) texts.push_back(question.words);
    ATTAR_TRY((*encoder)->encode(texts, pool, vectors));
    out.times.encode = seconds_since(start);
  }
  std::vector<AskTimes> times(pool.size());
  std::vector<Status> outcome(questions.size());
  pool.run(questions.size(), [&](std::size_t i, unsigned worker) {
    std::span<const float> vector;
    if (!vectors.empty()) vector = std::span(vectors).subspan(i * artifact.dims(), artifact.dims());
    // A question without a token that the encoder knows has no direction; its words may still be found.
    if (std::ranges::all_of(vector, [](float value) { return value == 0; })) vector = {};
    auto answers =
        Asking(artifact, options, allowed ? std::span<const std::uint64_t>(*allowed) : std::span<const std::uint64_t>(),
               *splitters[worker], times[worker])
            .answer(asked[i], vector);
    if (answers)
      out.of[i] = *std::move(answers);
    else
      outcome[i] = std::unexpected(answers.error());
  });
  for (Status& status : outcome) ATTAR_TRY(std::move(status));
  for (const AskTimes& own : times) {
    out.times.semantic += own.semantic;
    out.times.lexical += own.lexical;
    out.times.fuse += own.fuse;
    out.times.show += own.show;
  }
  return out;
}

}  // namespace attar
