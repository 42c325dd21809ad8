// What every command shares: its manners, its exit status, and how it joins the command line.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attar/result.h"
#include "command.h"

namespace attar::cli {

/// Exit statuses are an interface: docs/cli.md.
enum class Exit : int {
  done = 0,
  nothing_found = 1,
  failure = 2,
  unreachable = 3,
  corrupt = 4,
  interrupted = 130,  ///< 128 + SIGINT, as shells have it
};

/// The status that an error ends the process with.
[[nodiscard]] Exit exit_of(ErrorCode code) noexcept;

/// One call of the program.
struct Session {
  bool json = false;
  bool quiet = false;
  std::function<Result<Exit>()> run;            ///< of the command that was named
  std::map<std::string, std::string> examples;  ///< by command (full_name()): one that works, for errors
};

/// Has the command run with its arguments when it is the one that was named.
template <class Arguments, class Run>
void run_with(Command& command, Session& session, const std::shared_ptr<Arguments>& arguments, Run run) {
  command.on_named(
      [&session, arguments, run] { session.run = [&session, arguments, run] { return run(session, *arguments); }; });
}

void add_plan(CLI::App& app, Session& session);
void add_pack(CLI::App& app, Session& session);
void add_search(CLI::App& app, Session& session);
void add_embed(CLI::App& app, Session& session);
void add_sensitivity(CLI::App& app, Session& session);
void add_dedup(CLI::App& app, Session& session);
void add_select(CLI::App& app, Session& session);
void add_pack_windows(CLI::App& app, Session& session);
void add_eval(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_info(CLI::App& app, Session& session);
void add_get(CLI::App& app, Session& session);
void add_unpack(CLI::App& app, Session& session);
void add_drop(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_doctor(CLI::App& app, Session& session);
void add_bench(CLI::App& app, Session& session);
void add_context(CLI::App& app, Session& session);
void add_cache(CLI::App& app, Session& session);

}  // namespace attar::cli
