#include "text/context/relevance_model.h"

#include <cmath>

namespace attar::text::context {
namespace {

#include "text/context/weights.inc"

}  // namespace

float probability(const Features& features) noexcept {
  float sum = intercept;
  for (std::size_t i = 0; i < feature_count; ++i) sum += weights[i] * features[i];
  return 1 / (1 + std::exp(-sum));
}

}  // namespace attar::text::context
