#include "attar/documents.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "documents.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"
#include "session.h"
#include "tensors.h"

namespace attar::cli {
namespace {

struct PackArguments {
  std::filesystem::path input, output;
  bool force = false;
  bool explain = false;
  DocumentArguments documents;
  TensorArguments tensors;
  [[nodiscard]] PackOptions& options() { return documents.options.pack; }
};

std::string text_of(const PackReport& report, bool explain) {
  Facts facts;
  facts.add("packed", fmt::format("{} rows x {}, {}, to {}", grouped(report.rows), report.dims,
                                  metric_name(report.metric), printable(report.path)));
  facts.add("goal", printable(report.goal));
  facts.add("plan", printable(report.plan));
  facts.add("why", printable(report.why));
  const std::string budget = report.budget_bytes == 0 ? "" : fmt::format(" (budget {})", grouped(report.budget_bytes));
  facts.add("file", fmt::format("{} bytes{}, {:.2f} a row", grouped(report.bytes), budget, report.bytes_per_row));
  facts.add("time", fmt::format("{:.1f} s", report.seconds));
  const std::string explained = explain ? explanation_text(report) + "\n" : "";
  return fmt::format("{}{}\n{}{}\n{}", facts.text(), notes_text(report.notes), explained,
                     parts_text(report.parts, report.bytes, report.rows), certificates_text(report.certificates));
}

Result<DocumentsOutcome> pack_with_progress(const Session& session, PackArguments& arguments, bool documents,
                                            OutputFile& file) {
  ProgressBar bar(session);
  arguments.options().progress = &bar;
  DocumentsOutcome outcome;
  if (documents) {
    ATTAR_ASSIGN(outcome, pack_documents(arguments.input, file.path(), arguments.documents.options));
  } else {
    ATTAR_ASSIGN(outcome.plan, pack(arguments.input, file.path(), arguments.options()));
  }
  outcome.plan.report.path = arguments.output.string();
  return outcome;
}

Result<Exit> run_pack(const Session& session, PackArguments& arguments) {
  const PackOptions& options = arguments.options();
  if (takes_tensors(arguments.input, arguments.documents.as, arguments.tensors))
    return run_pack_tensors(session, arguments.input, arguments.output, arguments.force, options, arguments.tensors);
  ATTAR_ASSIGN(const bool documents, takes_documents(arguments.input, arguments.output, arguments.documents));
  ATTAR_TRY(check_streams({arguments.input, options.queries, options.ids, options.meta}));
  ATTAR_TRY(check_output(arguments.output,
                         {arguments.input, options.queries, options.ids, options.meta, arguments.documents.vectors},
                         arguments.force, true));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(arguments.output, ".attar", session));
  ATTAR_ASSIGN(const DocumentsOutcome packed, pack_with_progress(session, arguments, documents, file));
  const PlanOutcome& outcome = packed.plan;
  if (!outcome.reachable) return print_unreachable(session, outcome);
  if (file.to_stdout()) {
    note(session, fmt::format("{} bytes, {:.2f} a row; {}", grouped(outcome.report.bytes), outcome.report.bytes_per_row,
                              printable(outcome.report.plan)));
    ATTAR_TRY(file.send());
  } else {
    Json json = pack_json(outcome.report);
    if (documents) json["documents"] = documents_json(packed.documents);
    const std::string head = documents ? documents_text(packed.documents) : "";
    ATTAR_TRY(session.json ? print_json(json) : print(head + text_of(outcome.report, arguments.explain)));
  }
  return Exit::done;
}

}  // namespace

void add_pack(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<PackArguments>();
  Command command = add_command(
      app, session, "pack",
      "Pack vectors or documents to a budget and a floor, with a certificate; tensors to a budget or without loss",
      {"attar pack docs.npy -o docs.attar --budget 200B/vec --recall 0.95@10",
       "attar pack docs.npy -o docs.attar --recall 0.98@10 --queries log.npy --ids ids.txt",
       "attar pack docs.npy -o docs.attar --budget 64B/vec --meta rows.jsonl --meta-fields section,size",
       "attar pack notes/ -o notes.attar", "attar pack model.safetensors -o model.attar --lossless",
       "attar pack model.safetensors -o small.attar --budget 45MB --pin '*norm*=lossless'",
       "attar pack model.safetensors -o p.attar --progressive", "attar pack p.attar -o small.attar --budget 30MB",
       "attar pack products.jsonl -o p.attar --text title,body --meta price,brand --budget 30MB",
       "zcat docs.jsonl.gz | attar pack - --format jsonl --field embedding -o docs.attar --budget 30%"});
  add_path(
      command, "input", arguments->input,
      "Vectors (.npy, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, .f16bin, .jsonl, or -), or documents: a folder or a file "
      "of text, Markdown, HTML, source code, manual pages, .jsonl, .csv, .tsv; or tensors: a model's file or folder")
      .required();
  add_path(command, "-o,--output", arguments->output,
           "The artifact to write, whole or not at all; - for standard output")
      .required();
  command.add_flag("-f,--force", arguments->force, "Overwrite a file that is no .attar artifact");
  command.add_flag("--explain", arguments->explain,
                   "Where the plan loses recall: its codes, its lists or graph, its second look");
  add_goal_options(command, arguments->options());
  add_document_options(command, arguments->documents);
  add_tensor_options(command, arguments->tensors, true);
  run_with(command, session, arguments, run_pack);
}

}  // namespace attar::cli
