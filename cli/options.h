// Values of options: text from the user to what the library takes, refused with the valid ones.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attar/artifact.h"
#include "attar/pack.h"
#include "attar/result.h"
#include "command.h"

namespace attar::cli {

/// A whole number in [least, most], decimal digits only.
[[nodiscard]] Result<std::uint64_t> parse_whole(std::string_view text, std::uint64_t least, std::uint64_t most);
/// A number in (low, high).
[[nodiscard]] Result<double> parse_between(std::string_view text, double low, double high);
/// Any finite number.
[[nodiscard]] Result<double> parse_finite(std::string_view text);
/// "1,10,100": sorted, each once, at most 16 of them.
[[nodiscard]] Result<std::vector<std::uint32_t>> parse_ks(std::string_view text);
/// "2GiB", "500MB": bytes, at least 64 MiB.
[[nodiscard]] Result<std::uint64_t> parse_memory(std::string_view text);
/// "cosine", "ip" or "l2".
[[nodiscard]] Result<Metric> parse_metric_name(std::string_view text);
/// "section,installed_size": names between commas, each once; \, is a comma in a name.
[[nodiscard]] Result<std::vector<std::string>> parse_names(std::string_view text);
/// One of the words.
[[nodiscard]] Result<std::string> parse_word(std::string_view text, const std::vector<std::string>& words);

/// Adds an option whose text `parse` (string_view to Result<T>) turns into the target.
template <class Target, class Parse>
Option add_value(Command& command, const std::string& names, Target& target, Parse parse, const std::string& help,
                 const std::string& type) {
  const auto take = [&target, parse](std::string_view text) -> Status {
    ATTAR_ASSIGN(target, parse(text));
    return {};
  };
  return command.add_taken(names, take, help, type);
}

/// Adds an option that holds a whole number in [least, most].
template <class Target>
Option add_whole(Command& command, const std::string& names, Target& target, std::uint64_t least, std::uint64_t most,
                 const std::string& help) {
  const auto parse = [least, most](std::string_view text) -> Result<Target> {
    ATTAR_ASSIGN(const std::uint64_t value, parse_whole(text, least, most));
    return static_cast<Target>(value);
  };
  return add_value(command, names, target, parse, help, "N");
}

/// Any text but a blank one.
[[nodiscard]] Result<std::string> parse_condition(std::string_view text);
/// Adds --where.
void add_where(Command& command, std::string& condition);

/// A path that must not be empty.
Option add_path(Command& command, const std::string& names, std::filesystem::path& target, const std::string& help,
                const std::string& type = "FILE");

/// --field and --format.
void add_input_options(Command& command, InputOptions& input);
/// --no-mmap.
void add_open_options(Command& command, OpenOptions& open);
/// -T, --threads.
void add_threads(Command& command, unsigned& threads);
/// --confidence.
void add_confidence(Command& command, double& confidence);
/// All that plan and pack understand about the goal and its circumstances, without the output.
void add_goal_options(Command& command, PackOptions& options);

}  // namespace attar::cli
