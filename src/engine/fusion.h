// Two rankings to one: the score of a row from its legs. docs/decisions/0028 has the measurements.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "attar/documents.h"
#include "codec/topk.h"
#include "text/reading/reading.h"

namespace attar::engine {

/// A row with the legs that know it.
struct Fused {
  std::uint32_t row = 0;
  float score = 0;  ///< 0 … 1
  std::optional<float> semantic, lexical;
  std::optional<float> reading;  ///< 0 … 1; nothing: it was not read
};

/// Shares of what is known of a row in its score. docs/decisions/0029 has the measurements.
struct FusionWeights {
  float semantic = 0.2f, lexical = 0.5f;              ///< the legs
  float words = 0.3f, passage = 0.15f, lead = 0.15f;  ///< the reading of its text

  [[nodiscard]] constexpr float legs() const noexcept { return semantic + lexical; }
  /// The same with another share of meaning in the legs.
  [[nodiscard]] constexpr FusionWeights with_meaning(float share) const noexcept {
    FusionWeights out = *this;
    out.semantic = share * legs();
    out.lexical = (1 - share) * legs();
    return out;
  }
  [[nodiscard]] constexpr float reading() const noexcept { return words + passage + lead; }
};
/// Where the vectors are those of the library's own table, and where another encoder made them: one that reads words in
/// their context tells more than the table can, which the reading uses in any case.
inline constexpr FusionWeights own_table_weights = {}, other_encoder_weights = {.semantic = 0.4f};

/// What the legs' scores mean.
struct FusionScale {
  FusionWeights weights = {};
  FusionRule rule = FusionRule::scores;
  float most_lexical = 1;  ///< what a document would score that holds every term of the question as often as counts
};

/// Of each leg the rows that it knows, in any order, none twice. Rows that a leg does not know have 0 of it. Best
/// first, equal ones by row. An absent leg weighs nothing.
[[nodiscard]] std::vector<Fused> fuse(std::optional<std::span<const codec::Hit>> semantic,
                                      std::optional<std::span<const codec::Hit>> lexical, const FusionScale& scale);

/// Adds what was read to the rows that were read, which must be the first; rows that were not read keep what is known
/// of them, and so stay behind. Best first, equal ones by row.
void add_readings(std::vector<Fused>& rows, std::span<const text::Impression> readings, const FusionWeights& weights);

}  // namespace attar::engine
