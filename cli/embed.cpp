#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "attar/documents.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct EmbedArguments {
  std::filesystem::path input, output;
  bool force = false;
  EmbedOptions options;
};

Json json_of(const EmbedReport& report, const std::string& path) {
  return {{"path", path},
          {"texts", report.texts},
          {"dims", report.dims},
          {"encoder", report.encoder},
          {"seconds", report.seconds}};
}

std::string text_of(const EmbedReport& report, const std::string& path) {
  const double rate = static_cast<double>(report.texts) / std::max(report.seconds, 1e-9);
  return fmt::format("{}: {} texts x {} by {}, {:.0f} a second\n", printable(path), grouped(report.texts), report.dims,
                     printable(report.encoder), rate);
}

Result<Exit> run_embed(const Session& session, EmbedArguments& arguments) {
  ATTAR_TRY(check_output(arguments.output, {arguments.input}, arguments.force, false));
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(arguments.output, ".npy", session));
  EmbedReport report;
  {
    ProgressBar bar(session);
    arguments.options.progress = &bar;
    ATTAR_ASSIGN(report, embed(arguments.input, file.path(), arguments.options));
  }
  const std::string path = arguments.output.string();
  ATTAR_TRY(tell_written(session, file, path, json_of(report, path),
                         [&](const std::string& name) { return text_of(report, name); }));
  return Exit::done;
}

}  // namespace

void add_embed(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<EmbedArguments>();
  Command command = add_command(
      app, session, "embed", "Vectors of texts, by the encoder that Attar carries or one in a folder",
      {"attar embed questions.txt -o questions.npy", "attar embed corpus.jsonl -o corpus.npy --encoder models/minilm",
       "attar pack models/minilm -o minilm.attar --lossless && attar embed questions.txt -o q.npy --encoder "
       "minilm.attar"});
  add_path(command, "input", arguments->input, "One text a line, .jsonl with \"text\", or .tsv: id, text").required();
  add_path(command, "-o,--output", arguments->output, "Where to: .npy or .fvecs; - for .npy on standard output")
      .required();
  command.add_text("--encoder", arguments->options.encoder,
                   "A folder with a BERT model, or an artifact of one; without it Attar's own", "MODEL");
  command.add_text("--precision", arguments->options.precision,
                   "How the model's layers keep their weights: f32, bf16, int8 (default) or int4", "NAME");
  command.add_flag("-f,--force", arguments->force, "Overwrite the output");
  add_threads(command, arguments->options.threads);
  run_with(command, session, arguments, run_embed);
}

}  // namespace attar::cli
