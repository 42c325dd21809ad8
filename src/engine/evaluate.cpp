// Quality of an artifact on the user's own queries.
#include "attar/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/threads.h"
#include "certify/recall.h"
#include "data/survey.h"
#include "engine/allowed_rows.h"
#include "engine/artifact_state.h"
#include "engine/input.h"
#include "engine/measuring.h"
#include "engine/relevance.h"

namespace attar {
namespace {

using Clock = std::chrono::steady_clock;

class Evaluating {
 public:
  Evaluating(const Artifact& artifact, const EvaluateOptions& options)
      : artifact_(artifact),
        state_(ArtifactAccess::state(artifact)),
        options_(options),
        progress_(engine::or_silent(options.progress)),
        pool_(options.threads) {}

  Result<Evaluation> run() {
    if (!options_.where.empty()) {
      ATTAR_ASSIGN(selected_, state_.rows_where(options_.where));
    }
    ATTAR_TRY(check());
    ATTAR_ASSIGN(queries_, engine::load_queries(options_.queries, options_.input.field, artifact_.dims(),
                                                artifact_.metric(), pool_));
    out_.queries = queries_.size() / artifact_.dims();
    ATTAR_TRY(search());
    // Relevance first: recall among selected rows renames what was returned.
    if (!options_.qrels.empty()) ATTAR_TRY(measure_relevance());
    if (wants_recall()) ATTAR_TRY(options_.truth.empty() ? measure_recall() : compare_with_truth());
    return std::move(out_);
  }

 private:
  bool wants_recall() const { return options_.qrels.empty() || !options_.base.empty() || !options_.truth.empty(); }

  /// Rows that may be found.
  std::uint64_t rows() const noexcept { return options_.where.empty() ? artifact_.rows() : selected_.count; }

  Status check() {
    if (options_.queries.empty())
      return fail(ErrorCode::invalid_argument, "name the queries to evaluate with, such as --queries q.npy");
    ATTAR_TRY(engine::check_confidence(options_.confidence));
    if (!options_.base.empty() && !options_.truth.empty())
      return fail(ErrorCode::invalid_argument, "--truth and --base both tell the true rows; name one of them");
    if (wants_recall() && options_.base.empty() && options_.truth.empty() && !state_.originals)
      return fail(ErrorCode::invalid_argument,
                  "recall needs the truth: name the vectors that were packed (--base docs.npy), true rows (--truth "
                  "gt.ivecs), or "
                  "judgements (--qrels qrels.tsv)");
    for (const std::uint32_t k : options_.ks) {
      if (k == 0 || k > state_.limits.max_hits)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("k is {}; it must lie between 1 and {}", k, state_.limits.max_hits));
      // A k above the number of rows says nothing: every row is found.
      if (k <= rows()) ks_.push_back(k);
    }
    std::sort(ks_.begin(), ks_.end());
    ks_.erase(std::unique(ks_.begin(), ks_.end()), ks_.end());
    if (ks_.empty())
      return fail(ErrorCode::invalid_argument, fmt::format("no k was named that is at most the {} rows", rows()));
    if (!options_.where.empty() && !options_.truth.empty())
      return fail(ErrorCode::invalid_argument,
                  "true rows of a file (--truth) are of all rows; with --where, name the vectors with --base");
    return {};
  }

  Status search() {
    progress_.stage("searching", 0);
    const auto start = Clock::now();
    // A search for more rows looks closer, so each k is answered by a search of its own.
    for (const std::uint32_t k : ks_) {
      ATTAR_ASSIGN(const auto found,
                   artifact_.search(queries_, {.k = k, .threads = options_.threads, .where = options_.where}));
      returned_[k] = engine::rows_of(found, k);
    }
    out_.queries_per_second =
        static_cast<double>(out_.queries * ks_.size()) / std::chrono::duration<double>(Clock::now() - start).count();
    return {};
  }

  Status measure_recall() {
    ATTAR_ASSIGN(const auto base, engine::originals_of(state_, options_.base, options_.input));
    std::optional<engine::AllowedRows> among;
    if (!options_.where.empty()) {
      among.emplace(*base, *selected_.words);
      for (auto& [k, found] : returned_)
        for (std::uint32_t& row : found)
          if (row != certify::no_row) row = among->position(row);
    }
    progress_.stage("exact neighbours", rows());
    const data::VectorSource& truth = among ? static_cast<const data::VectorSource&>(*among) : *base;
    ATTAR_ASSIGN(const auto meter, certify::RecallMeter::over(truth, artifact_.metric(), queries_,
                                                              {.k = ks_.back(), .progress = &progress_}, pool_));
    std::vector<std::vector<double>> recalls;
    for (const std::uint32_t k : ks_) {
      ATTAR_ASSIGN(auto recall, meter.measure(returned_.at(k), k, k, pool_));
      recalls.push_back(std::move(recall));
    }
    keep(std::move(recalls));
    return {};
  }

