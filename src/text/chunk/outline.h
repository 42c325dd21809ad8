// Where a text may be cut and what a cut costs there: what every reader of a syntax makes, before anything is measured.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/chunk/chunk.h"

namespace attar::text::chunking {

/// Costs of a cut, less those of none, at the seam before a piece; a chunk's size costs 0 (as long as the target) to 1.
namespace seam {
inline constexpr float heading_outermost = -0.9F, heading_step = 0.12F;  // a level deeper
inline constexpr float rule = -0.3F;
inline constexpr float paragraph = 0.0F;
inline constexpr float long_line = 0.02F;  // a line that is a paragraph by itself
inline constexpr float block = 0.1F;       // a fence, list or table that no blank line sets apart
inline constexpr float line = 0.2F;
inline constexpr float item = 0.1F, item_step = 0.1F;  // a level deeper
inline constexpr float sentence = 0.25F;
inline constexpr float row = 0.4F;
inline constexpr float introduced = 0.6F;  // what a colon or a caption announces
inline constexpr float inside_statement = 0.8F;
inline constexpr float clause = 0.9F;
inline constexpr float closing = 0.95F;  // a line with which a bracket or a fence closes
inline constexpr float word = 1.2F;
inline constexpr float attached = 3.0F;  // the second row of a table, a statement under its comment
inline constexpr float inside_word = 2.0F;
inline constexpr float inside_letter = 8.0F;  // before a combining mark
}  // namespace seam

/// Ends where the next one begins.
struct Piece {
  std::uint32_t begin = 0;
  float seam = 0;
  std::uint8_t heading = 0;  ///< its level, 1 to 6; 0: none
};

/// Bytes that are not cut where they fit.
struct Region {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// Bytes over which a heading is in force.
struct Scope {
  Heading heading;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct Outline {
  std::vector<Piece> pieces;    ///< in order; the first begins at 0
  std::vector<Region> regions;  ///< nested; by their beginnings, the outer of two before the inner
  std::vector<Scope> scopes;    ///< the same
};

inline constexpr std::size_t most_headings = 8;  // over one place

[[nodiscard]] Outline outline_prose(std::string_view text, bool markdown);
[[nodiscard]] Outline outline_braces(std::string_view text);
[[nodiscard]] Outline outline_indentation(std::string_view text);

/// Puts regions in order, and has a first piece begin at 0.
void finish(Outline& outline);

}  // namespace attar::text::chunking
