// The readers of each kind: they append the units of a stretch, whose bytes they cover without gaps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/context/unit.h"

namespace attar::text::context {

/// A document being read, and the headings in force where reading stands.
struct Reading {
  Document document = {};
  struct Open {
    std::uint32_t unit = none;
    int level = 0;
  };
  std::vector<Open> headings = {};
  std::uint32_t paragraphs = 0;

  [[nodiscard]] std::uint32_t heading() const noexcept { return headings.empty() ? none : headings.back().unit; }
  [[nodiscard]] std::uint32_t next() const noexcept { return static_cast<std::uint32_t>(document.units.size()); }
  /// Adds a unit of the kind and noun; its parent is the heading in force unless it has one.
  Unit& add(Kind kind, Noun noun, std::uint32_t begin, std::uint32_t end, std::uint32_t parent = none);
};

/// Has a unit written as `shown`.
void fold(Reading& reading, Unit& unit, std::string shown);

void read_prose(Reading& reading, std::uint32_t begin, std::uint32_t end, bool markdown);
void read_code(Reading& reading, const Stretch& stretch);
void read_diff(Reading& reading, std::uint32_t begin, std::uint32_t end);
void read_log(Reading& reading, std::uint32_t begin, std::uint32_t end);
void read_grep(Reading& reading, std::uint32_t begin, std::uint32_t end);
void read_table(Reading& reading, std::uint32_t begin, std::uint32_t end);
/// Whether a text is one JSON value, of an object or an array, and white space around it.
[[nodiscard]] bool is_json(std::string_view text);
/// False, and nothing is added, where the bytes are no JSON value.
[[nodiscard]] bool read_json(Reading& reading, std::uint32_t begin, std::uint32_t end);

/// The path with its colon that a line of grep's begins with, as in "path:12:…"; empty where it begins otherwise.
[[nodiscard]] std::string_view grep_path(std::string_view line) noexcept;

/// Whether a string's bytes hold what a user reads as the report of an error.
[[nodiscard]] bool reports_error(std::string_view line) noexcept;
/// Whether a line begins as those of logs do: with a time or a level.
[[nodiscard]] bool begins_event(std::string_view line) noexcept;

/// The end of the line that begins at `at`, with its line feed.
[[nodiscard]] std::uint32_t line_end(std::string_view text, std::uint32_t at, std::uint32_t end) noexcept;

}  // namespace attar::text::context
