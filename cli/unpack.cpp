#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "attar/artifact.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"
#include "tensors.h"

namespace attar::cli {
namespace {

struct UnpackArguments {
  std::filesystem::path artifact, output, base;
  std::optional<Budget> budget;
  bool force = false;
  unsigned threads = 0;
  OpenOptions open;
};

std::string text_of(const UnpackReport& report, const std::string& path) {
  const std::string error =
      report.compared ? fmt::format("relative squared error {:.6f}, mean cosine {:.6f}, against the originals",
                                    report.relative_error, report.mean_cosine)
                      : "error not measured: give the originals with --base";
  return fmt::format("{}: {} rows x {}; {}\n", printable(path), grouped(report.rows), report.dims, error);
}

Json json_of(const UnpackReport& report, const std::string& path) {
  return {{"path", path},
          {"rows", report.rows},
          {"dims", report.dims},
          {"compared", report.compared},
          {"relative_error", report.compared ? Json(report.relative_error) : Json(nullptr)},
          {"mean_cosine", report.compared ? Json(report.mean_cosine) : Json(nullptr)}};
}

Result<Exit> run_unpack(const Session& session, const UnpackArguments& arguments) {
  if (is_tensor_artifact(arguments.artifact))
    return run_unpack_tensors(session, arguments.artifact, arguments.output, arguments.base, arguments.budget,
                              arguments.force, arguments.threads, arguments.open);
  if (arguments.budget)
    return fail(ErrorCode::invalid_argument, "only progressive artifacts of tensors are read to a --budget");
  ATTAR_TRY(check_output(arguments.output, {arguments.artifact, arguments.base}, arguments.force, false));
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(arguments.output, ".npy", session));
  UnpackReport report;
  {
    ProgressBar bar(session);
    ATTAR_ASSIGN(report, unpack(artifact, file.path(), arguments.base, &bar));
  }
  const std::string path = arguments.output.string();
  ATTAR_TRY(tell_written(session, file, path, json_of(report, path),
                         [&](const std::string& name) { return text_of(report, name); }));
  return Exit::done;
}

}  // namespace

void add_unpack(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<UnpackArguments>();
  Command command =
      add_command(app, session, "unpack", "The decoded vectors, with the error stated; files of tensors, to the byte",
                  {"attar unpack docs.attar -o back.npy", "attar unpack docs.attar -o back.fvecs --base docs.npy",
                   "attar unpack docs.attar -o - > back.npy", "attar unpack model.attar -o model.safetensors",
                   "attar unpack progressive.attar -o model.safetensors --budget 30MB"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  add_path(command, "-o,--output", arguments->output,
           "Where to: .npy or .fvecs; - for .npy on standard output; tensors: the file, or a folder for several")
      .required();
  add_path(command, "--base", arguments->base,
           "The originals, to state the error; else those kept in the file. Tensors: the artifact that this one is "
           "coded against");
  add_value(command, "--budget", arguments->budget, parse_budget,
            "Progressive tensors: read them as they would be in so many bytes: 30MB, 3.5bit, 20%", "SIZE");
  command.add_flag("-f,--force", arguments->force, "Overwrite the output");
  add_open_options(command, arguments->open);
  add_threads(command, arguments->threads);
  run_with(command, session, arguments, run_unpack);
}

}  // namespace attar::cli
