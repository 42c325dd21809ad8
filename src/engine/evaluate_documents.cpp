// Quality of answers to questions in words, by judgements.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "attar/documents.h"
#include "base/clock.h"
#include "base/progress.h"
#include "data/documents/beir.h"
#include "data/text_lines.h"
#include "engine/artifact_state.h"
#include "engine/asking.h"
#include "engine/input.h"
#include "engine/measuring.h"
#include "engine/relevance.h"
#include "math/statistics.h"

namespace attar {
namespace {

constexpr std::size_t questions_at_once = 256;
constexpr std::uint64_t least_tuned = 20;
constexpr std::uint32_t tuned_k = 10;
constexpr std::array tuned_shares = {0.0f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 1.0f};

// What a document is called in judgements and runs.
const std::string& name_of(const Answer& answer) { return answer.id.empty() ? answer.path : answer.id; }

// Documents may share a name, such as records without ids; it counts where it comes first, or the second would be found
// beyond what is judged.
void keep_first_of_name(std::vector<Answer>& answers) {
  std::unordered_set<std::string> seen;
  std::erase_if(answers, [&](const Answer& answer) { return !seen.insert(name_of(answer)).second; });
}

// A value a judged question.
using Values = std::map<std::string, std::vector<double>>;

class EvaluatingDocuments {
 public:
  EvaluatingDocuments(const Artifact& artifact, const EvaluateDocumentsOptions& options)
      : artifact_(artifact), options_(options), progress_(engine::or_silent(options.progress)), ks_(options.ks) {}

  Result<DocumentsEvaluation> run() {
    ATTAR_TRY(check());
    ATTAR_ASSIGN(const auto search, TextSearch::open(artifact_, options_.encoder));
    ATTAR_ASSIGN(queries_, data::read_queries(options_.queries));
    ATTAR_TRY(check_given());
    ATTAR_TRY(read_judgements());
    ATTAR_TRY(expand());
    out_.questions = queries_.size();
    const auto start = base::Clock::now();
    ATTAR_ASSIGN(const auto answers, ask(search, options_.ask, ks_.back()));
    out_.questions_per_second = static_cast<double>(queries_.size()) / base::seconds_since(start);
    if (!options_.run.empty()) ATTAR_TRY(write(answers));
    ATTAR_ASSIGN(const Values values, measure(answers));
    out_.measures = summarise(values);
    if (options_.ask.mode == SearchMode::hybrid) {
      ATTAR_TRY(compare(search, SearchMode::semantic, values, out_.semantic, out_.above_semantic));
      ATTAR_TRY(compare(search, SearchMode::lexical, values, out_.lexical, out_.above_lexical));
    }
    if (options_.tune) ATTAR_TRY(tune(search));
    return std::move(out_);
  }

 private:
  Status check() {
    if (options_.queries.empty() || options_.qrels.empty())
      return fail(ErrorCode::invalid_argument,
                  "documents are evaluated on questions and judgements: name both, as in --queries queries.jsonl "
                  "--qrels qrels.tsv");
    ATTAR_TRY(engine::check_confidence(options_.confidence));
    if (ks_.empty()) return fail(ErrorCode::invalid_argument, "name at least one k, such as -k 10");
    std::ranges::sort(ks_);
    ks_.erase(std::ranges::unique(ks_).begin(), ks_.end());
    const std::uint64_t most = ArtifactAccess::state(artifact_).limits.max_hits;
    if (ks_.front() == 0 || ks_.back() > most)
      return fail(ErrorCode::invalid_argument, fmt::format("every k must lie between 1 and {}", most));
    return {};
  }

  Status expand() {
    std::vector<std::string> questions;
    questions.reserve(queries_.size());
    for (const data::Query& query : queries_) questions.push_back(query.text);
    ATTAR_ASSIGN(expansions_, engine::expansions_of(questions, options_.ask));
    return {};
  }

