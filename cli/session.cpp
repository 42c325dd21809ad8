#include "session.h"

#include <fmt/format.h>

namespace attar::cli {

Exit exit_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::corrupt:
    case ErrorCode::truncated: return Exit::corrupt;
    case ErrorCode::goal_unreachable: return Exit::unreachable;
    case ErrorCode::cancelled: return Exit::interrupted;
    default: return Exit::failure;
  }
}

CLI::App* add_command(CLI::App& app, Session& session, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_flag("--json", session.json, "Print JSON for programs (keys: docs/cli.md)");
  command->add_flag("-q,--quiet", session.quiet, "No progress and no notes on standard error");
  std::string footer = "Examples:";
  for (const std::string& example : examples) footer += fmt::format("\n  {}", example);
  command->footer(footer);
  if (!examples.empty()) session.examples[name] = examples.front();
  return command;
}

}  // namespace attar::cli
