#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "attar/pack.h"
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

struct PlanArguments {
  std::filesystem::path input;
  bool explain = false;
  DocumentArguments documents;
  TensorArguments tensors;

  PackOptions& options() noexcept { return documents.options.pack; }
};

std::string plan_text(const PackReport& report, bool explain) {
  Facts facts;
  facts.add("rows", fmt::format("{} x {}, {}", grouped(report.rows), report.dims, metric_name(report.metric)));
  facts.add("goal", printable(report.goal));
  facts.add("queries", fmt::format("{}{}: {} tune, {} certify", grouped(report.queries),
                                   report.proxy ? " rows that stand in for queries" : "", grouped(report.tune_queries),
                                   grouped(report.certify_queries)));
  facts.add("plan", printable(report.plan));
  facts.add("why", printable(report.why));
  facts.add("file",
            fmt::format("{} bytes, {:.2f} a row, nothing written", grouped(report.bytes), report.bytes_per_row));
  facts.add("time", fmt::format("{:.1f} s", report.seconds));
  const std::string explained = explain ? explanation_text(report) + "\n" : "";
  return fmt::format("{}{}\n{}{}\n{}", facts.text(), notes_text(report.notes), explained,
                     candidates_text(report.candidates), certificates_text(report.certificates));
}

Result<Exit> run_plan(const Session& session, PlanArguments& arguments) {
  PackOptions& options = arguments.options();
  if (takes_tensors(arguments.input, arguments.documents.as, arguments.tensors))
    return run_plan_tensors(session, arguments.input, options, arguments.tensors);
  ATTAR_ASSIGN(const bool documents, takes_documents(arguments.input, {}, arguments.documents));
  ATTAR_TRY(check_streams({arguments.input, options.queries, options.ids, options.meta}));
  Result<PlanOutcome> outcome = fail(ErrorCode::cancelled, {});
  DocumentsReport read;
  {
    ProgressBar bar(session);
    options.progress = &bar;
    if (documents) {
      ATTAR_ASSIGN(auto planned, pack_documents(arguments.input, {}, arguments.documents.options));
      read = std::move(planned.documents);
      outcome = std::move(planned.plan);
    } else {
      outcome = make_plan(arguments.input, options);
    }
  }
  if (!outcome) return std::unexpected(outcome.error());
  if (!outcome->reachable) {
    if (!session.json) ATTAR_TRY(print(candidates_text(outcome->report.candidates)));
    return print_unreachable(session, *outcome);
  }
  if (session.json) {
    Json json = pack_json(outcome->report);
    if (documents) json["documents"] = documents_json(read);
    ATTAR_TRY(print_json(json));
  } else {
    ATTAR_TRY(print((documents ? documents_text(read) : "") + plan_text(outcome->report, arguments.explain)));
  }
  return Exit::done;
}

}  // namespace

void add_plan(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<PlanArguments>();
  Command command =
      add_command(app, session, "plan", "The candidates with their bytes and measured recall; writes nothing",
                  {"attar plan docs.npy --budget 200B/vec --recall 0.95@10",
                   "attar plan docs.npy --budget 30% --queries log.npy --json", "attar plan notes/ --budget 5MB",
                   "attar plan docs.npy --codec tcq --budget 2.5bit", "attar plan model.safetensors --budget 45MB"});
  add_path(command, "input", arguments->input,
           "Vectors (.npy, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, .f16bin, .jsonl, or -), or documents: a folder or a "
           "file, as for pack; or tensors")
      .required();
  command.add_flag("--explain", arguments->explain,
                   "Where the plan loses recall: its codes, its lists or graph, its second look");
  add_goal_options(command, arguments->options());
  add_document_options(command, arguments->documents);
  add_tensor_options(command, arguments->tensors, false);
  run_with(command, session, arguments, run_plan);
}

}  // namespace attar::cli
