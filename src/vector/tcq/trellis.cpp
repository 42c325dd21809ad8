#include "vector/tcq/trellis.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "simd/clones.h"

namespace attar::vector::tcq {
namespace {

constexpr std::size_t lanes = encode_lanes;
constexpr std::size_t max_states = 32;  // 2^(W − b), largest at width 1

// How the state that closes a ring is found: the `trials` states of least cost within `reach` components on both sides
// of the seam are tried, and the best kept. Measured on Gaussian rows: 0.03 and 0.06 dB gained by the reach of widths 1
// and 2 over half a ring; 0.01 dB lost at width 3 against trying all eight. From width 4 on all states are tried.
struct Closing {
  std::uint8_t trials;
  std::uint8_t reach;
};
constexpr std::array<Closing, max_width> closings = {{{}, {1, 48}, {1, 24}, {3, 12}, {4, 0}, {2, 0}, {2, 0}, {1, 0}}};
constexpr std::size_t max_trials = 4;
constexpr std::size_t max_choices = max_unit * max_states;  // trials · unit · states, largest at width 1

constexpr unsigned states_of(const Width& width) { return 1u << (width.window - width.bits); }

constexpr bool closings_fit() {
  for (std::size_t bits = 1; bits < max_width; ++bits) {
    const auto [trials, reach] = closings[bits];
    const unsigned states = states_of(widths[bits]);
    if (trials > max_trials || trials * widths[bits].unit * states > max_choices || reach > widths[bits].unit)
      return false;
    if (reach == 0 && trials != states) return false;
  }
  return true;
}
static_assert(closings_fit());

using Costs = float[max_states][lanes];

struct Search {
  alignas(64) Costs cost[2];
  alignas(64) Costs back[2];
  alignas(
      64) std::uint8_t choice[max_choices][lanes];  // [trial][component][state]: the predecessor window's lowest b bits
  unsigned closing[max_trials][lanes];
};

// Sixteen rows side by side; the compiler splits it into the registers that the machine has.
using Lanes = float __attribute__((vector_size(lanes * sizeof(float))));
using LaneMask = std::int32_t __attribute__((vector_size(lanes * sizeof(std::int32_t))));
using LaneBytes = std::uint8_t __attribute__((vector_size(lanes)));

// Extends every path by one component. For window w the path comes from state w mod S and goes to state w >> b.
ATTAR_VECTOR_CLONES void step(int bits, int window, const float* levels, const float* values,
                              const float (*from)[lanes], float (*to)[lanes], std::uint8_t (*choice)[lanes]) noexcept {
  const unsigned states = 1u << (window - bits);
  const unsigned branches = 1u << bits;
  Lanes target;
  std::memcpy(&target, values, sizeof(target));
  for (unsigned next = 0; next < states; ++next) {
    Lanes best = Lanes{} + std::numeric_limits<float>::infinity();
    LaneMask pick = {};
    for (unsigned low = 0; low < branches; ++low) {
      const unsigned w = (next << bits) | low;
      Lanes total;
      std::memcpy(&total, from[w & (states - 1)], sizeof(total));
      const Lanes error = target - levels[w];
      total += error * error;
      const LaneMask better = total < best;
      best = better ? total : best;
      pick = better ? LaneMask{} + static_cast<std::int32_t>(low) : pick;
    }
    std::memcpy(to[next], &best, sizeof(best));
    const LaneBytes picked = __builtin_convertvector(pick, LaneBytes);
    std::memcpy(choice[next], &picked, sizeof(picked));
  }
}

// The same without a record of the paths, forwards or backwards: a path backwards goes from state w >> b to w mod S.
ATTAR_VECTOR_CLONES void relax(int bits, int window, bool forwards, const float* levels, const float* values,
                               const float (*from)[lanes], float (*to)[lanes]) noexcept {
  const unsigned states = 1u << (window - bits);
  const unsigned branches = 1u << bits;
  Lanes target;
  std::memcpy(&target, values, sizeof(target));
  for (unsigned state = 0; state < states; ++state) {
    Lanes best = Lanes{} + std::numeric_limits<float>::infinity();
    for (unsigned branch = 0; branch < branches; ++branch) {
      const unsigned w = forwards ? (state << bits) | branch : branch * states + state;
      Lanes total;
      std::memcpy(&total, from[forwards ? w & (states - 1) : w >> bits], sizeof(total));
      const Lanes error = target - levels[w];
      total += error * error;
      best = total < best ? total : best;
    }
    std::memcpy(to[state], &best, sizeof(best));
  }
}

// The states of least cost between the components before the seam and those after it, which know nothing of each other.
void choose_closings(const Width& width, const Closing& plan, const float* levels, const float* values,
                     Search& search) noexcept {
  const unsigned states = states_of(width);
  std::memset(search.cost[0], 0, sizeof(Costs));
  std::memset(search.back[0], 0, sizeof(Costs));
  std::size_t now = 0;
  for (std::size_t i = plan.reach; i-- > 0; now = 1 - now) {
    relax(width.bits, width.window, true, levels, values + (width.unit - 1 - i) * lanes, search.cost[now],
          search.cost[1 - now]);
    relax(width.bits, width.window, false, levels, values + i * lanes, search.back[now], search.back[1 - now]);
  }
  for (std::size_t l = 0; l < lanes; ++l) {
    float cost[max_states];
    for (unsigned s = 0; s < states; ++s) cost[s] = search.cost[now][s][l] + search.back[now][s][l];
    for (std::size_t trial = 0; trial < plan.trials; ++trial) {
      const auto best = static_cast<unsigned>(std::min_element(cost, cost + states) - cost);
      search.closing[trial][l] = best;
      cost[best] = std::numeric_limits<float>::infinity();
    }
  }
}

// Closes each lane's ring in the state of its own that this trial has; returns the cost buffer that holds the result.
std::size_t close(const Width& width, const float* levels, const float* values, std::size_t trial,
                  Search& search) noexcept {
  const unsigned states = states_of(width);
  for (unsigned s = 0; s < states; ++s)
    for (std::size_t l = 0; l < lanes; ++l)
      search.cost[0][s][l] = s == search.closing[trial][l] ? 0.0f : std::numeric_limits<float>::infinity();
  std::size_t now = 0;
  for (std::size_t j = 0; j < width.unit; ++j, now = 1 - now)
    step(width.bits, width.window, levels, values + j * lanes, search.cost[now], search.cost[1 - now],
         search.choice + (trial * width.unit + j) * states);
  return now;
}

}  // namespace

void encode_unit(const Width& width, const float* levels, const float* values, std::uint8_t* windows) noexcept {
  const unsigned states = states_of(width);
  const Closing& plan = closings[width.bits];
  Search search;
  if (plan.reach != 0)
    choose_closings(width, plan, levels, values, search);
  else
    for (unsigned s = 0; s < states; ++s) std::fill_n(search.closing[s], lanes, s);
  float least[lanes];
  std::fill_n(least, lanes, std::numeric_limits<float>::infinity());
  std::size_t best[lanes] = {};
  for (std::size_t trial = 0; trial < plan.trials; ++trial) {
    const std::size_t now = close(width, levels, values, trial, search);
    for (std::size_t l = 0; l < lanes; ++l) {
      const float cost = search.cost[now][search.closing[trial][l]][l];
      if (!(cost < least[l])) continue;
      least[l] = cost;
      best[l] = trial;
    }
  }
  unsigned state[lanes];
  for (std::size_t l = 0; l < lanes; ++l) state[l] = search.closing[best[l]][l];
  for (std::size_t j = width.unit; j-- > 0;)
    for (std::size_t l = 0; l < lanes; ++l) {  // all lanes at once: each one's walk is a chain of loads
      const unsigned window =
          (state[l] << width.bits) | search.choice[(best[l] * width.unit + j) * states + state[l]][l];
      windows[j * lanes + l] = static_cast<std::uint8_t>(window);
      state[l] = window & (states - 1);
    }
}

void pack_ring(const Width& width, const std::uint8_t* windows, std::size_t stride, std::byte* ring) noexcept {
  const int older_bits = width.window - width.bits;
  std::uint64_t bits = 0;
  for (std::size_t j = 0; j < width.unit; ++j)
    bits |= static_cast<std::uint64_t>(windows[j * stride] >> older_bits) << (width.bits * j);
  std::memcpy(ring, &bits, width.ring_bytes);
}

}  // namespace attar::vector::tcq
