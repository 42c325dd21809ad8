#include "initial_levels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>

#include "gaussian.h"

namespace attar::tools {
namespace {

using vector::tcq::Width;

// A linear function of the state's bits.
unsigned parity(unsigned state, unsigned mask) { return static_cast<unsigned>(std::popcount(state & mask)) & 1u; }

// The rank of a component's own symbol among the levels of its coset, as a function of the state.
class Labelling {
 public:
  Labelling(const Width& width, base::Random& random) : source_(width.bits), mask_(width.bits) {
    // The highest own bits reach the next state. Reversed, they are the ranks' lowest, which neighbouring levels differ
    // in.
    std::iota(source_.rbegin(), source_.rend(), 0u);
    if (random.below(2) == 0) random.shuffle(std::span<unsigned>(source_));
    const unsigned states = 1u << (width.window - width.bits);
    const std::uint64_t flipped = random.below(width.bits + 1u);
    for (std::size_t i = 0; i < flipped; ++i) mask_[i] = static_cast<unsigned>(random.below(states));
  }

  [[nodiscard]] unsigned rank(unsigned symbol, unsigned state) const {
    unsigned out = 0;
    for (std::size_t i = 0; i < source_.size(); ++i)
      out |= (((symbol >> source_[i]) & 1u) ^ parity(state, mask_[i])) << i;
    return out;
  }

 private:
  std::vector<unsigned> source_;  // by bit of the rank: the symbol's bit
  std::vector<unsigned> mask_;    // by bit of the rank: the function of the state that flips it
};

std::vector<float> coset_levels(const Width& width, base::Random& random) {
  const unsigned state_bits = width.window - width.bits;
  const unsigned states = 1u << state_bits;
  const auto folds = static_cast<unsigned>(random.below(state_bits + 1));
  const std::vector<double> alphabet = companded_alphabet(std::size_t{1} << (width.bits + folds));
  const Labelling labelling(width, random);
  std::vector<unsigned> masks(folds);
  for (unsigned& mask : masks) mask = static_cast<unsigned>(1 + random.below(states - 1));
  const auto side = static_cast<unsigned>(1 + random.below(states - 1));
  // With fewer levels than windows the middle is best served by a finer shared alphabet, and the tails by levels that
  // the states do not share.
  const double contraction = folds == 0 ? 0.8 + 0.1 * random.uniform() : 1.0;
  const double cell = std::exp2(-width.bits);
  std::vector<float> out(std::size_t{1} << width.window);
  for (unsigned w = 0; w < out.size(); ++w) {
    const unsigned state = w & (states - 1);
    unsigned coset = 0;
    for (unsigned i = 0; i < folds; ++i) coset |= parity(state, masks[i]) << i;
    const unsigned rank = labelling.rank(w >> state_bits, state);
    const double level = alphabet[(rank << folds) | coset];
    const double apart = folds == 0 ? std::min(1.0, std::fabs(level)) * (parity(state, side) != 0 ? 0.6 : -0.6) : 0.0;
    // Windows that share a level must drift apart, or the training would keep them equal.
    out[w] = static_cast<float>(contraction * level + cell * (apart + 0.15 * random.normal()));
  }
  return out;
}

std::vector<float> slice_levels(const Width& width, base::Random& random) {
  const unsigned state_bits = width.window - width.bits;
  const unsigned states = 1u << state_bits;
  const std::vector<double> alphabet = companded_alphabet(std::size_t{1} << width.window);
  const Labelling labelling(width, random);
  std::vector<unsigned> dealt(states);
  std::iota(dealt.begin(), dealt.end(), 0u);
  std::vector<float> out(alphabet.size());
  for (unsigned symbol = 0; symbol < 1u << width.bits; ++symbol) {
    random.shuffle(std::span<unsigned>(dealt));
    for (unsigned state = 0; state < states; ++state) {
      const unsigned rank = labelling.rank(symbol, state);
      out[(symbol << state_bits) | state] = static_cast<float>(alphabet[(rank << state_bits) | dealt[state]]);
    }
  }
  return out;
}

std::vector<float> noise_levels(const Width& width, base::Random& random) {
  std::vector<float> out(std::size_t{1} << width.window);
  for (float& level : out) level = static_cast<float>(random.normal());
  return out;
}

}  // namespace

std::vector<float> initial_levels(const Width& width, base::Random& random) {
  const std::uint64_t kind = random.below(8);
  if (kind < 5) return coset_levels(width, random);
  return kind < 7 ? slice_levels(width, random) : noise_levels(width, random);
}

}  // namespace attar::tools
