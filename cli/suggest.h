// What the user may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attar::cli {

/// The word nearest to `text` in letters inserted, left out, replaced or swapped; empty when none is near enough to be
/// meant.
[[nodiscard]] std::string nearest_word(std::string_view text, const std::vector<std::string>& words);

}  // namespace attar::cli