  // Rows alone, without scores: ties beyond the k-th true row cannot be seen, so this can only be too low.
  Status compare_with_truth() {
    ATTAR_ASSIGN(const auto truth, data::read_integer_rows(options_.truth));
    const auto refuse = [&](std::string message) {
      return std::unexpected(
          Error{.code = ErrorCode::invalid_data, .message = std::move(message), .file = options_.truth.string()});
    };
    if (truth.width < ks_.back())
      return refuse(fmt::format("has {} true rows a query; ask for k up to that with -k", truth.width));
    if (truth.values.size() / truth.width != out_.queries)
      return refuse(fmt::format("has {} rows for {} queries", truth.values.size() / truth.width, out_.queries));
    std::vector<std::vector<double>> recalls(ks_.size(), std::vector<double>(out_.queries));
    for (std::size_t i = 0; i < ks_.size(); ++i)
      for (std::size_t q = 0; q < out_.queries; ++q) {
        const auto expected = std::span(truth.values).subspan(q * truth.width, ks_[i]);
        const auto got = std::span(returned_.at(ks_[i])).subspan(q * ks_[i], ks_[i]);
        const auto hits = std::count_if(got.begin(), got.end(), [&](std::uint32_t row) {
          return row != certify::no_row &&
                 std::find(expected.begin(), expected.end(), static_cast<std::int32_t>(row)) != expected.end();
        });
        recalls[i][q] = static_cast<double>(hits) / ks_[i];
      }
    keep(std::move(recalls));
    return {};
  }

  void keep(std::vector<std::vector<double>> recalls) {
    const std::vector<double>& largest = recalls.back();
    std::vector<std::uint64_t> order(largest.size());
    std::iota(order.begin(), order.end(), std::uint64_t{0});
    const std::size_t worst = std::min(options_.worst, order.size());
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(worst), order.end(),
        [&](std::uint64_t a, std::uint64_t b) { return largest[a] != largest[b] ? largest[a] < largest[b] : a < b; });
    for (std::size_t i = 0; i < worst; ++i) out_.worst.push_back({order[i], largest[order[i]]});
    for (std::size_t i = 0; i < ks_.size(); ++i)
      out_.recall[ks_[i]] = engine::summarise(std::move(recalls[i]), options_.confidence);
  }

  // Judgements by query and row; documents that the artifact does not hold stay judged under rows past the last one, so
  // that the ideal ranking counts them.
  Result<std::unordered_map<std::string, engine::Judged>> judgements() const {
    std::unordered_map<std::string, std::uint32_t> rows;
    for (std::uint64_t first = 0; state_.ids && first < artifact_.rows(); first += format::ids_per_group) {
      ATTAR_ASSIGN(const auto group, state_.ids->ids(first, std::min(format::ids_per_group, artifact_.rows() - first)));
      for (std::size_t i = 0; i < group.size(); ++i) rows.emplace(group[i], static_cast<std::uint32_t>(first + i));
    }
    ATTAR_ASSIGN(const auto list, data::read_qrels(options_.qrels));
    std::unordered_map<std::string, engine::Judged> out;
    auto missing = static_cast<std::uint32_t>(artifact_.rows());
    for (const data::Judgement& judgement : list) {
      std::optional<std::uint32_t> row;
      if (state_.ids) {
        const auto it = rows.find(judgement.document);
        if (it != rows.end()) row = it->second;
      } else {
        ATTAR_ASSIGN(row, artifact_.row_of(judgement.document));
      }
      out[judgement.query][row ? *row : missing++] = judgement.relevance;
    }
    return out;
  }

  Status measure_relevance() {
    std::vector<std::string> names;
    if (!options_.query_ids.empty()) {
      ATTAR_ASSIGN(names, data::read_ids(options_.query_ids, out_.queries));
    } else {
      for (std::uint64_t q = 0; q < out_.queries; ++q) names.push_back(std::to_string(q));
    }
    ATTAR_ASSIGN(const auto judged, judgements());
    std::map<std::string, std::vector<double>> values;
    for (std::size_t q = 0; q < names.size(); ++q) {
      const auto it = judged.find(names[q]);
      if (it == judged.end() ||
          std::none_of(it->second.begin(), it->second.end(), [](const auto& pair) { return pair.second > 0; }))
        continue;  // nothing relevant is known: no ranking could be better than another
      const auto found = std::span(returned_.at(ks_.back())).subspan(q * ks_.back(), ks_.back());
      for (const auto& [name, value] : engine::relevance_of(it->second, found, ks_)) values[name].push_back(value);
    }
    if (values.empty())
      return std::unexpected(
          Error{.code = ErrorCode::invalid_data,
                .message = "judges none of these queries; name their ids, one a line, with --query-ids",
                .file = options_.qrels.string()});
    for (auto& [name, list] : values) out_.relevance[name] = engine::summarise(std::move(list), options_.confidence);
    return {};
  }

  const Artifact& artifact_;
  const Artifact::State& state_;
  const EvaluateOptions& options_;
  Progress& progress_;
  base::ThreadPool pool_;
  SelectedRows selected_;  // that options_.where holds for
  std::vector<std::uint32_t> ks_;
  std::vector<float> queries_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> returned_;  // by k: queries × k
  Evaluation out_;
};

}  // namespace

Result<Evaluation> evaluate(const Artifact& artifact, const EvaluateOptions& options) {
  return Evaluating(artifact, options).run();
}

}  // namespace attar
