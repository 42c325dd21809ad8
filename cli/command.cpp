#include "command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "session.h"

namespace attar::cli {

Option Option::required() const { return Option(option_->required()); }

Option Option::needs(Option other) const { return Option(option_->needs(other.option_)); }

Option Option::excludes(Option other) const { return Option(option_->excludes(other.option_)); }

Option Command::add_text(const std::string& names, std::string& target, const std::string& help,
                         const std::string& type) {
  return Option(command_->add_option(names, target, help)->type_name(type));
}

Option Command::add_texts(const std::string& names, std::vector<std::string>& target, const std::string& help,
                          const std::string& type) {
  return Option(command_->add_option(names, target, help)->type_name(type));
}

Option Command::add_each(const std::string& names, std::vector<std::string>& target, const std::string& help,
                         const std::string& type) {
  return Option(command_->add_option(names, target, help)->type_name(type)->allow_extra_args(false));
}

Option Command::add_flag(const std::string& names, bool& target, const std::string& help) {
  return Option(command_->add_flag(names, target, help));
}

Option Command::add_flag(const std::string& names, const std::function<void()>& take, const std::string& help) {
  return Option(command_->add_flag_callback(names, take, help));
}

Option Command::add_taken(const std::string& names, const std::function<Status(std::string_view)>& take,
                          const std::string& help, const std::string& type) {
  const std::string shown = names.substr(names.find("--") == std::string::npos ? 0 : names.find("--"));
  const CLI::callback_t checked = [take, shown](const CLI::results_t& given) {
    if (const Status taken = take(given.front()); !taken) throw CLI::ValidationError(shown, taken.error().message);
    return true;
  };
  return Option(command_->add_option(names, checked, help)->type_name(type)->expected(1));
}

void Command::on_named(const std::function<void()>& call) { command_->callback(call); }

std::string full_name(const CLI::App& command) {
  const CLI::App* const above = command.get_parent();
  if (above == nullptr) return {};
  const std::string name = full_name(*above);
  return name.empty() ? command.get_name() : fmt::format("{} {}", name, command.get_name());
}

Command add_group(CLI::App& app, const std::string& name, const std::string& what) {
  CLI::App* const group = app.add_subcommand(name, what);
  group->require_subcommand(1);
  group->footer(fmt::format("attar {} COMMAND --help has the options and examples of a command.", name));
  return Command(group);
}

Command add_command(CLI::App& app, Session& session, const std::string& name, const std::string& what,
                    const std::vector<std::string>& examples) {
  CLI::App* const parsed = app.add_subcommand(name, what);
  std::string footer = "Examples:";
  for (const std::string& example : examples) footer += fmt::format("\n  {}", example);
  parsed->footer(footer);
  if (!examples.empty()) session.examples[full_name(*parsed)] = examples.front();
  Command command(parsed);
  command.add_flag("--json", session.json, "Print JSON for programs (keys: docs/cli.md)");
  command.add_flag("-q,--quiet", session.quiet, "No progress and no notes on standard error");
  return command;
}

}  // namespace attar::cli
