// How likely a row answers its question: from scores, which mean something else for every question, to probabilities,
// which one cut fits. docs/decisions/0030 has the measurements.
#pragma once

#include <cstddef>

namespace attar::engine {

/// What a question's own answers say of its scale.
struct QuestionScale {
  float best = 0;         ///< the highest score of its rows
  std::size_t terms = 0;  ///< of the question
};

/// 0 … 1, rising with the score. A logistic map fitted to questions of wang_train (bench/relevance.py).
[[nodiscard]] float relevance(float score, const QuestionScale& scale) noexcept;

}  // namespace attar::engine
