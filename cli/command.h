// The options of a command. CLI11 parses them, and shows up in command.cpp and main.cpp alone: its headers take seconds
// to compile in every file that sees them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace attar::cli {

struct Session;

/// An option or argument that was added to a command, which owns it.
class Option {
 public:
  explicit Option(CLI::Option* option) noexcept : option_(option) {}
  Option required() const;
  /// Refused without the other, or beside it.
  Option needs(Option other) const;
  Option excludes(Option other) const;

 private:
  CLI::Option* option_;
};

/// A command of the program, as `attar pack`. The targets of its options must outlive the parsing. `type` is the word
/// for the value in the help.
class Command {
 public:
  explicit Command(CLI::App* command) noexcept : command_(command) {}

  Option add_text(const std::string& names, std::string& target, const std::string& help, const std::string& type);
  /// Takes as many as there are.
  Option add_texts(const std::string& names, std::vector<std::string>& target, const std::string& help,
                   const std::string& type);
  /// Takes one each time that it is given.
  Option add_each(const std::string& names, std::vector<std::string>& target, const std::string& help,
                  const std::string& type);
  Option add_flag(const std::string& names, bool& target, const std::string& help);
  /// Calls `take` where the flag is given.
  Option add_flag(const std::string& names, const std::function<void()>& take, const std::string& help);
  /// `take` gets the text; its failure is shown with the option's name.
  Option add_taken(const std::string& names, const std::function<Status(std::string_view)>& take,
                   const std::string& help, const std::string& type);
  /// Called where this command was named, after its options were taken.
  void on_named(const std::function<void()>& call);
  /// For commands that are added below it, as `get` of `attar cache get`.
  [[nodiscard]] CLI::App& app() const noexcept { return *command_; }

 private:
  CLI::App* command_;
};

/// The words that name a command behind the program's, as "cache get".
[[nodiscard]] std::string full_name(const CLI::App& command);

/// A command that does nothing by itself: others are added to its app(), and one of them must be named.
[[nodiscard]] Command add_group(CLI::App& app, const std::string& name, const std::string& what);

/// A command with its examples, `--json` and `--quiet`. The first example is the one that errors show. `app`: the
/// program, or a group.
[[nodiscard]] Command add_command(CLI::App& app, Session& session, const std::string& name, const std::string& what,
                                  const std::vector<std::string>& examples);

}  // namespace attar::cli
