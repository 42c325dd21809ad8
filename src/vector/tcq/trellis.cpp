#include "vector/tcq/trellis.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "simd/clones.h"

// All of it is compiled within the one function that has clones, for each of their instruction sets.
#define ATTAR_INLINE [[gnu::always_inline]] inline

namespace attar::vector::tcq {
namespace {

constexpr std::size_t lanes = encode_lanes;

// How the state that closes a ring is found: the `trials` states of least cost within `reach` components on both sides
// of the seam are tried, and the best kept; without a reach all states are tried. Measured on Gaussian rows: 0.03 and
// 0.06 dB gained by the reach of widths 1 and 2 over half a ring; 0.01 dB lost at widths 3 and 4 against trying all
// eight.
struct Closing {
  std::uint8_t trials;
  std::uint8_t reach;
};
constexpr std::array<Closing, max_width> closings = {{{}, {1, 48}, {1, 24}, {3, 12}, {3, 8}, {4, 0}, {2, 0}, {1, 0}}};

constexpr std::size_t max_states = 32;  // at width 1
constexpr std::size_t max_paths = 32;   // trials · states, largest at width 1
constexpr std::size_t max_pairs = 64;   // states · sources where windows are parallel, largest at width 4
constexpr std::size_t max_parallel_unit = 16;

// The trellis of one width: window w takes a path from state w mod S to state w >> b.
template <int Bits>
struct Trellis {
  static constexpr unsigned unit = widths[Bits].unit;
  static constexpr unsigned states = 1u << (widths[Bits].window - Bits);
  // The states that one is reached from, and the windows between two states: all paths share the best of these.
  static constexpr unsigned sources = std::min(states, 1u << Bits);
  static constexpr unsigned parallel = (1u << Bits) / sources;
  static constexpr unsigned trials = closings[Bits].trials;
  static constexpr unsigned reach = closings[Bits].reach;
  static_assert(reach <= unit && trials <= states && (reach != 0 || trials == states));
  static_assert(states <= max_states && trials * states <= max_paths);
  static_assert(parallel == 1 || (states * sources <= max_pairs && unit <= max_parallel_unit));

  static constexpr unsigned source(unsigned state, unsigned i) { return ((state << Bits) | i) & (states - 1); }
};

// Sixteen rows side by side; the compiler splits it into the registers that the machine has.
using Lanes = float __attribute__((vector_size(lanes * sizeof(float))));
using LaneBits = std::int32_t __attribute__((vector_size(lanes * sizeof(std::int32_t))));
using LaneBytes = std::uint8_t __attribute__((vector_size(lanes)));

struct Search {
  Lanes cost[2][max_paths];  // [trial][state]
  Lanes back[2][max_states];
  LaneBits closing[max_paths];                  // by trial
  LaneBytes choice[max_unit][max_paths];        // [component][trial][state]: the source that the best path comes from
  LaneBytes own[max_parallel_unit][max_pairs];  // [component][state][source]: which of their parallel windows
};

constexpr float far = 1e30f;  // with its lowest bits changed it is still a number

// The least of several costs and the choice that leads to it, offered in turn from 0 on. Two are compared; of more,
// each carries its choice in its lowest bits, and one minimum keeps both, for positive floats rank as their bits do:
// that takes seven bits of a cost at most, less than 0.00007 dB, and no chain of comparisons that wait for each other.
template <unsigned Choices>
class Least {
 public:
  ATTAR_INLINE void offer(const Lanes& cost, unsigned choice) noexcept {
    if (choice == 0) {
      start(cost);
    } else if constexpr (Choices <= 2) {
      const LaneBits better = cost < cost_;
      bits_ = better & static_cast<std::int32_t>(choice);
      cost_ = better ? cost : cost_;
    } else {
      LaneBits bits;
      std::memcpy(&bits, &cost, sizeof(bits));
      bits ^= (bits ^ static_cast<std::int32_t>(choice)) & static_cast<std::int32_t>(Choices - 1);  // one instruction
      bits_ = bits < bits_ ? bits : bits_;
    }
  }
  ATTAR_INLINE void cost(Lanes& out) const noexcept {
    if constexpr (Choices <= 2)
      out = cost_;
    else
      std::memcpy(&out, &bits_, sizeof(out));
  }
  ATTAR_INLINE void choice(LaneBits& out) const noexcept { out = bits_ & static_cast<std::int32_t>(Choices - 1); }
  ATTAR_INLINE void choice(LaneBytes& out) const noexcept {
    out = __builtin_convertvector(bits_ & static_cast<std::int32_t>(Choices - 1), LaneBytes);
  }

