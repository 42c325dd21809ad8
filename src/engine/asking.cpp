#include "engine/asking.h"

#include <algorithm>

#include "base/clock.h"
#include "base/command.h"
#include "engine/document_rows.h"
#include "index/lexical/search.h"

namespace attar::engine {
namespace {

using base::Clock;
using base::seconds_since;
using codec::Hit;

// Rows that each leg offers to the fusion.
constexpr std::uint32_t least_depth = 48, depth_per_hit = 4;
// Texts that are read, whatever is asked for.
constexpr std::uint32_t most_read = 1024;
constexpr std::uint32_t compared_for_diversity = 200;
// Rows that are put in order for an answer: some share a document, or are folded.
constexpr std::size_t rows_wanted_for_diversity = 4;
constexpr std::size_t most_expansion = 1u << 20;  // bytes
// So many times a question's own words count beside those of its expansion (query2doc).
constexpr std::size_t question_repeats = 5;

bool is_set(std::span<const std::uint64_t> words, std::uint32_t row) noexcept {
  return (words[row / 64] >> (row % 64) & 1) != 0;
}

std::vector<std::uint32_t> without(std::span<const Hit> hits, std::span<const Hit> others) {
  std::vector<std::uint32_t> known, out;
  for (const Hit& hit : others) known.push_back(hit.row);
  std::ranges::sort(known);
  for (const Hit& hit : hits)
    if (!std::ranges::binary_search(known, hit.row)) out.push_back(hit.row);
  std::ranges::sort(out);
  return out;
}

}  // namespace

Asking::Asking(const Artifact& artifact, const AskOptions& options, std::span<const std::uint64_t> allowed,
               AskingTools& tools)
    : artifact_(artifact),
      state_(ArtifactAccess::state(artifact)),
      parts_(*state_.text),
      options_(options),
      allowed_(allowed),
      tools_(tools),
      weights_(parts_.encoder.digest == tools.table.info().digest ? own_table_weights : other_encoder_weights),
      depth_(static_cast<std::uint32_t>(std::min<std::uint64_t>(
          {std::max({least_depth, depth_per_hit * options.k, options.diverse ? compared_for_diversity : 0}),
           artifact.rows(), state_.limits.max_hits}))) {
  if (options.meaning) weights_ = weights_.with_meaning(*options.meaning);
}

Result<std::vector<Answer>> Asking::answer(const text::Question& question, std::span<const float> vector,
                                           std::span<const std::string> expansion) {
  ATTAR_TRY(weigh(question, expansion));
  ATTAR_TRY(keep_phrases(question));
  std::vector<Hit> semantic, lexical;
  if (!vector.empty()) {
    ATTAR_ASSIGN(semantic, by_meaning(vector, allowed_, depth_));
  }
  if (options_.mode != SearchMode::semantic) {
    ATTAR_ASSIGN(lexical, by_words(semantic));
  }
  if (options_.mode == SearchMode::hybrid && !vector.empty()) ATTAR_TRY(complete(vector, semantic, lexical));
  const auto start = Clock::now();
  const auto leg = [](const std::vector<Hit>& hits, bool asked) {
    return asked ? std::optional(std::span<const Hit>(hits)) : std::nullopt;
  };
  std::vector<Fused> fused = fuse(leg(semantic, !vector.empty()), leg(lexical, options_.mode != SearchMode::semantic),
                                  {.weights = weights_, .rule = options_.fusion, .most_lexical = most_lexical_});
  tools_.times.fuse += seconds_since(start);
  if (options_.mode == SearchMode::hybrid) ATTAR_TRY(read(question, fused));
  scale_ = {.best = fused.empty() ? 0 : fused.front().score, .terms = question.terms.size()};
  if (options_.min_relevance > 0) keep_relevant(fused);
  if (options_.diverse) diversify(fused);
  std::vector<Answer> out = chosen(fused);
  ATTAR_TRY(show(out));
  return out;
}

Status Asking::weigh(const text::Question& question, std::span<const std::string> expansion) {
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
  if (expansion.empty()) return {};
  const std::vector<std::string_view> own = terms_;
  for (std::size_t i = 1; i < question_repeats; ++i) terms_.insert(terms_.end(), own.begin(), own.end());
  terms_.insert(terms_.end(), expansion.begin(), expansion.end());
  most_lexical_ *= question_repeats;
  return {};
}

// Only rows that hold every phrase stay allowed: those with all of its terms are read.
Status Asking::keep_phrases(const text::Question& question) {
  if (question.phrases.empty()) return {};
  std::vector<std::string_view> wanted;
  for (const auto& phrase : question.phrases) wanted.insert(wanted.end(), phrase.begin(), phrase.end());
  ATTAR_ASSIGN(const auto candidates, index::lexical::documents_with_all(parts_.words, wanted));
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < artifact_.rows(); ++row)
    if (is_set(candidates, row) && (allowed_.empty() || is_set(allowed_, row))) rows.push_back(row);
  with_phrases_.emplace(artifact_.rows());
  ATTAR_TRY(parts_.texts.visit(rows, [&](std::size_t place, std::string_view text) -> Status {
    const std::vector<text::Word>& words = tools_.splitter.split(text);
    const auto holds = [&](const auto& phrase) { return text::holds_phrase(words, phrase); };
    if (std::ranges::all_of(question.phrases, holds)) with_phrases_->set(rows[place]);
    return {};
  }));
  allowed_ = with_phrases_->words();
  return {};
}

