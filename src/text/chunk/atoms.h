// Pieces of a text with their lengths: what chunks are put together from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/chunk/chunk.h"
#include "text/chunk/outline.h"

namespace attar::text::chunking {

/// Ends where the next one begins. No longer than `most`, but for a single code point.
struct Atom {
  std::uint32_t begin = 0;
  std::uint32_t length = 0;  ///< by the measure; what passes 32 bits counts as the largest number
  float seam = 0;            ///< the cost of a cut before it
  bool heading = false;
  bool held = false;   ///< not to be cut before
  bool tight = false;  ///< no white space stands before it
};

/// Measures an outline's pieces and cuts the too long ones; then `held` is set after headings and inside of the regions
/// that fit. All that is held together is no longer than `most`, by the sum of the lengths.
[[nodiscard]] std::vector<Atom> make_atoms(std::string_view text, bool code, const Outline& outline,
                                           const Measure& measure, std::uint32_t most);

}  // namespace attar::text::chunking
