// The kept units of a document as text, with a mark where something was cut.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/context/mark.h"
#include "text/context/unit.h"

namespace attar::text::context {

struct Rendering {
  std::string text;
  std::vector<Cut> runs;    ///< cuts that are marked in place
  std::vector<Cut> groups;  ///< lines that are alike, marked at their first
};

/// How the lines of the group that begins with a unit differ, in words; empty: it is not told.
using Differences = std::function<std::string_view(std::uint32_t first)>;

/// `kept`: by unit; with a unit its parents and their closers are kept.
[[nodiscard]] Rendering render(const Document& document, const std::vector<bool>& kept, const Differences& differences);

}  // namespace attar::text::context
