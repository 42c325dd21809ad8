#include "engine/relevance_map.h"

#include <cmath>

namespace attar::engine {
namespace {

// Weights of the logistic map, as bench/relevance.py --fit prints them: of the score's share of the question's best
// one, of the best one, and of the logarithm of the number of terms.
constexpr float constant = -13.1283f, of_share = 8.6157f, of_best = 6.5669f, of_terms = 0.6776f;

}  // namespace

float relevance(float score, const QuestionScale& scale) noexcept {
  const float share = scale.best > 0 ? score / scale.best : 0;
  const float terms = std::log1p(static_cast<float>(scale.terms));
  return 1 / (1 + std::exp(-(constant + of_share * share + of_best * scale.best + of_terms * terms)));
}

}  // namespace attar::engine