Result<std::vector<Hit>> Asking::by_meaning(std::span<const float> vector, std::span<const std::uint64_t> allowed,
                                            std::size_t k) {
  const auto start = Clock::now();
  ATTAR_ASSIGN(const SearchResult found,
               artifact_.search(vector, {.k = static_cast<std::uint32_t>(k), .allowed = allowed}));
  std::vector<Hit> out;
  for (const SearchHit& hit : found.hits.front()) out.push_back({hit.score, hit.row});
  tools_.times.semantic += seconds_since(start);
  return out;
}

// `also`: rows that the other leg found, which are scored too.
Result<std::vector<Hit>> Asking::by_words(std::span<const Hit> also) {
  const auto start = Clock::now();
  std::vector<std::uint32_t> rows;
  rows.reserve(also.size());
  for (const Hit& hit : also) rows.push_back(hit.row);
  std::ranges::sort(rows);
  ATTAR_ASSIGN(auto out,
               index::lexical::search(parts_.words, terms_, {.k = depth_, .allowed = allowed_, .also = rows}));
  tools_.times.lexical += seconds_since(start);
  return out;
}

// Scores by meaning what only words found.
Status Asking::complete(std::span<const float> vector, std::vector<Hit>& semantic, std::span<const Hit> lexical) {
  const std::vector<std::uint32_t> missing = without(lexical, semantic);
  if (missing.empty()) return {};
  RowBits among(artifact_.rows());
  for (const std::uint32_t row : missing) among.set(row);
  ATTAR_ASSIGN(const auto scored, by_meaning(vector, among.words(), missing.size()));
  semantic.insert(semantic.end(), scored.begin(), scored.end());
  return {};
}

std::vector<Answer> Asking::chosen(std::span<const Fused> fused) const {
  std::vector<Answer> out;
  std::unordered_map<std::uint32_t, std::size_t> places;  // of documents in `out`
  for (const Fused& hit : fused) {
    const std::uint32_t document = parts_.documents.of(hit.row).document;
    const auto known = places.find(document);
    if (!options_.each_row && known != places.end()) {
      ++out[known->second].more;
      continue;
    }
    if (const auto better = folded_into(hit, out)) {
      ++out[*better].folded;
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
    answer.reading = hit.reading;
    if (options_.mode == SearchMode::hybrid) answer.relevance = relevance(hit.score, scale_);
  }
  return out;
}

std::size_t Asking::rows_to_read(std::size_t found) const noexcept {
  if (options_.read == 0 && !options_.fold && !options_.diverse) return 0;
  const std::uint32_t wanted = options_.diverse ? std::max(options_.read, compared_for_diversity) : options_.read;
  return std::min<std::size_t>({found, std::max(wanted, options_.k), most_read});
}

// Rows come best first, and more likely ones are never behind less likely ones.
void Asking::keep_relevant(std::vector<Fused>& rows) const {
  std::erase_if(rows, [&](const Fused& row) { return relevance(row.score, scale_) < options_.min_relevance; });
}

// Reorders the rows whose texts are compared; they are the first.
void Asking::diversify(std::vector<Fused>& rows) const {
  std::vector<float> scores;
  std::vector<std::size_t> numbers;
  for (const Fused& row : rows) {
    const auto known = numbers_.find(row.row);
    if (known == numbers_.end()) break;
    scores.push_back(row.score);
    numbers.push_back(known->second);
  }
  const std::vector<float> all = compared_.similarities();
  std::vector<float> own(scores.size() * scores.size());
  for (std::size_t a = 0; a < scores.size(); ++a)
    for (std::size_t b = 0; b < scores.size(); ++b)
      own[a * scores.size() + b] = all[numbers[a] * compared_.size() + numbers[b]];
  std::vector<Fused> ordered;
  for (const std::size_t place : diverse_order(scores, own, rows_wanted_for_diversity * std::size_t{options_.k}))
    ordered.push_back(rows[place]);
  std::ranges::copy(ordered, rows.begin());
}

std::optional<std::size_t> Asking::folded_into(const Fused& row, std::span<const Answer> answers) const {
  const auto own = numbers_.find(row.row);
  if (own == numbers_.end()) return std::nullopt;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto other = numbers_.find(answers[i].row);
    if (other != numbers_.end() && compared_.near_duplicates(own->second, other->second)) return i;
  }
  return std::nullopt;
}

