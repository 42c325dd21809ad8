// Results as a set: texts compared by their words, so that near ones stand for each other and different ones come
// first. docs/decisions/0030 has the measurements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "text/words/words.h"

namespace attar::engine {

/// The texts of a question's best rows, numbered as they are added.
class ReadTexts {
 public:
  void add(std::span<const text::Word> words);
  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }

  /// Whether nine of ten distinct words that two texts have are in both.
  [[nodiscard]] bool near_duplicates(std::size_t a, std::size_t b) const noexcept;
  /// Cosines of all pairs, [a · size() + b], over words that weigh more the fewer of the texts hold them.
  [[nodiscard]] std::vector<float> similarities() const;

 private:
  using Weighed = std::vector<std::pair<std::uint64_t, float>>;  // hash of the word, ascending, and its weight

  [[nodiscard]] std::vector<Weighed> weighed() const;

  std::vector<std::vector<std::pair<std::uint64_t, std::uint32_t>>>
      texts_;  // hash of the word, ascending, and its count
};

/// An order of texts in which the first `wanted` answer together. Texts that share words with the two best ones are
/// lifted: what a question leaves out often stands in its best answer (one hop on the graph of neighbours). Then the
/// next is always the one whose score and whose share of what no chosen text stands for are largest: greedy facility
/// location. The rest follows by score. `scores`: of each text, 0 … 1; `similarities`: of all pairs.
[[nodiscard]] std::vector<std::size_t> diverse_order(std::span<const float> scores, std::span<const float> similarities,
                                                     std::size_t wanted);

}  // namespace attar::engine
