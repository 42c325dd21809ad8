// Kinds that are lines: logs, the output of grep, tables, diffs.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "text/chunk/cuts.h"
#include "text/context/readers.h"

namespace attar::text::context {
namespace {

using chunking::is_digit;

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether `word` stands at `at` with no letter beside it.
bool word_at(std::string_view line, std::size_t at, std::string_view word) noexcept {
  const std::size_t after = at + word.size();
  return (at == 0 || !is_letter(line[at - 1])) && (after >= line.size() || !is_letter(line[after]));
}

constexpr std::array<std::string_view, 9> severe = {"ERROR", "FATAL", "CRITICAL",  "SEVERE",   "PANIC",
                                                    "EMERG", "ALERT", "Exception", "Traceback"};

// Lines that go on with the event before: indented ones, and those of a stack trace.
bool goes_on(std::string_view line) noexcept {
  return line.starts_with(' ') || line.starts_with('\t') || line.starts_with("Caused by:") || line.starts_with("at ") ||
         line.starts_with("...") || line.starts_with("}") || line == "\n" || line == "\r\n";
}

}  // namespace

std::string_view grep_path(std::string_view line) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos ||
      line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)
    return {};
  std::size_t at = colon + 1;
  while (at < line.size() && is_digit(line[at])) ++at;
  return at > colon + 1 && at < line.size() && line[at] == ':' ? line.substr(0, colon + 1) : std::string_view{};
}

void fold(Reading& reading, Unit& unit, std::string shown) {
  unit.folded = static_cast<std::uint32_t>(reading.document.texts.size());
  reading.document.texts.push_back(std::move(shown));
}

std::uint32_t line_end(std::string_view text, std::uint32_t at, std::uint32_t end) noexcept {
  const std::size_t feed = text.substr(0, end).find('\n', at);
  return feed == std::string_view::npos ? end : static_cast<std::uint32_t>(feed + 1);
}

bool reports_error(std::string_view line) noexcept {
  // Capitals are rare in logs: the first letter is looked for, and only there are words compared.
  for (std::size_t at = line.find_first_of("EFCSPAT"); at != std::string_view::npos;
       at = line.find_first_of("EFCSPAT", at + 1))
    for (const std::string_view word : severe)
      if (line.substr(at).starts_with(word) && (word == "Exception" || word_at(line, at, word))) return true;
  for (const std::string_view level :
       {"level=error", "level=fatal", "\"level\":\"error\"", "\"level\": \"error\"", "[error]", "[crit]"})
    if (line.find(level) != std::string_view::npos) return true;
  return false;
}

bool begins_event(std::string_view line) noexcept {
  line = line.substr(0, 48);
  // A time: 12:34, within the first words; or a date, or a number of seconds.
  for (std::size_t at = 2; at + 2 < line.size(); ++at)
    if (line[at] == ':' && is_digit(line[at - 1]) && is_digit(line[at + 1]) && is_digit(line[at + 2])) return true;
  for (const std::string_view level : {"INFO", "WARN", "DEBUG", "ERROR", "TRACE", "FATAL"})
    if (const std::size_t at = line.find(level); at != std::string_view::npos && word_at(line, at, level)) return true;
  std::size_t digits = 0;
  for (const char c : line.substr(0, 16)) digits += is_digit(c) ? 1 : 0;
  return digits >= 8;
}

void read_log(Reading& reading, std::uint32_t begin, std::uint32_t end) {
  const std::string_view text = reading.document.text;
  ++reading.paragraphs;
  std::uint32_t event = none;
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t next = line_end(text, at, end);
    const std::string_view line = text.substr(at, next - at);
    const bool more = event != none && goes_on(line);
    // Frames are units of their own, below the line that they explain.
    if (more) reading.document.units[event].role = Role::opener;
    reading.add(Kind::log, Noun::line, at, next, more ? event : none).error = reports_error(line);
    if (!more) event = reading.next() - 1;
    at = next;
  }
}

// Lines of one file stand below its path, which is written once.
void read_grep(Reading& reading, std::uint32_t begin, std::uint32_t end) {
  const std::string_view text = reading.document.text;
  std::string_view path;
  std::uint32_t file = none;
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t next = line_end(text, at, end);
    const std::string_view own = grep_path(text.substr(at, next - at));
    const auto behind = at + static_cast<std::uint32_t>(own.size());
    if (own.empty()) {
      file = none;
      reading.add(Kind::grep, Noun::line, at, next);
    } else if (file != none && own == path) {
      fold(reading, reading.add(Kind::grep, Noun::line, at, next, file),
           std::string(text.substr(behind, next - behind)));
    } else {
      ++reading.paragraphs;
      Unit& opener = reading.add(Kind::grep, Noun::line, at, behind);
      opener.role = Role::opener;
      opener.heading = true;
      fold(reading, opener, std::string(own) + "\n");
      file = reading.next() - 1;
      reading.add(Kind::grep, Noun::line, behind, next, file);
    }
    path = own;
    at = next;
  }
}

void read_table(Reading& reading, std::uint32_t begin, std::uint32_t end) {
  const std::string_view text = reading.document.text;
  ++reading.paragraphs;
  std::uint32_t header = none;
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t next = line_end(text, at, end);
    Unit& unit = reading.add(Kind::table, Noun::row, at, next, header);
    if (header == none) {
      unit.role = Role::opener;
      header = reading.next() - 1;
    }
    at = next;
  }
}

void read_diff(Reading& reading, std::uint32_t begin, std::uint32_t end) {
  constexpr std::uint32_t most_lines = 8;  // of a unit
  const std::string_view text = reading.document.text;
  std::uint32_t file = none, hunk = none, lines = 0;
  bool in_header = false;
  char run = 0;
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t next = line_end(text, at, end);
    const std::string_view line = text.substr(at, next - at);
    const bool starts_file =
        line.starts_with("diff ") || line.starts_with("Index: ") || (line.starts_with("--- ") && !in_header);
    if (starts_file) {
      Unit& unit = reading.add(Kind::diff, Noun::line, at, next);
      unit.role = Role::opener;
      unit.heading = true;
      file = reading.next() - 1;
      hunk = none;
      in_header = true;
      ++reading.paragraphs;
    } else if (line.starts_with("@@")) {
      reading.add(Kind::diff, Noun::line, at, next, file).role = Role::opener;
      hunk = reading.next() - 1;
      in_header = false;
      run = 0;
      ++reading.paragraphs;
    } else if (hunk == none) {
      Unit& unit = reading.add(Kind::diff, Noun::line, at, next, file);
      if (file != none) unit.role = Role::closer;
    } else {
      const char sign = line[0] == '+' || line[0] == '-' ? '+' : ' ';
      if (sign == run && lines < most_lines) {
        reading.document.units.back().end = next;
        ++lines;
      } else {
        reading.add(Kind::diff, Noun::line, at, next, hunk);
        run = sign;
        lines = 1;
      }
    }
    at = next;
  }
}

}  // namespace attar::text::context