// The best rows, whose texts say more than their vectors.
Status Asking::read(const text::Question& question, std::vector<Fused>& rows) {
  const std::size_t count = rows_to_read(rows.size());
  if (count == 0) return {};
  const auto start = Clock::now();
  const bool comparing = options_.fold || options_.diverse;
  std::vector<std::uint32_t> numbers;
  for (const Fused& row : std::span(rows).first(count)) numbers.push_back(row.row);
  std::ranges::sort(numbers);
  tools_.reader.ask(question.words, weighed_);
  std::unordered_map<std::uint32_t, text::Impression> impressions;
  ATTAR_TRY(parts_.texts.visit(numbers, [&](std::size_t place, std::string_view text) -> Status {
    const std::uint32_t row = numbers[place];
    ATTAR_ASSIGN(const std::string title, text_field("title", row));
    ATTAR_ASSIGN(const std::string heading, text_field("heading", row));
    impressions.emplace(row, tools_.reader.read(in_context(title, heading, text)));
    texts_.emplace(row, text);
    if (!comparing) return {};
    numbers_.emplace(row, compared_.size());
    compared_.add(tools_.splitter.split(text));
    return {};
  }));
  std::vector<text::Impression> readings;
  for (const Fused& row : std::span(rows).first(count)) readings.push_back(impressions.at(row.row));
  add_readings(rows, readings, weights_);
  tools_.times.read += seconds_since(start);
  return {};
}

// Fills in what a user wants to see.
Status Asking::show(std::vector<Answer>& answers) {
  const auto start = Clock::now();
  std::vector<std::pair<std::uint32_t, Answer*>> missing;  // rows whose texts were not read
  for (Answer& answer : answers) {
    ATTAR_ASSIGN(answer.path, text_field("path", answer.row));
    ATTAR_ASSIGN(answer.title, text_field("title", answer.row));
    ATTAR_ASSIGN(answer.heading, text_field("heading", answer.row));
    ATTAR_ASSIGN(answer.id, text_field("id", answer.row));
    ATTAR_ASSIGN(answer.line, number_field("line", answer.row));
    ATTAR_ASSIGN(answer.record, number_field("record", answer.row));
    if (options_.snippet_bytes == 0) continue;
    const auto known = texts_.find(answer.row);
    if (known != texts_.end())
      cut(known->second, answer);
    else
      missing.emplace_back(answer.row, &answer);
  }
  std::ranges::sort(missing);
  std::vector<std::uint32_t> rows;
  rows.reserve(missing.size());
  for (const auto& [row, answer] : missing) rows.push_back(row);
  ATTAR_TRY(parts_.texts.visit(rows, [&](std::size_t place, std::string_view text) -> Status {
    cut(text, *missing[place].second);
    return {};
  }));
  tools_.times.show += seconds_since(start);
  return {};
}

void Asking::cut(std::string_view text, Answer& answer) {
  const text::Snippet found = text::snippet(text, weighed_, options_.snippet_bytes, tools_.splitter);
  const auto& [begin, end] = found.shown;
  answer.snippet = text.substr(begin, end - begin);
  for (const text::Stretch& mark : found.marks) answer.marks.emplace_back(mark.begin - begin, mark.end - begin);
  if (answer.line != 0) answer.line += static_cast<std::uint64_t>(std::ranges::count(text.substr(0, begin), '\n'));
}

Result<std::string> Asking::text_field(std::string_view name, std::uint32_t row) const {
  const filter::Column* column = state_.attributes->find(name);
  if (column == nullptr) return std::string();
  ATTAR_ASSIGN(const auto value, column->value(row));
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return std::string();
}

Result<std::uint64_t> Asking::number_field(std::string_view name, std::uint32_t row) const {
  const filter::Column* column = state_.attributes->find(name);
  if (column == nullptr) return 0;
  ATTAR_ASSIGN(const auto value, column->value(row));
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

Result<std::vector<std::string>> expansions_of(std::span<const std::string> questions, const AskOptions& options) {
  if (options.expand.empty() || !options.expansions.empty()) return options.expansions;
  std::vector<std::string> out;
  for (const std::string& question : questions) {
    ATTAR_ASSIGN(out.emplace_back(), base::run_command(options.expand, question, most_expansion));
  }
  return out;
}

}  // namespace attar::engine
