// The units of a document: what context compression keeps or cuts. They follow one another without gaps.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace attar::text::context {

/// What a document, or a stretch of it, is.
enum class Kind : std::uint8_t { prose, markdown, code, diff, json, log, grep, table };

/// What a mark calls the units that it stands for.
enum class Noun : std::uint8_t { sentence, line, row, member };

/// How a mark is written where it stands, so that what is around it stays what it was.
enum class MarkStyle : std::uint8_t {
  plain,      ///< [-3 lines 3f2a]
  braces,     ///< /* -3 lines 3f2a */
  statement,  ///< ...  # -3 lines 3f2a
  hash,       ///< # -3 lines 3f2a
  element,    ///< "[-3 rows 3f2a]", an element of a JSON array
  member,     ///< "[-3 members 3f2a]":null, of a JSON object
};

inline constexpr std::uint32_t most_units = 1U << 24U;  ///< of a document
inline constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

/// What a unit is to the units around it.
enum class Role : std::uint8_t {
  leaf,    ///< kept where it is worth its tokens
  opener,  ///< a heading, a signature, a bracket: kept where a unit below it is, or for itself
  closer,  ///< kept exactly where its parent is
};

struct Unit {
  std::uint32_t begin = 0, end = 0;  ///< bytes of the document; white space after a unit belongs to it
  std::uint32_t parent = none;       ///< a unit before it that it must not be kept without
  std::uint32_t paragraph = 0;
  std::uint32_t folded = none;      ///< in Document::texts: what stands for the bytes, where they are written shorter
  std::uint32_t group = none;       ///< the first unit of those that are alike, such as lines of one template
  std::uint32_t next_alike = none;  ///< the next of its group
  Role role = Role::leaf;
  Noun noun = Noun::sentence;
  MarkStyle style = MarkStyle::plain;
  Kind kind = Kind::prose;
  bool heading = false;   ///< an opener whose words are a heading
  bool item = false;      ///< of a JSON array or object: commas stand between items
  bool error = false;     ///< a line that reports an error
  bool latest = false;    ///< the last message of a conversation, or its instructions
  bool repeated = false;  ///< stands word for word earlier
};

struct Document {
  std::string_view text;
  std::vector<Unit> units = {};
  std::vector<std::string> texts = {};

  /// What a unit is written as.
  [[nodiscard]] std::string_view shown(const Unit& unit) const noexcept {
    return unit.folded == none ? text.substr(unit.begin, unit.end - unit.begin) : std::string_view(texts[unit.folded]);
  }
};

/// Bytes [begin, end) of a document that are of one kind.
struct Stretch {
  Kind kind = Kind::prose;
  std::uint32_t begin = 0, end = 0;
  std::string_view language = {};  ///< of code: "python", "cpp" …
  bool fenced = false;             ///< between the lines of a fence, which stay where anything between them does
};

}  // namespace attar::text::context
