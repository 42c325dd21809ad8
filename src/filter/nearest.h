// The name that may have been meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attar::filter {

/// The name nearest to `text` in letters inserted, left out or replaced, letter case aside; empty where none is near.
[[nodiscard]] std::string nearest_name(std::string_view text, const std::vector<std::string>& names);

/// "there are: a, b, c": the first few dozen names.
[[nodiscard]] std::string names_in_words(const std::vector<std::string>& names);

}  // namespace attar::filter
