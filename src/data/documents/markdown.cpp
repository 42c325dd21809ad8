#include "data/documents/markdown.h"

#include <algorithm>
#include <optional>

#include "data/documents/names.h"

namespace attar::data {
namespace {

/// Takes the next line off the text, without its end.
std::string_view next_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Without the quotes that YAML and TOML put around a value, and a comment behind it.
std::string_view value_of(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with('"') && !text.starts_with('\'')) return trimmed(text.substr(0, text.find(" #")));
  const std::size_t end = text.find(text.front(), 1);
  return end == std::string_view::npos ? text : trimmed(text.substr(1, end - 1));
}

/// The title that stands in the front matter, which is taken off the text.
std::string_view front_matter_title(std::string_view& text) {
  std::string_view rest = text;
  const std::string_view fence = next_line(rest);
  const bool yaml = trimmed(fence) == "---" && fence.starts_with("---");
  const bool toml = trimmed(fence) == "+++" && fence.starts_with("+++");
  if (!yaml && !toml) return {};
  std::string_view title;
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    const std::string_view mark = trimmed(line);
    if ((yaml && (mark == "---" || mark == "...")) || (toml && mark == "+++")) {
      text = rest;
      return title;
    }
    const std::size_t equals = line.find(yaml ? ':' : '=');
    if (title.empty() && equals != std::string_view::npos && trimmed(line.substr(0, equals)) == "title" &&
        line.starts_with("title"))
      title = value_of(line.substr(equals + 1));
  }
  return {};  // a line of dashes, and no front matter: it has no end
}

/// "Words" of "## Words ##"; nothing where the line is no heading.
std::optional<std::string_view> heading(std::string_view line) {
  const std::size_t marks = std::min(line.find_first_not_of('#'), line.size());
  if (marks == 0 || marks > 6) return std::nullopt;
  std::string_view rest = line.substr(marks);
  if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') return std::nullopt;
  rest = trimmed(rest);
  const std::size_t last = rest.find_last_not_of('#');
  if (last == std::string_view::npos) return std::string_view{};
  if (last + 1 < rest.size() && (rest[last] == ' ' || rest[last] == '\t')) rest = trimmed(rest.substr(0, last));
  return rest;
}

/// A line of = or - under a line of text makes a heading of that.
bool is_underline(std::string_view line) {
  line = trimmed(line);
  return !line.empty() && (line.front() == '=' || line.front() == '-') &&
         line.find_first_not_of(line.front()) == std::string_view::npos;
}

std::string_view without_emphasis(std::string_view text) {
  for (const std::string_view mark : {"**", "__", "*", "_", "`"})
    if (text.size() > 2 * mark.size() && text.starts_with(mark) && text.ends_with(mark))
      text = text.substr(mark.size(), text.size() - 2 * mark.size());
  return text;
}

}  // namespace

std::string markdown_title(std::string_view text) {
  if (const std::string_view title = front_matter_title(text); !title.empty()) return std::string(title);
  std::string_view fence;  // what closes the block of code that we are in
  std::string_view before;
  while (!text.empty()) {
    const std::string_view whole = next_line(text);
    const std::size_t indent = std::min(whole.find_first_not_of(' '), whole.size());
    const std::string_view line = indent > 3 ? std::string_view{} : whole.substr(indent);
    if (!fence.empty()) {
      if (line.starts_with(fence)) fence = {};
      continue;
    }
    if (line.starts_with("```") || line.starts_with("~~~")) {
      fence = line.substr(0, line.find_first_not_of(line.front()));
      before = {};
      continue;
    }
    if (const auto found = heading(line); found && !found->empty()) return std::string(without_emphasis(*found));
    if (!before.empty() && is_underline(line)) return std::string(without_emphasis(before));
    // Below a list, a quotation or a row of a table a line of dashes is something else.
    const bool words = !line.empty() && std::string_view("-*+>|#<").find(line.front()) == std::string_view::npos;
    before = words ? trimmed(line) : std::string_view{};
  }
  return {};
}

}  // namespace attar::data