 private:
  ATTAR_INLINE void start(const Lanes& cost) noexcept {
    if constexpr (Choices <= 2) {
      cost_ = cost;
      bits_ = LaneBits{};
    } else {
      std::memcpy(&bits_, &cost, sizeof(bits_));
      bits_ &= ~static_cast<std::int32_t>(Choices - 1);
    }
  }

  Lanes cost_;
  LaneBits bits_;
};

// The least error of the windows that lead from a state's source to it, and which of them has it.
template <int Bits>
ATTAR_INLINE void branch_error(const float* levels, const Lanes& target, unsigned state, unsigned i, LaneBytes* own,
                               Lanes& out) noexcept {
  using T = Trellis<Bits>;
  const float* from = levels + (state << Bits) + i;
  Least<T::parallel> least;
#pragma GCC unroll 8
  for (unsigned p = 0; p < T::parallel; ++p) {
    const Lanes miss = target - from[p * T::sources];
    least.offer(miss * miss, p);
  }
  least.cost(out);
  if constexpr (T::parallel > 1) least.choice(own[state * T::sources + i]);
}

// Extends the paths of all trials by one component.
template <int Bits>
ATTAR_INLINE void step(const float* levels, const float* values, const Lanes* from, Lanes* to, LaneBytes* choice,
                       LaneBytes* own) noexcept {
  using T = Trellis<Bits>;
  Lanes target;
  std::memcpy(&target, values, sizeof(target));
  for (unsigned state = 0; state < T::states; ++state) {
    Least<T::sources> least[T::trials];
#pragma GCC unroll 16
    for (unsigned i = 0; i < T::sources; ++i) {
      Lanes error;
      branch_error<Bits>(levels, target, state, i, own, error);
#pragma GCC unroll 4
      for (unsigned trial = 0; trial < T::trials; ++trial)
        least[trial].offer(from[trial * T::states + T::source(state, i)] + error, i);
    }
#pragma GCC unroll 4
    for (unsigned trial = 0; trial < T::trials; ++trial) {
      least[trial].cost(to[trial * T::states + state]);
      least[trial].choice(choice[trial * T::states + state]);
    }
  }
}

// The same without a record of the paths, forwards or backwards: backwards a path goes from state w >> b to w mod S.
template <int Bits, bool Forwards>
ATTAR_INLINE void relax(const float* levels, const float* values, const Lanes* from, Lanes* to) noexcept {
  using T = Trellis<Bits>;
  Lanes target;
  std::memcpy(&target, values, sizeof(target));
  for (unsigned state = 0; state < T::states; ++state) {
    Lanes least = Lanes{} + far;
#pragma GCC unroll 16
    for (unsigned i = 0; i < 1u << Bits; ++i) {
      const unsigned window = Forwards ? (state << Bits) | i : i * T::states + state;
      const Lanes miss = target - levels[window];
      const Lanes total = from[Forwards ? T::source(state, i) : window >> Bits] + miss * miss;
      least = total < least ? total : least;
    }
    to[state] = least;
  }
}

// The states of least cost between the components before the seam and those after it, which know nothing of each other.
template <int Bits>
ATTAR_INLINE void choose_closings(const float* levels, const float* values, Search& search) noexcept {
  using T = Trellis<Bits>;
  if constexpr (T::reach == 0) {
    for (unsigned trial = 0; trial < T::trials; ++trial)
      search.closing[trial] = LaneBits{} + static_cast<std::int32_t>(trial);
  } else {
    for (unsigned state = 0; state < T::states; ++state) search.cost[0][state] = search.back[0][state] = Lanes{};
    std::size_t now = 0;
    for (std::size_t i = T::reach; i-- > 0; now = 1 - now) {
      relax<Bits, true>(levels, values + (T::unit - 1 - i) * lanes, search.cost[now], search.cost[1 - now]);
      relax<Bits, false>(levels, values + i * lanes, search.back[now], search.back[1 - now]);
    }
    for (unsigned trial = 0; trial < T::trials; ++trial) {
      Least<T::states> least;
      for (unsigned state = 0; state < T::states; ++state)
        least.offer(search.cost[now][state] + search.back[now][state], state);
      least.choice(search.closing[trial]);
      for (unsigned state = 0; state < T::states; ++state)
        search.cost[now][state] =
            search.closing[trial] == static_cast<std::int32_t>(state) ? Lanes{} + far : search.cost[now][state];
    }
  }
}

// Closes each lane's ring in the states to be tried; returns the buffer of costs that holds the result.
template <int Bits>
ATTAR_INLINE std::size_t close(const float* levels, const float* values, Search& search) noexcept {
  using T = Trellis<Bits>;
  for (unsigned trial = 0; trial < T::trials; ++trial)
    for (unsigned state = 0; state < T::states; ++state)
      search.cost[0][trial * T::states + state] =
          search.closing[trial] == static_cast<std::int32_t>(state) ? Lanes{} : Lanes{} + far;
  std::size_t now = 0;
  for (std::size_t j = 0; j < T::unit; ++j, now = 1 - now)
    step<Bits>(levels, values + j * lanes, search.cost[now], search.cost[1 - now], search.choice[j],
               search.own[T::parallel > 1 ? j : 0]);
  return now;
}

// Walks each lane's best path back.
template <int Bits>
ATTAR_INLINE void trace(const Search& search, std::size_t now, std::uint8_t* windows) noexcept {
  using T = Trellis<Bits>;
  unsigned at[lanes], paths[lanes];  // a state, and the first path of its trial
  for (std::size_t l = 0; l < lanes; ++l) {
    float least = std::numeric_limits<float>::infinity();
    for (unsigned trial = 0; trial < T::trials; ++trial) {
      const auto closing = static_cast<unsigned>(search.closing[trial][l]);
      const float cost = search.cost[now][trial * T::states + closing][l];
      if (trial != 0 && !(cost < least)) continue;  // costs may be no numbers
      least = cost;
      at[l] = closing;
      paths[l] = trial * T::states;
    }
  }
  for (std::size_t j = T::unit; j-- > 0;)
    for (std::size_t l = 0; l < lanes; ++l) {  // all lanes at once: each one's walk is a chain of loads
      const unsigned i = search.choice[j][paths[l] + at[l]][l];
      unsigned window = (at[l] << Bits) | i;
      if constexpr (T::parallel > 1) window += search.own[j][at[l] * T::sources + i][l] * T::sources;
      windows[j * lanes + l] = static_cast<std::uint8_t>(window);
      at[l] = window & (T::states - 1);
    }
}

template <int Bits>
ATTAR_INLINE void encode(const float* levels, const float* values, std::uint8_t* windows) noexcept {
  Search search;
  choose_closings<Bits>(levels, values, search);
  trace<Bits>(search, close<Bits>(levels, values, search), windows);
}

ATTAR_VECTOR_CLONES void encode_any(int bits, const float* levels, const float* values,
                                    std::uint8_t* windows) noexcept {
  switch (bits) {
    case 1: return encode<1>(levels, values, windows);
    case 2: return encode<2>(levels, values, windows);
    case 3: return encode<3>(levels, values, windows);
    case 4: return encode<4>(levels, values, windows);
    case 5: return encode<5>(levels, values, windows);
    case 6: return encode<6>(levels, values, windows);
    default: return encode<7>(levels, values, windows);
  }
}

}  // namespace

void encode_unit(const Width& width, const float* levels, const float* values, std::uint8_t* windows) noexcept {
  encode_any(width.bits, levels, values, windows);
}

ATTAR_VECTOR_CLONES void pack_rings(const Width& width, const std::uint8_t* windows, std::uint64_t* rings) noexcept {
  const int older_bits = width.window - width.bits;
  std::fill_n(rings, lanes, 0);
  for (std::size_t j = 0; j < width.unit; ++j)
    for (std::size_t l = 0; l < lanes; ++l)
      rings[l] |= static_cast<std::uint64_t>(windows[j * lanes + l] >> older_bits) << (width.bits * j);
}

}  // namespace attar::vector::tcq
