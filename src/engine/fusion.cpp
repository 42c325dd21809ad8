#include "engine/fusion.h"

#include <algorithm>
#include <unordered_map>

namespace attar::engine {
namespace {

// The share of the best that a document can have; a leg that cannot score gives 0.
float lexical_share(float score, float most) noexcept { return most > 0 ? std::clamp(score / most, 0.0f, 1.0f) : 0; }
float semantic_share(float cosine) noexcept { return std::clamp(cosine, 0.0f, 1.0f); }

// The constant of reciprocal rank fusion; the first rank has a share of 1.
constexpr float rank_offset = 60;

// By rank instead of by score.
std::vector<codec::Hit> ranked(std::span<const codec::Hit> hits) {
  std::vector<codec::Hit> out(hits.begin(), hits.end());
  std::ranges::sort(out, [](const codec::Hit& a, const codec::Hit& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].score = (rank_offset + 1) / (rank_offset + 1 + static_cast<float>(i));
  return out;
}

void rank(std::vector<Fused>& rows) {
  std::ranges::sort(
      rows, [](const Fused& a, const Fused& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; });
}

}  // namespace

std::vector<Fused> fuse(std::optional<std::span<const codec::Hit>> semantic,
                        std::optional<std::span<const codec::Hit>> lexical, const FusionScale& scale) {
  const float by_meaning = !lexical ? 1.0f : semantic ? scale.weights.semantic / scale.weights.legs() : 0.0f;
  const bool by_rank = scale.rule == FusionRule::ranks;
  std::unordered_map<std::uint32_t, Fused> rows;
  if (semantic) {
    for (const codec::Hit& hit : *semantic) {
      rows[hit.row].semantic = hit.score;
      if (!by_rank) rows[hit.row].score += by_meaning * semantic_share(hit.score);
    }
    if (by_rank)
      for (const codec::Hit& hit : ranked(*semantic)) rows[hit.row].score += by_meaning * hit.score;
  }
  if (lexical) {
    for (const codec::Hit& hit : *lexical) {
      rows[hit.row].lexical = hit.score;
      if (!by_rank) rows[hit.row].score += (1 - by_meaning) * lexical_share(hit.score, scale.most_lexical);
    }
    if (by_rank)
      for (const codec::Hit& hit : ranked(*lexical)) rows[hit.row].score += (1 - by_meaning) * hit.score;
  }
  std::vector<Fused> out;
  out.reserve(rows.size());
  for (auto& [row, own] : rows) {
    own.row = row;
    out.push_back(own);
  }
  rank(out);
  return out;
}

void add_readings(std::vector<Fused>& rows, std::span<const text::Impression> readings, const FusionWeights& weights) {
  const float all = weights.legs() + weights.reading();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Fused& row = rows[i];
    row.score *= weights.legs() / all;
    if (i >= readings.size()) continue;
    const text::Impression& own = readings[i];
    const float read = weights.words * own.words + weights.passage * own.passage + weights.lead * own.lead;
    row.reading = read / weights.reading();
    row.score += read / all;
  }
  rank(rows);
}

}  // namespace attar::engine
