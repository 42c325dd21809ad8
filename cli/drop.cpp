#include "attar/drop.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct DropArguments {
  std::filesystem::path artifact, output;
  bool force = false;
  OpenOptions open;
  DropOptions options;
};

std::string text_of(const DropReport& report) {
  std::string out = fmt::format("{}: {} rows left, {} dropped; {} bytes, {:.1f} s\n", printable(report.path),
                                grouped(report.rows), grouped(report.dropped), grouped(report.bytes), report.seconds);
  out += report.rebuilt ? "The graph was built anew: more than a fifth of its rows had been dropped.\n"
                        : fmt::format("{} rows lost a link and were linked anew.\n", grouped(report.relinked));
  for (const std::string& note : report.notes) out += fmt::format("note: {}\n", note);
  out += "No certificate: what was measured before was measured with all rows. attar eval measures again.\n";
  return out;
}

Json json_of(const DropReport& report) {
  return {{"path", report.path},         {"rows", report.rows},       {"dropped", report.dropped},
          {"relinked", report.relinked}, {"rebuilt", report.rebuilt}, {"bytes", report.bytes},
          {"seconds", report.seconds},   {"notes", report.notes},     {"content_digest", report.content_digest}};
}

Result<Exit> run_drop(const Session& session, DropArguments& arguments) {
  ATTAR_TRY(check_output(arguments.output, {arguments.artifact, arguments.options.ids_file}, arguments.force, true));
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  DropReport report;
  {
    ProgressBar bar(session);
    arguments.options.progress = &bar;
    ATTAR_ASSIGN(report, drop(artifact, arguments.output, arguments.options));
  }
  ATTAR_TRY(session.json ? print_json(json_of(report)) : print(text_of(report)));
  return Exit::done;
}

}  // namespace

void add_drop(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<DropArguments>();
  DropOptions& options = arguments->options;
  Command command = add_command(
      app, session, "drop", "An artifact with a graph, without some of its rows; no vectors are needed",
      {"attar drop docs.attar -o smaller.attar --ids gone.txt", "attar drop docs.attar -o smaller.attar --id doc-17",
       "attar drop docs.attar -o english.attar --where \"lang != 'en'\""});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  add_path(command, "-o,--output", arguments->output, "Where to").required();
  command.add_each("--id", options.ids, "Drop this row; may be given again. A row number where no ids are kept", "ID");
  add_path(command, "--ids", options.ids_file, "Drop these rows: ids, one a line; - for standard input");
  add_value(command, "--where", options.where, parse_condition,
            "Drop the rows that this holds for: \"section = 'games' and size < 5000\" (grammar: docs/cli.md)",
            "CONDITION");
  command.add_flag("-f,--force", arguments->force, "Overwrite a file that is no .attar artifact");
  add_value(command, "--memory", options.memory_bytes, parse_memory,
            "Ceiling of a graph that is built anew (default 2GiB)", "SIZE");
  add_open_options(command, arguments->open);
  add_threads(command, options.threads);
  run_with(command, session, arguments, run_drop);
}

}  // namespace attar::cli
