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

struct DedupArguments {
  std::filesystem::path input, output;
  bool force = false, exact = false;
  DedupOptions options;
};

Json dedup_json(const DedupReport& report, const std::string& path) {
  return {{"path", path},
          {"documents", report.corpus.documents},
          {"kept", report.kept},
          {"exact_duplicates", report.exact},
          {"near_duplicates", report.near},
          {"semantic_duplicates", report.semantic},
          {"clusters", report.clusters},
          {"bands", report.bands},
          {"rows", report.rows},
          {"chance_to_miss", report.chance_to_miss},
          {"pairs_offered", report.pairs_offered},
          {"pairs_verified", report.pairs_compared},
          {"vectors_compared", report.vectors_compared},
          {"scratch_bytes", report.scratch_bytes},
          {"skipped", skipped_json(report.corpus)},
          {"seconds",
           {{"read", report.read_seconds},
            {"compare", report.compare_seconds},
            {"semantic", report.semantic_seconds},
            {"write", report.write_seconds}}}};
}

std::string dedup_text(const DedupReport& report, const std::string& path) {
  std::string out =
      fmt::format("{}: {} of {} documents kept; left out: {} exact, {} near", printable(path), grouped(report.kept),
                  grouped(report.corpus.documents), grouped(report.exact), grouped(report.near));
  if (report.vectors_compared != 0) out += fmt::format(", {} alike in meaning", grouped(report.semantic));
  out += fmt::format("; {} clusters, {:.1f} s\n", grouped(report.clusters),
                     report.read_seconds + report.compare_seconds + report.semantic_seconds + report.write_seconds);
  if (report.bands != 0)
    out += fmt::format(
        "{} bands of {} rows: a pair at the threshold is missed with a chance of {:.1e}; {} pairs verified\n",
        report.bands, report.rows, report.chance_to_miss, grouped(report.pairs_compared));
  return out;
}

Result<Exit> run_dedup(const Session& session, DedupArguments& arguments) {
  if (arguments.exact) arguments.options.near = 0;
  const auto& clusters = arguments.options.clusters;
  ATTAR_TRY(check_output(arguments.output, {arguments.input}, arguments.force, false));
  if (!clusters.empty()) ATTAR_TRY(check_output(clusters, {arguments.input, arguments.output}, arguments.force, false));
  const auto work = [&](const std::filesystem::path& output) {
    return dedup(arguments.input, output, arguments.options);
  };
  ATTAR_TRY(write_corpus(session, arguments.output, arguments.options.corpus, work, dedup_json, dedup_text));
  return Exit::done;
}

}  // namespace

void add_dedup(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<DedupArguments>();
  DedupOptions& options = arguments->options;
  Command command =
      add_command(app, session, "dedup", "Take near-duplicates out of a corpus of texts, each pair verified",
                  {"attar dedup corpus.jsonl --near 0.8 -o kept.jsonl",
                   "attar dedup corpus.jsonl --near 0.7 --shingles 5w --keep longest --clusters c.jsonl -o kept.jsonl",
                   "attar dedup questions.txt --semantic 0.9 -o kept.txt"});
  add_corpus_input(command, arguments->input, arguments->output, arguments->force);
  add_value(
      command, "--near", options.near, [](std::string_view text) { return parse_share(text); },
      "Jaccard similarity from which two texts are near-duplicates (default 0.8)", "J")
      .excludes(command.add_flag("--exact", arguments->exact,
                                 "Exact duplicates alone: equal but for case, blanks and punctuation"));
  add_value(command, "--shingles", options.shingles, parse_shingles,
            "What texts are compared by: 3w, runs of three words (default); 8c, of eight characters", "NUMBER");
  add_value(
      command, "--miss", options.miss, [](std::string_view text) { return parse_between(text, 0, 1); },
      "Greatest chance to miss a pair at the threshold (default 0.001)", "P");
  add_whole(command, "--permutations", options.permutations, 1, 4096, "Of MinHash, at most (default 256)");
  const Option semantic = add_value(
      command, "--semantic", options.semantic, [](std::string_view text) { return parse_between(text, 0, 1); },
      "Leave out texts whose vectors have a cosine above this with a kept one's as well", "COSINE");
  command
      .add_text("--encoder", options.encoder, "A folder with a BERT model, for --semantic; without it Attar's own",
                "DIR")
      .needs(semantic);
  add_keep(command, options.keep);
  add_path(command, "--clusters", options.clusters, "Where clusters go: line numbers as JSON lines");
  add_corpus_options(command, options.corpus);
  run_with(command, session, arguments, run_dedup);
}

}  // namespace attar::cli