  // What was given for each question.
  [[nodiscard]] Status check_given() const {
    const std::size_t count = queries_.size(), texts = options_.ask.expansions.size(),
                      values = options_.ask.vectors.size();
    if (texts != 0 && texts != count)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} expansions for {} questions; give one for each", texts, count));
    if (values != 0 && values != count * artifact_.dims())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} values are not those of {} vectors of {} dimensions, one a question", values, count,
                              artifact_.dims()));
    return {};
  }

  template <class T>
  static std::vector<T> piece(const std::vector<T>& all, std::size_t first, std::size_t count) {
    if (all.empty()) return {};
    const auto own = std::span(all).subspan(first, count);
    return {own.begin(), own.end()};
  }

  Status read_judgements() {
    ATTAR_ASSIGN(const auto list, data::read_qrels(options_.qrels));
    for (const data::Judgement& judgement : list) {
      const auto number = static_cast<std::uint32_t>(numbers_.size());
      const std::uint32_t document = numbers_.try_emplace(judgement.document, number).first->second;
      judged_[judgement.query][document] = judgement.relevance;
    }
    const auto relevant = [](const auto& pair) { return pair.second > 0; };
    std::erase_if(judged_, [&](const auto& own) { return std::ranges::none_of(own.second, relevant); });
    for (const data::Query& query : queries_)
      if (judged_.contains(query.id)) ++out_.judged;
    if (out_.judged != 0) return {};
    return std::unexpected(Error{.code = ErrorCode::invalid_data,
                                 .message = "judges none of these questions; their ids must be those of the questions",
                                 .file = options_.qrels.string()});
  }

  Result<std::vector<std::vector<Answer>>> ask(const TextSearch& search, AskOptions options, std::uint32_t k) {
    options.k = static_cast<std::uint32_t>(std::min<std::uint64_t>(k, artifact_.rows()));
    options.snippet_bytes = 0;
    options.each_row = false;
    std::vector<std::vector<Answer>> out;
    progress_.stage("asking", queries_.size());
    for (std::size_t first = 0; first < queries_.size(); first += questions_at_once) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(questions_at_once, queries_.size() - first);
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < count; ++i) texts.push_back(queries_[first + i].text);
      options.expansions = piece(expansions_, first, count);
      options.vectors = piece(options_.ask.vectors, first * artifact_.dims(), count * artifact_.dims());
      ATTAR_ASSIGN(auto answers, search.ask(texts, options));
      std::ranges::for_each(answers.of, keep_first_of_name);
      std::ranges::move(answers.of, std::back_inserter(out));
      progress_.advance(count);
    }
    return out;
  }

  Result<Values> measure(const std::vector<std::vector<Answer>>& answers) const { return measure(answers, ks_); }

  Result<Values> measure(const std::vector<std::vector<Answer>>& answers, std::span<const std::uint32_t> ks) const {
    Values out;
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      const auto judged = judged_.find(queries_[q].id);
      if (judged == judged_.end()) continue;
      // Documents that nobody judged are told apart from all that were.
      auto unknown = static_cast<std::uint32_t>(numbers_.size());
      std::vector<std::uint32_t> found;
      for (const Answer& answer : answers[q]) {
        const auto number = numbers_.find(name_of(answer));
        found.push_back(number == numbers_.end() ? unknown++ : number->second);
      }
      for (const auto& [name, value] : engine::relevance_of(judged->second, found, ks)) out[name].push_back(value);
      for (const std::uint32_t k : ks)
        out[fmt::format("recall@{}", k)].push_back(engine::recall_of(judged->second, found, k));
    }
    return out;
  }

  DocumentMeasures summarise(const Values& values) const {
    DocumentMeasures out;
    for (const auto& [name, list] : values) out[name] = engine::summarise(list, options_.confidence);
    return out;
  }

  // What one leg reaches, and by how much both together are above it.
  Status compare(const TextSearch& search, SearchMode leg, const Values& together, DocumentMeasures& measures,
                 std::map<std::string, PairedDifference>& above) {
    AskOptions options = options_.ask;
    options.mode = leg;
    options.fold = options.diverse = false;
    options.min_relevance = 0;
    ATTAR_ASSIGN(const auto answers, ask(search, options, ks_.back()));
    ATTAR_ASSIGN(const Values values, measure(answers));
    measures = summarise(values);
    for (const auto& [name, list] : values) {
      const math::Interval interval = math::paired_difference(together.at(name), list, options_.confidence);
      above[name] = {interval.mean, interval.low, interval.high};
    }
    return {};
  }

  // The share of meaning by nDCG@10, chosen on one half of the questions and measured on the other.
  Status tune(const TextSearch& search) {
    if (options_.ask.mode != SearchMode::hybrid || out_.judged < least_tuned)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("tuning needs both legs (--hybrid) and {} judged questions; {} are judged", least_tuned,
                              out_.judged));
    const auto of = [&](std::optional<float> meaning) -> Result<std::vector<double>> {
      AskOptions options = options_.ask;
      options.meaning = meaning;
      ATTAR_ASSIGN(const auto answers, ask(search, options, std::max(ks_.back(), tuned_k)));
      ATTAR_ASSIGN(const Values values, measure(answers, std::array{tuned_k}));
      return values.at(fmt::format("ndcg@{}", tuned_k));
    };
    ATTAR_ASSIGN(const auto usual, of(options_.ask.meaning));
    std::vector<std::vector<double>> tried;
    for (const float share : tuned_shares) {
      ATTAR_ASSIGN(tried.emplace_back(), of(share));
    }
    // The best share on the questions of one half (0 or 1), or of both (2).
    const auto best_on = [&](std::size_t half) {
      const auto sum = [&](const std::vector<double>& values) {
        double out = 0;
        for (std::size_t i = 0; i < values.size(); ++i) out += half == 2 || i % 2 == half ? values[i] : 0;
        return out;
      };
      return static_cast<std::size_t>(std::ranges::max_element(tried, {}, sum) - tried.begin());
    };
    const std::array best_on_other = {best_on(1), best_on(0)};
    std::vector<double> crossed(usual.size());
    for (std::size_t i = 0; i < crossed.size(); ++i) crossed[i] = tried[best_on_other[i % 2]][i];
    const math::Interval gain = math::paired_difference(crossed, usual, options_.confidence);
    out_.tuned = TunedFusion{.meaning = tuned_shares[best_on(2)], .gain = {gain.mean, gain.low, gain.high}};
    return {};
  }

  Status write(const std::vector<std::vector<Answer>>& answers) const {
    std::vector<data::RunRow> rows;
    for (std::size_t q = 0; q < queries_.size(); ++q)
      for (std::size_t i = 0; i < answers[q].size(); ++i)
        rows.push_back({queries_[q].id, name_of(answers[q][i]), i + 1, static_cast<double>(answers[q][i].score)});
    return data::write_run(options_.run, rows, options_.tag);
  }

  const Artifact& artifact_;
  const EvaluateDocumentsOptions& options_;
  Progress& progress_;
  std::vector<std::uint32_t> ks_;
  std::vector<data::Query> queries_;
  std::vector<std::string> expansions_;  // of the questions: a command runs once for each, however often it is asked
  std::unordered_map<std::string, std::uint32_t> numbers_;  // of judged documents
  std::unordered_map<std::string, engine::Judged> judged_;  // by question, those with a relevant document
  DocumentsEvaluation out_;
};

}  // namespace

Result<DocumentsEvaluation> evaluate_documents(const Artifact& artifact, const EvaluateDocumentsOptions& options) {
  return EvaluatingDocuments(artifact, options).run();
}

bool holds_texts(const Artifact& artifact) noexcept { return ArtifactAccess::state(artifact).text.has_value(); }

}  // namespace attar
