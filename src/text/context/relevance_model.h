// The weights of the relevance model, written by scripts/train_relevance.py.
#pragma once

#include "text/context/relevance.h"

namespace attar::text::context {

/// The probability, 0 to 1, that a unit with these features holds what is asked for.
[[nodiscard]] float probability(const Features& features) noexcept;

}  // namespace attar::text::context
