#include "text/tokenizer/unigram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "text/unicode.h"

namespace attar::text {

// The ways to the next places: as many as the longest piece may reach.
class Unigram::Ring {
 public:
  explicit Ring(std::size_t longest) : ways_(std::bit_ceil(longest + 1)) {}

  [[nodiscard]] const Way& at(std::size_t place) const { return ways_[place & (ways_.size() - 1)]; }
  void forget(std::size_t place) { ways_[place & (ways_.size() - 1)] = {}; }
  // The first of equals stays.
  void offer(std::size_t place, const Way& way) {
    Way& best = ways_[place & (ways_.size() - 1)];
    if (best.reached && !(way.score > best.score)) return;
    best = way;
    best.reached = true;
  }
  // Sums grow with the text and lose digits: now and then all of them are counted from here.
  void count_from(std::size_t place) {
    const float score = at(place).score;
    if (std::abs(score) <= most_score) return;
    for (Way& way : ways_)
      if (way.reached) way.score -= score;
  }

 private:
  static constexpr float most_score = 100'000;
  std::vector<Way> ways_;
};

void Unigram::add(std::string_view piece, float score) {
  trie_.add(piece, static_cast<std::uint32_t>(scores_.size()));
  scores_.push_back(score);
  longest_ = std::max(longest_, piece.size());
}

std::size_t Unigram::count(std::string_view part) const {
  Ring ring(longest_);
  for (std::size_t at = 0; at < part.size();) {
    ring.count_from(at);
    const Way here = ring.at(at);
    std::size_t next = at;
    (void)next_code_point(part, next);
    bool known = false;
    std::uint32_t node = Trie::root;
    for (std::size_t i = at; i < part.size(); ++i) {
      node = trie_.step(node, static_cast<unsigned char>(part[i]));
      if (node == Trie::none) break;
      const std::uint32_t piece = trie_.number(node);
      if (piece == Trie::none) continue;
      ring.offer(i + 1, {.score = scores_[piece] + here.score, .tokens = here.tokens + 1});
      known = known || i + 1 == next;
    }
    if (!known) {
      const std::uint64_t more = options_.byte_fallback ? next - at : here.unknown ? 0 : 1;
      ring.offer(next, {.score = options_.unknown_score + here.score, .unknown = true, .tokens = here.tokens + more});
    }
    for (; at < next; ++at) ring.forget(at);
  }
  return ring.at(part.size()).tokens;
}

}  // namespace attar::text
