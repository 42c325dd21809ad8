#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "ask.h"
#include "attar/evaluate.h"
#include "eval_documents.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct EvalArguments {
  std::filesystem::path artifact;
  OpenOptions open;
  EvaluateOptions options;
  AskArguments ask;
  std::filesystem::path run;
  std::string tag = "attar";
  bool tune = false;
  bool force = false;
};

Json json_of(const ArtifactInfo& info, const Evaluation& evaluation, double confidence) {
  Json recall = Json::object(), relevance = Json::object(), worst = Json::array();
  for (const auto& [k, measure] : evaluation.recall) recall[std::to_string(k)] = measure_json(measure);
  for (const auto& [name, measure] : evaluation.relevance) relevance[name] = measure_json(measure);
  for (const WorstQuery& query : evaluation.worst) worst.push_back({{"query", query.query}, {"recall", query.recall}});
  return {{"path", info.path},
          {"rows", info.rows},
          {"dims", info.dims},
          {"metric", metric_name(info.metric)},
          {"bytes", info.bytes},
          {"bytes_per_row", info.bytes_per_row},
          {"queries", evaluation.queries},
          {"confidence", confidence},
          {"recall", std::move(recall)},
          {"relevance", std::move(relevance)},
          {"worst", std::move(worst)},
          {"queries_per_second", evaluation.queries_per_second}};
}

std::vector<std::string> row_of(const std::string& name, const Measure& measure) {
  return {name,
          fraction(measure.mean),
          fmt::format("[{:.4f}, {:.4f}]", measure.low, measure.high),
          fraction(measure.minimum),
          fraction(measure.p05),
          fraction(measure.p50),
          fraction(measure.p95)};
}

std::string text_of(const ArtifactInfo& info, const Evaluation& evaluation, double confidence) {
  Table table({"measure", "mean", fmt::format("{:g}% interval", confidence * 100), "worst", "5%", "median", "95%"});
  for (const auto& [k, measure] : evaluation.recall) table.add(row_of(fmt::format("recall@{}", k), measure));
  for (const auto& [name, measure] : evaluation.relevance) table.add(row_of(name, measure));
  std::string out =
      fmt::format("{}: {} queries, {:.2f} bytes a row, {:.0f} queries/s\n\n{}", printable(info.path),
                  grouped(evaluation.queries), info.bytes_per_row, evaluation.queries_per_second, table.text());
  if (evaluation.worst.empty()) return out;
  Table worst({"worst queries", "recall"});
  for (const WorstQuery& query : evaluation.worst)
    worst.add({fmt::format("query {}", query.query), fraction(query.recall)});
  return out + "\n" + worst.text();
}

Result<Exit> run_documents(const Session& session, const Artifact& artifact, const EvalArguments& arguments) {
  const EvaluateOptions& given = arguments.options;
  if (!given.base.empty() || !given.truth.empty() || !given.query_ids.empty())
    return fail(ErrorCode::invalid_argument,
                "--base, --truth and --query-ids are for vectors; documents need --queries in words and --qrels");
  if (arguments.run == "-")
    return fail(ErrorCode::invalid_argument,
                "--run: standard output has the measures; name a file, as in --run out.trec");
  if (!arguments.run.empty())
    ATTAR_TRY(check_output(arguments.run, {arguments.artifact, given.queries, given.qrels},
                           arguments.force || arguments.run.extension() == ".trec", false));
  ATTAR_ASSIGN(AskOptions ask, options_of(arguments.ask));
  ask.where = given.where;
  ask.threads = given.threads;
  return eval_documents(session, artifact,
                        {.queries = given.queries,
                         .qrels = given.qrels,
                         .run = arguments.run,
                         .tag = arguments.tag,
                         .encoder = arguments.ask.encoder,
                         .ask = std::move(ask),
                         .ks = given.ks,
                         .confidence = given.confidence,
                         .tune = arguments.tune});
}

Result<Exit> run_eval(const Session& session, EvalArguments& arguments) {
  EvaluateOptions& options = arguments.options;
  ATTAR_TRY(check_streams({options.queries, options.base}));
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  ATTAR_ASSIGN(const bool in_words, holds_documents(options.queries));
  if (holds_texts(artifact) && in_words) return run_documents(session, artifact, arguments);
  if (!arguments.run.empty())
    return fail(
        ErrorCode::invalid_argument,
        "--run is for questions in words to an artifact of documents; leave it out, or give --queries such a file");
  ATTAR_ASSIGN(const ArtifactInfo info, artifact.info());
  Result<Evaluation> evaluation = fail(ErrorCode::cancelled, {});
  {
    ProgressBar bar(session);
    options.progress = &bar;
    evaluation = evaluate(artifact, options);
  }
  if (!evaluation) return std::unexpected(evaluation.error());
  ATTAR_TRY(session.json ? print_json(json_of(info, *evaluation, options.confidence))
                         : print(text_of(info, *evaluation, options.confidence)));
  return Exit::done;
}

}  // namespace

void add_eval(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<EvalArguments>();
  EvaluateOptions& options = arguments->options;
  Command command =
      add_command(app, session, "eval", "Recall with its interval and spread, or relevance, on your queries",
                  {"attar eval docs.attar --queries q.npy --base docs.npy -k 1,10,100",
                   "attar eval docs.attar --queries q.fvecs --truth gt.ivecs -k 10",
                   "attar eval docs.attar --queries q.npy --base docs.npy --where \"section = 'games'\"",
                   "attar eval docs.attar --queries q.npy --query-ids qids.txt --qrels qrels.tsv",
                   "attar eval notes.attar --queries queries.jsonl --qrels qrels.tsv --run out.trec"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  add_path(command, "--queries", options.queries, "The queries; for documents: questions, .jsonl, .tsv or one a line")
      .required();
  Option base = add_path(command, "--base", options.base, "The originals: the truth is computed, ties counted");
  add_path(command, "--truth", options.truth, "True rows of each query: .ivecs or .ibin").excludes(base);
  add_path(command, "--qrels", options.qrels, "Judgements: TREC, BEIR's TSV or JSONL; adds hit@k, nDCG and MRR");
  add_path(command, "--run", arguments->run, "Documents: write the answers here, as a TREC run");
  command.add_flag("-f,--force", arguments->force, "Overwrite a run that is no .trec");
  command.add_text("--tag", arguments->tag, "Documents: the name of the run in it (default attar)", "NAME");
  command.add_flag("--tune", arguments->tune, "Documents: find --meaning for these questions, and what it gains");
  add_mode_options(command, arguments->ask);
  add_path(command, "--query-ids", options.query_ids, "Ids of the queries for --qrels, one a line; else row numbers");
  add_where(command, options.where);
  add_value(command, "-k", options.ks, parse_ks, "Recall at these (default 1,10,100)", "K,K,…");
  add_whole(command, "--worst", options.worst, 0, 1000, "How many of the worst queries to name (default 5)");
  add_confidence(command, options.confidence);
  add_input_options(command, options.input);
  add_open_options(command, arguments->open);
  add_threads(command, options.threads);
  run_with(command, session, arguments, run_eval);
}

}  // namespace attar::cli
