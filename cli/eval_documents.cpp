#include "eval_documents.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "json.h"
#include "output.h"
#include "progress_bar.h"

namespace attar::cli {
namespace {

std::string_view name_of(SearchMode mode) {
  switch (mode) {
    case SearchMode::hybrid: return "hybrid";
    case SearchMode::semantic: return "semantic";
    case SearchMode::lexical: return "lexical";
  }
  return "";
}

Json measures_json(const DocumentMeasures& measures) {
  Json out = Json::object();
  for (const auto& [name, measure] : measures) out[name] = measure_json(measure);
  return out;
}

Json differences_json(const std::map<std::string, PairedDifference>& differences) {
  Json out = Json::object();
  for (const auto& [name, one] : differences) out[name] = {{"mean", one.mean}, {"low", one.low}, {"high", one.high}};
  return out;
}

Json json_of(const ArtifactInfo& info, const DocumentsEvaluation& evaluation, const EvaluateDocumentsOptions& options) {
  Json out = {{"path", info.path},
              {"rows", info.rows},
              {"bytes", info.bytes},
              {"mode", name_of(options.ask.mode)},
              {"questions", evaluation.questions},
              {"judged", evaluation.judged},
              {"confidence", options.confidence},
              {"relevance", measures_json(evaluation.measures)},
              {"legs", nullptr},
              {"tuned", nullptr},
              {"run", options.run.empty() ? Json(nullptr) : Json(options.run.string())},
              {"questions_per_second", evaluation.questions_per_second}};
  if (evaluation.tuned) {
    const auto& [meaning, gain] = *evaluation.tuned;
    out["tuned"] = {{"meaning", meaning}, {"gain", {{"mean", gain.mean}, {"low", gain.low}, {"high", gain.high}}}};
  }
  if (options.ask.mode == SearchMode::hybrid)
    out["legs"] = {
        {"semantic",
         {{"relevance", measures_json(evaluation.semantic)}, {"above", differences_json(evaluation.above_semantic)}}},
        {"lexical",
         {{"relevance", measures_json(evaluation.lexical)}, {"above", differences_json(evaluation.above_lexical)}}}};
  return out;
}

std::string interval(double low, double high) { return fmt::format("[{:.4f}, {:.4f}]", low, high); }

std::string table_of(const DocumentsEvaluation& evaluation, const EvaluateDocumentsOptions& options) {
  const std::string confidence = fmt::format("{:g}% interval", options.confidence * 100);
  if (options.ask.mode != SearchMode::hybrid) {
    Table table({fmt::format("{} ", name_of(options.ask.mode)), "mean", confidence});
    for (const auto& [name, measure] : evaluation.measures)
      table.add({name, fraction(measure.mean), interval(measure.low, measure.high)});
    return table.text();
  }
  Table table({"measure", "hybrid", confidence, "semantic", "hybrid above it", "lexical", "hybrid above it"});
  for (const auto& [name, measure] : evaluation.measures) {
    const PairedDifference& semantic = evaluation.above_semantic.at(name);
    const PairedDifference& lexical = evaluation.above_lexical.at(name);
    table.add({name, fraction(measure.mean), interval(measure.low, measure.high),
               fraction(evaluation.semantic.at(name).mean), interval(semantic.low, semantic.high),
               fraction(evaluation.lexical.at(name).mean), interval(lexical.low, lexical.high)});
  }
  return table.text();
}

std::string text_of(const ArtifactInfo& info, const DocumentsEvaluation& evaluation,
                    const EvaluateDocumentsOptions& options) {
  std::string out = fmt::format("{}: {} of {} questions are judged, {:.0f} questions/s\n\n{}", printable(info.path),
                                grouped(evaluation.judged), grouped(evaluation.questions),
                                evaluation.questions_per_second, table_of(evaluation, options));
  if (evaluation.tuned)
    out += fmt::format(
        "\n--meaning {:g} suits these questions best; chosen on one half it gains {:+.4f} {} of ndcg@10 on the "
        "other.\n",
        evaluation.tuned->meaning, evaluation.tuned->gain.mean,
        interval(evaluation.tuned->gain.low, evaluation.tuned->gain.high));
  if (!options.run.empty()) out += fmt::format("\nThe answers are in {}.\n", printable(options.run.string()));
  return out;
}

}  // namespace

Result<Exit> eval_documents(const Session& session, const Artifact& artifact, EvaluateDocumentsOptions options) {
  ATTAR_ASSIGN(const ArtifactInfo info, artifact.info());
  Result<DocumentsEvaluation> evaluation = fail(ErrorCode::cancelled, {});
  {
    ProgressBar bar(session);
    options.progress = &bar;
    evaluation = evaluate_documents(artifact, options);
  }
  if (!evaluation) return std::unexpected(evaluation.error());
  ATTAR_TRY(session.json ? print_json(json_of(info, *evaluation, options))
                         : print(text_of(info, *evaluation, options)));
  return Exit::done;
}

}  // namespace attar::cli
