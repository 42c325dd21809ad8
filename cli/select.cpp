#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "attar/corpus.h"
#include "corpus_options.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "session.h"

namespace attar::cli {
namespace {

struct SelectArguments {
  std::filesystem::path input, output;
  bool force = false;
  SelectOptions options;
};

Json select_json(const SelectReport& report, const std::string& path) {
  return {
      {"path", path},
      {"documents", report.corpus.documents},
      {"target_documents", report.target.documents},
      {"target_bytes", report.target_bytes},
      {"chosen", report.chosen},
      {"bytes", report.bytes},
      {"tokens", report.tokens},
      {"near_duplicates", report.near},
      {"distance", {{"nearest", report.nearest}, {"farthest", report.farthest}, {"pool_median", report.pool_median}}},
      {"skipped", skipped_json(report.corpus)},
      {"seconds", {{"read", report.read_seconds}, {"near", report.near_seconds}, {"write", report.write_seconds}}}};
}

std::string select_text(const SelectReport& report, const std::string& path) {
  return fmt::format(
      "{}: {} of {} documents, {} bytes; distances to {} examples: {:.3f} to {:.3f}, half of the pool above {:.3f}\n",
      printable(path), grouped(report.chosen), grouped(report.corpus.documents), grouped(report.bytes),
      grouped(report.target.documents), report.nearest, report.farthest, report.pool_median);
}

Result<Exit> run_select(const Session& session, SelectArguments& arguments) {
  ATTAR_TRY(check_output(arguments.output, {arguments.input, arguments.options.like}, arguments.force, false));
  if (arguments.input == "-" && arguments.options.like == "-")
    return fail(ErrorCode::invalid_argument, "standard input is the pool or the target, not both");
  const auto work = [&](const std::filesystem::path& output) {
    return select_like(arguments.input, output, arguments.options);
  };
  ATTAR_ASSIGN(const auto report,
               write_corpus(session, arguments.output, arguments.options.corpus, work, select_json, select_text));
  return report.chosen == 0 ? Exit::nothing_found : Exit::done;
}

}  // namespace

void add_select(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<SelectArguments>();
  SelectOptions& options = arguments->options;
  Command command = add_command(
      app, session, "select", "Choose the documents of a pool that are most like a target",
      {"attar select pool.jsonl --like target.jsonl --budget 10MB -o chosen.jsonl",
       "attar select pool.jsonl --like target.jsonl --budget 2Mtok --tokenizer wordpiece --near 0.8 -o chosen.jsonl"});
  add_corpus_input(command, arguments->input, arguments->output, arguments->force);
  add_path(command, "--like", options.like, "The target: examples, as the pool has its documents").required();
  add_value(command, "--budget", options.budget, parse_select_budget,
            "How much to take, never exceeded: 10MB, 5000docs or 2Mtok", "SIZE")
      .required();
  command.add_text("--tokenizer", options.tokenizer,
                   "For tokens: characters/4 (default, an estimate), wordpiece, or a tokenizer's file", "NAME");
  add_value(command, "--near", options.near, parse_share,
            "Of near-duplicates, from this Jaccard similarity on, take only the one most like the target", "J");
  add_value(command, "--shingles", options.shingles, parse_shingles, "What --near compares by (default 3w)", "NUMBER");
  add_corpus_options(command, options.corpus);
  run_with(command, session, arguments, run_select);
}

}  // namespace attar::cli
