// A document in chunks for retrieval. spec.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "text/wordpiece/wordpiece.h"

namespace attar::text {

/// What a document is written in.
enum class Syntax : std::uint8_t {
  plain,        ///< paragraphs, lists, lines
  markdown,     ///< with headings, tables and fences
  braces,       ///< C, C++, Java, JavaScript, Go, Rust …
  indentation,  ///< Python, YAML …
};

/// Where two texts joined are never longer than the sum of their lengths.
enum class Joins : std::uint8_t {
  anywhere,   ///< bytes, code points
  at_spaces,  ///< where ASCII white space stands between them: tokens of words
  nowhere,    ///< nothing is known: every chunk is measured once more
};

/// How long a text is, in a unit of the caller's.
struct Measure {
  /// Must give the same for the same bytes, and must not throw.
  std::function<std::size_t(std::string_view)> length;
  Joins joins = Joins::nowhere;
};

[[nodiscard]] Measure in_bytes();
/// A byte that belongs to no well-formed code point counts as one.
[[nodiscard]] Measure in_code_points();
/// Without the model's special tokens. The tokenizer must outlive the measure; each copy of it is for one thread.
[[nodiscard]] Measure in_tokens(const WordPiece& tokenizer);

struct ChunkOptions {
  std::size_t most = 256;  ///< no chunk is longer, in units of the measure; at least 1
  std::size_t target = 0;  ///< the length that chunks should have, at most `most`; 0: `most`
};

/// A heading's words, bytes [begin, end) of the text.
struct Heading {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t level = 1;  ///< 1 is the outermost

  friend bool operator==(const Heading&, const Heading&) = default;
};

/// Bytes [begin, end) of the text.
struct Chunk {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  /// Those over its first text, outermost first. One whose place is not before `begin` stands in the chunk itself.
  std::vector<Heading> headings;

  friend bool operator==(const Chunk&, const Chunk&) = default;
};

/// Cuts a text of less than 4 GiB: chunks that follow one another without gaps, none longer than `most` but for a
/// single code point that is. `invalid_argument` for options that contradict themselves, `over_limit` for a longer
/// text.
[[nodiscard]] Result<std::vector<Chunk>> chunk(std::string_view text, Syntax syntax, const ChunkOptions& options,
                                               const Measure& measure);

}  // namespace attar::text
