// Where prose goes on about the same, and where it turns to something else: by the words on both sides of a seam.
#pragma once

#include <span>
#include <string_view>

#include "text/chunk/atoms.h"

namespace attar::text::chunking {

/// Raises the costs of the seams between paragraphs, sentences, items and rows where the atoms on both sides share more
/// words than is usual in the text, and lowers them where they share less (TextTiling, Hearst 1997).
void weigh_cohesion(std::string_view text, std::span<Atom> atoms);

}  // namespace attar::text::chunking
