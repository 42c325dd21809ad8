#include "engine/fusion.h"

#include <algorithm>
#include <unordered_map>

namespace attar::engine {
namespace {

// The share of the best that a document can have; a leg that cannot score gives 0.
float lexical_share(float score, float most) noexcept { return most > 0 ? std::clamp(score / most, 0.0f, 1.0f) : 0; }
float semantic_share(float cosine) noexcept { return std::clamp(cosine, 0.0f, 1.0f); }

}  // namespace

std::vector<Fused> fuse(std::optional<std::span<const codec::Hit>> semantic,
                        std::optional<std::span<const codec::Hit>> lexical, const FusionScale& scale) {
  const float by_meaning = !lexical ? 1.0f : semantic ? scale.semantic_weight : 0.0f;
  std::unordered_map<std::uint32_t, Fused> rows;
  if (semantic)
    for (const codec::Hit& hit : *semantic) {
      Fused& own = rows[hit.row];
      own.semantic = hit.score;
      own.score += by_meaning * semantic_share(hit.score);
    }
  if (lexical)
    for (const codec::Hit& hit : *lexical) {
      Fused& own = rows[hit.row];
      own.lexical = hit.score;
      own.score += (1 - by_meaning) * lexical_share(hit.score, scale.most_lexical);
    }
  std::vector<Fused> out;
  out.reserve(rows.size());
  for (auto& [row, own] : rows) {
    own.row = row;
    out.push_back(own);
  }
  std::ranges::sort(
      out, [](const Fused& a, const Fused& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; });
  return out;
}

}  // namespace attar::engine
