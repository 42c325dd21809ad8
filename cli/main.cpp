// attar: budget in, proof out. Parses, calls the library, prints.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <new>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "attar/evaluate.h"
#include "attar/version.h"
#include "json.h"
#include "output.h"
#include "session.h"
#include "suggest.h"

namespace attar::cli {
namespace {

/// --json counts also where the rest of the line cannot be parsed.
bool wants_json(std::span<char* const> words) {
  for (const std::string_view word : words) {
    if (word == "--") return false;
    if (word == "--json") return true;
  }
  return false;
}

std::string version_text() { return fmt::format("{}\nkernels: {}\n", build_description(), diagnose().level); }

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string meant(std::string_view word, const std::vector<std::string>& words) {
  const std::string nearest = nearest_word(word, words);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

/// The command that was named, a group's rather than the group; the program where none was.
const CLI::App& named_command(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : named_command(*named.front());
}

/// In words: what was not understood, and what is near it.
std::string usage_message(const CLI::App& where, const CLI::ParseError& error) {
  const std::vector<std::string> left = where.remaining();
  const std::vector<std::string> commands = command_names(where);
  if (left.empty() && !commands.empty() && where.get_parent() != nullptr)
    return fmt::format("name one of its commands: {}", fmt::join(commands, ", "));
  // A missing argument is often the consequence of a misspelt name: the word that is too much says more.
  if (left.empty()) return error.what();
  const std::string& word = left.front();
  if (!commands.empty() && !word.starts_with('-'))
    return fmt::format("'{}' is no command{}. The commands: {}", word, meant(word, commands),
                       fmt::join(commands, ", "));
  if (word.starts_with('-') && word != "-") {
    const std::string name = word.substr(0, word.find('='));
    return fmt::format("unknown option '{}'{}", name, meant(name, option_names(where)));
  }
  return fmt::format("'{}' is one argument too many", word);
}

Exit usage_error(const CLI::App& app, const Session& session, const CLI::ParseError& error, bool json) {
  const CLI::App& command = named_command(app);
  const std::string name = full_name(command);
  std::string message = usage_message(command, error);
  std::string example = "attar --help";
  if (!name.empty()) {
    message = fmt::format("{}: {} (all options: attar {} --help)", name, message, name);
    const auto known = session.examples.find(name);
    example = known != session.examples.end() ? known->second : fmt::format("attar {} --help", name);
  }
  return print_error(json, Error{.code = ErrorCode::invalid_argument, .message = std::move(message)}, example);
}

/// What a library below threw after all.
Error caught(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr)
    return {.code = ErrorCode::over_limit,
            .message = "out of memory; close other programs, or give a smaller --memory"};
  return {.code = ErrorCode::io, .message = exception.what()};
}

void add_commands(CLI::App& app, Session& session) {
  add_plan(app, session);
  add_pack(app, session);
  add_search(app, session);
  add_embed(app, session);
  add_sensitivity(app, session);
  add_context(app, session);
  add_cache(app, session);
  add_dedup(app, session);
  add_select(app, session);
  add_pack_windows(app, session);
  add_eval(app, session);
  add_verify(app, session);
  add_info(app, session);
  add_unpack(app, session);
  add_drop(app, session);
  add_get(app, session);
  add_export(app, session);
  add_report(app, session);
  add_doctor(app, session);
  add_bench(app, session);
}

Exit run_command(const CLI::App& app, const Session& session) {
  Result<Exit> exit = fail(ErrorCode::io, {});
  try {
    exit = session.run();
  } catch (const std::exception& exception) {
    exit = std::unexpected(caught(exception));
  }
  if (exit) return *exit;
  const std::string name = full_name(named_command(app));
  const bool misused = exit.error().code == ErrorCode::invalid_argument;
  return print_error(session.json, exit.error(), misused ? session.examples.at(name) : std::string{});
}

Exit attar_main(int argc, char** argv) {
  CLI::App app(
      "Attar packs vectors, documents and texts to a budget, works on what is packed, and proves what it cost.",
      "attar");
  app.set_version_flag("--version", version_text, "Version, build and instruction-set level");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  app.footer(
      "attar COMMAND --help has the options and examples of a command.\n"
      "Exit status: 0 done, 1 nothing found, 2 wrong use or failure, 3 goal not reachable, 4 corrupt, 130 stopped.");
  Session session;
  add_commands(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    std::ostringstream out;
    app.exit(success, out, out);
    return print(out.str()) ? Exit::done : Exit::failure;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, session, error, wants_json(std::span(argv, static_cast<std::size_t>(argc))));
  }
  return run_command(app, session);
}

}  // namespace
}  // namespace attar::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(attar::cli::attar_main(argc, argv));
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "attar: %s\n", exception.what());
    return static_cast<int>(attar::cli::Exit::failure);
  }
}
