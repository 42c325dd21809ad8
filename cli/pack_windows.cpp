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

struct PackWindowsArguments {
  std::filesystem::path input, output;
  bool force = false;
  WindowsOptions options;
};

Json baseline_json(const WindowsBaseline& baseline) {
  return {{"windows", baseline.windows}, {"fill", baseline.fill}, {"documents_cut", baseline.cut}};
}

Json json_of(const WindowsReport& report, const std::string& path, std::uint32_t window) {
  return {{"path", path},
          {"documents", report.corpus.documents},
          {"tokens", report.tokens},
          {"tokenizer", report.tokenizer},
          {"estimated", report.estimated},
          {"window", window},
          {"windows", report.windows},
          {"fill", report.fill},
          {"documents_cut", report.cut},
          {"pieces", report.pieces},
          {"first_fit", baseline_json(report.first_fit)},
          {"concatenate", baseline_json(report.concatenate)},
          {"skipped", skipped_json(report.corpus)},
          {"seconds", {{"read", report.read_seconds}, {"fit", report.fit_seconds}, {"write", report.write_seconds}}}};
}

std::string text_of(const WindowsReport& report, const std::string& path, std::uint32_t window) {
  return fmt::format(
      "{}: {} windows of {} {} by {}, {:.2f}% full; {} documents, {} of them longer than a window and cut\n"
      "in order by first fit: {} windows, {:.2f}% full; concatenated and cut: {} windows, {} documents cut\n",
      printable(path), grouped(report.windows), grouped(window), report.estimated ? "estimated tokens" : "tokens",
      printable(report.tokenizer), 100 * report.fill, grouped(report.corpus.documents), grouped(report.cut),
      grouped(report.first_fit.windows), 100 * report.first_fit.fill, grouped(report.concatenate.windows),
      grouped(report.concatenate.cut));
}

Result<Exit> run_pack_windows(const Session& session, PackWindowsArguments& arguments) {
  ATTAR_TRY(check_output(arguments.output, {arguments.input}, arguments.force, false));
  const std::uint32_t window = arguments.options.window;
  const auto work = [&](const std::filesystem::path& output) {
    return pack_windows(arguments.input, output, arguments.options);
  };
  ATTAR_TRY(write_corpus(
      session, arguments.output, arguments.options.corpus, work,
      [&](const WindowsReport& report, const std::string& path) { return json_of(report, path, window); },
      [&](const WindowsReport& report, const std::string& name) { return text_of(report, name, window); }));
  return Exit::done;
}

}  // namespace

void add_pack_windows(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<PackWindowsArguments>();
  WindowsOptions& options = arguments->options;
  Command command =
      add_command(app, session, "pack-windows", "Pack documents into windows of a model; none that fits one is cut",
                  {"attar pack-windows corpus.jsonl --window 4096 -o windows.jsonl",
                   "attar pack-windows corpus.jsonl --window 2048 --per-document 1 --ids -o windows.jsonl"});
  add_corpus_input(command, arguments->input, arguments->output, arguments->force);
  add_whole(command, "--window", options.window, 16, 1 << 24, "Tokens of a window (default 4096)");
  command.add_text("--tokenizer", options.tokenizer,
                   "characters/4 (default, an estimate), wordpiece, or a tokenizer's file", "NAME");
  add_whole(command, "--per-document", options.per_document, 0, 1 << 20,
            "Tokens that each document takes besides its own, as one that ends it (default 0)");
  command.add_flag("--ids", options.ids, "Write ids of records, or line numbers, instead of texts");
  add_corpus_options(command, options.corpus);
  run_with(command, session, arguments, run_pack_windows);
}

}  // namespace attar::cli
