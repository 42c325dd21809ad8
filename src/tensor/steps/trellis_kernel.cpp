// The cheapest paths through the trellis, all lanes side by side. Formulas: spec.md.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "simd/clones.h"
#include "tensor/steps/kernel.h"

namespace attar::tensor::steps {
namespace {

#define ATTAR_STEPS_INLINE [[gnu::always_inline]] inline

constexpr std::size_t states = 8, labels = 4;  // a label is 2 · union + parity
constexpr float never = 1e30f;
constexpr float farthest = 512;  // in half steps: past all levels, its square far above an escape's price

/// What leads to a state: the states before, and the labels of the ways.
struct Arrival {
  std::uint8_t before[2], label[2];
};
constexpr std::array<Arrival, states> arrivals = {{{{0, 4}, {0, 1}},
                                                   {{2, 6}, {0, 1}},
                                                   {{0, 4}, {1, 0}},
                                                   {{2, 6}, {1, 0}},
                                                   {{3, 7}, {2, 3}},
                                                   {{1, 5}, {2, 3}},
                                                   {{3, 7}, {3, 2}},
                                                   {{1, 5}, {3, 2}}}};

/// The cheapest symbol of each label in every lane.
template <std::size_t lanes>
struct Branches {
  alignas(64) float cost[labels][lanes];
  alignas(64) std::int32_t symbol[labels][lanes];
};

template <std::size_t lanes, int in_union>
ATTAR_STEPS_INLINE void branch(const Search& task, std::size_t at, float inverse, Branches<lanes>& out) noexcept {
  const float* const values = task.values + at;
  const std::uint8_t* const contexts = task.contexts + at;
  const float* const prices = task.prices;
  const int most = task.most;
  for (std::size_t l = 0; l < lanes; ++l) {
    const float scaled = std::fabs(values[l]) * inverse;
    const float size = scaled < farthest ? scaled : farthest;
    const int sign = values[l] < 0 ? -1 : 1;
    const int base = ((contexts[l] | in_union) << 8) + zero_symbol;
    const int nearest = static_cast<int>((size + static_cast<float>(in_union)) * 0.5f);
    const int low = nearest < most ? nearest : most - 1;
    const int above = low + 1, below = low > 0 ? low - 1 : 0;
    const float low_error = size - static_cast<float>(low > 0 ? 2 * low - in_union : 0);
    const float above_error = size - static_cast<float>(2 * above - in_union);
    const float below_error = size - static_cast<float>(below > 0 ? 2 * below - in_union : 0);
    const float low_cost = low_error * low_error + prices[base + sign * low];
    const float above_cost = above_error * above_error + prices[base + sign * above];
    const float below_any = below_error * below_error + prices[base + sign * below];
    const float below_cost = low > 0 ? below_any : never;
    const float zero_cost = size * size + prices[base], escape_cost = prices[base - zero_symbol];
    const bool falls = below_cost < above_cost;
    const float other_cost = falls ? below_cost : above_cost;
    const int other = falls ? below : above;
    const bool odd = (low & 1) != 0;
    float even_cost = odd ? other_cost : low_cost;
    int even = zero_symbol + sign * (odd ? other : low);
    even = zero_cost < even_cost ? zero_symbol : even;
    even_cost = zero_cost < even_cost ? zero_cost : even_cost;
    even = escape_cost < even_cost ? int{escape} : even;
    even_cost = escape_cost < even_cost ? escape_cost : even_cost;
    out.cost[2 * in_union][l] = even_cost;
    out.symbol[2 * in_union][l] = even;
    out.cost[2 * in_union + 1][l] = odd ? low_cost : other_cost;
    out.symbol[2 * in_union + 1][l] = zero_symbol + sign * (odd ? low : other);
  }
}

ATTAR_STEPS_INLINE float cheaper(float first, float second, int state, int& picks) noexcept {
  picks |= (second < first ? 1 : 0) << state;
  return second < first ? second : first;
}

/// One step of all lanes: costs of the states, and a bit a state, set where the second way to it is cheaper.
template <std::size_t lanes>
ATTAR_STEPS_INLINE void advance(const Branches<lanes>& by, float (&costs)[states][lanes],
                                std::uint8_t* second) noexcept {
  alignas(64) std::int32_t picked[lanes];
  for (std::size_t l = 0; l < lanes; ++l) {
    const float c0 = costs[0][l], c1 = costs[1][l], c2 = costs[2][l], c3 = costs[3][l];
    const float c4 = costs[4][l], c5 = costs[5][l], c6 = costs[6][l], c7 = costs[7][l];
    const float b0 = by.cost[0][l], b1 = by.cost[1][l], b2 = by.cost[2][l], b3 = by.cost[3][l];
    int picks = 0;
    const float n0 = cheaper(c0 + b0, c4 + b1, 0, picks), n1 = cheaper(c2 + b0, c6 + b1, 1, picks);
    const float n2 = cheaper(c0 + b1, c4 + b0, 2, picks), n3 = cheaper(c2 + b1, c6 + b0, 3, picks);
    const float n4 = cheaper(c3 + b2, c7 + b3, 4, picks), n5 = cheaper(c1 + b2, c5 + b3, 5, picks);
    const float n6 = cheaper(c3 + b3, c7 + b2, 6, picks), n7 = cheaper(c1 + b3, c5 + b2, 7, picks);
    const float low = n0 < n1 ? n0 : n1, high = n2 < n3 ? n2 : n3, left = n4 < n5 ? n4 : n5, right = n6 < n7 ? n6 : n7;
    const float even = low < high ? low : high, odd = left < right ? left : right;
    const float least = even < odd ? even : odd;  // taken off, so that costs keep their digits
    costs[0][l] = n0 - least;
    costs[1][l] = n1 - least;
    costs[2][l] = n2 - least;
    costs[3][l] = n3 - least;
    costs[4][l] = n4 - least;
    costs[5][l] = n5 - least;
    costs[6][l] = n6 - least;
    costs[7][l] = n7 - least;
    picked[l] = picks;
  }
  for (std::size_t l = 0; l < lanes; ++l) second[l] = static_cast<std::uint8_t>(picked[l]);
}

template <std::size_t lanes>
ATTAR_STEPS_INLINE void forward(const Search& task, float (&costs)[states][lanes], std::uint8_t* symbols,
                                std::uint8_t* second) noexcept {
  const float inverse = 1 / task.half_step;
  for (std::size_t s = 0; s < states; ++s)
    for (std::size_t l = 0; l < lanes; ++l) costs[s][l] = s == 0 ? 0 : never;
  Branches<lanes> by;
  for (std::size_t at = 0; at < task.count; at += lanes) {
    branch<lanes, 0>(task, at, inverse, by);
    branch<lanes, 1>(task, at, inverse, by);
    for (std::size_t b = 0; b < labels; ++b)
      for (std::size_t l = 0; l < lanes; ++l)
        symbols[labels * at + b * lanes + l] = static_cast<std::uint8_t>(by.symbol[b][l]);
    advance(by, costs, second + at);
  }
}

ATTAR_VECTOR_CLONES
void forward_32(const Search& task, float (&costs)[states][32], std::uint8_t* symbols, std::uint8_t* second) noexcept {
  forward<32>(task, costs, symbols, second);
}

ATTAR_VECTOR_CLONES
void forward_64(const Search& task, float (&costs)[states][64], std::uint8_t* symbols, std::uint8_t* second) noexcept {
  forward<64>(task, costs, symbols, second);
}

void forward_4(const Search& task, float (&costs)[states][4], std::uint8_t* symbols, std::uint8_t* second) noexcept {
  forward<4>(task, costs, symbols, second);
}

template <std::size_t lanes>
void back(const float (&costs)[states][lanes], std::size_t padded, const SearchMemory& memory, std::uint8_t* symbols,
          std::uint8_t* contexts) noexcept {
  std::array<std::uint8_t, lanes> state{};
  for (std::size_t l = 0; l < lanes; ++l)
    for (std::size_t s = 1; s < states; ++s)
      if (costs[s][l] < costs[state[l]][l]) state[l] = static_cast<std::uint8_t>(s);
  for (std::size_t at = padded; at > 0;) {
    at -= lanes;
    for (std::size_t l = 0; l < lanes; ++l) {
      const Arrival& way = arrivals[state[l]];
      const unsigned pick = memory.second[at + l] >> state[l] & 1u;
      symbols[at + l] = memory.symbols[labels * at + way.label[pick] * lanes + l];
      state[l] = way.before[pick];
      contexts[at + l] = static_cast<std::uint8_t>(contexts[at + l] | (state[l] & 1u));
    }
  }
}

}  // namespace

void search_paths(const Search& task, SearchMemory& memory, std::uint8_t* symbols, std::uint8_t* contexts) {
  const std::size_t padded = (task.count + task.lanes - 1) / task.lanes * task.lanes;
  memory.symbols.resize(labels * padded);
  memory.second.resize(padded);
  if (contexts != task.contexts) std::memcpy(contexts, task.contexts, padded);
  if (task.lanes == 64) {
    alignas(64) float costs[states][64];
    forward_64(task, costs, memory.symbols.data(), memory.second.data());
    back<64>(costs, padded, memory, symbols, contexts);
  } else if (task.lanes == 32) {
    alignas(64) float costs[states][32];
    forward_32(task, costs, memory.symbols.data(), memory.second.data());
    back<32>(costs, padded, memory, symbols, contexts);
  } else {
    alignas(64) float costs[states][4];
    forward_4(task, costs, memory.symbols.data(), memory.second.data());
    back<4>(costs, padded, memory, symbols, contexts);
  }
}

}  // namespace attar::tensor::steps
