// The kept units of a document as text, with a mark where something was cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/context/mark.h"
#include "text/context/unit.h"

namespace attar::text::context {

struct Rendering {
  std::string text;
  std::vector<Cut> runs;    ///< cuts that are marked in place
  std::vector<Cut> groups;  ///< lines that are alike, marked at their first
};

struct RenderOptions {
  std::size_t most_differences = 96;  ///< bytes in which a group's mark tells how its lines differ; 0: none
};

/// `kept`: by unit; with a unit its parents and their closers are kept.
[[nodiscard]] Rendering render(const Document& document, const std::vector<bool>& kept, const RenderOptions& options);

}  // namespace attar::text::context
