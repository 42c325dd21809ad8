#include "text/chunk/outline.h"

#include <algorithm>

namespace attar::text::chunking {

void finish(Outline& outline) {
  if (outline.pieces.empty()) outline.pieces.emplace_back();
  outline.pieces.front().begin = 0;
  std::erase_if(outline.regions, [](const Region& region) { return region.begin >= region.end; });
  std::ranges::sort(outline.regions, [](const Region& a, const Region& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
}

}  // namespace attar::text::chunking
