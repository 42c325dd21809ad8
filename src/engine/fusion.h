// Two rankings to one: the score of a row from its legs. docs/decisions/0028 has the measurements.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "codec/topk.h"

namespace attar::engine {

/// A row with the legs that know it.
struct Fused {
  std::uint32_t row = 0;
  float score = 0;  ///< 0 … 1
  std::optional<float> semantic, lexical;
};

/// What the legs' scores mean.
struct FusionScale {
  float semantic_weight = 0.3f;  ///< of the sum; the words have the rest
  float most_lexical = 1;  ///< what a document would score that holds every term of the question as often as counts
};

/// Of each leg the rows that it knows, in any order, none twice. Rows that a leg does not know have 0 of it. Best
/// first, equal ones by row. An absent leg weighs nothing.
[[nodiscard]] std::vector<Fused> fuse(std::optional<std::span<const codec::Hit>> semantic,
                                      std::optional<std::span<const codec::Hit>> lexical, const FusionScale& scale);

}  // namespace attar::engine
