#include "vector/tcq/trellis.h"

#include <algorithm>
#include <cstring>
#include <limits>

// One source, compiled for each instruction set and chosen at load time; without contraction all give the same bits.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ATTAR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define ATTAR_CLONES
#endif

namespace attar::vector::tcq {
namespace {

constexpr std::size_t lanes = encode_lanes;
constexpr std::size_t max_states = 32;  // 2^(W − b), largest at width 1

struct Search {
  alignas(64) float cost[2][max_states][lanes];
  alignas(64) std::uint8_t choice[max_unit][max_states][lanes];  // the predecessor window's lowest b bits
};

// Sixteen rows side by side; the compiler splits it into the registers that the machine has.
using Lanes = float __attribute__((vector_size(lanes * sizeof(float))));
using LaneMask = std::int32_t __attribute__((vector_size(lanes * sizeof(std::int32_t))));
using LaneBytes = std::uint8_t __attribute__((vector_size(lanes)));

// Extends every path by one component. For window w the path comes from state w mod S and goes to state w >> b.
ATTAR_CLONES void step(int bits, int window, const float* levels, const float* values, const float (*from)[lanes],
                       float (*to)[lanes], std::uint8_t (*choice)[lanes]) noexcept {
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

// The window that leads to `next` by the recorded choice.
unsigned arriving_window(const Search& search, std::size_t at, unsigned next, int bits, std::size_t lane) noexcept {
  return (next << bits) | search.choice[at][next][lane];
}

unsigned best_state(const float (*cost)[lanes], unsigned states, std::size_t lane) noexcept {
  unsigned best = 0;
  for (unsigned s = 1; s < states; ++s)
    if (cost[s][lane] < cost[best][lane]) best = s;
  return best;
}

// Runs over the unit from component `start`, going round; returns which cost buffer holds the result.
std::size_t run(const Width& width, const float* levels, const float* values, std::size_t start, Search& search) noexcept {
  std::size_t current = 0;
  for (std::size_t i = 0; i < width.unit; ++i) {
    const std::size_t j = (start + i) % width.unit;
    step(width.bits, width.window, levels, values + j * lanes, search.cost[current], search.cost[1 - current],
         search.choice[j]);
    current = 1 - current;
  }
  return current;
}

// Few states: the cost of closing the ring in each of them is found exactly.
void closing_by_trial(const Width& width, const float* levels, const float* values, unsigned states, Search& search,
                      unsigned* closing) noexcept {
  float least[lanes];
  std::fill_n(least, lanes, std::numeric_limits<float>::infinity());
  for (unsigned start = 0; start < states; ++start) {
    for (unsigned s = 0; s < states; ++s)
      std::fill_n(search.cost[0][s], lanes, s == start ? 0.0f : std::numeric_limits<float>::infinity());
    const std::size_t current = run(width, levels, values, 0, search);
    for (std::size_t l = 0; l < lanes; ++l)
      if (search.cost[current][start][l] < least[l]) {
        least[l] = search.cost[current][start][l];
        closing[l] = start;
      }
  }
}

// Many states: a round that starts half way sees both sides of the ring's seam and decides the state there.
void closing_by_half_round(const Width& width, const float* levels, const float* values, unsigned states, Search& search,
                           unsigned* closing) noexcept {
  const std::size_t half = width.unit / 2;
  std::memset(search.cost[0], 0, sizeof(search.cost[0]));
  const std::size_t current = run(width, levels, values, half, search);
  for (std::size_t l = 0; l < lanes; ++l) closing[l] = best_state(search.cost[current], states, l);
  for (std::size_t j = half; j-- > 0;)  // all lanes at once: each one's walk is a chain of loads
    for (std::size_t l = 0; l < lanes; ++l)
      closing[l] = arriving_window(search, j, closing[l], width.bits, l) & (states - 1);
}

constexpr unsigned few_states = 8;

}  // namespace

void encode_unit(const Width& width, const float* levels, const float* values, std::uint8_t* windows) noexcept {
  const unsigned states = 1u << (width.window - width.bits);
  Search search;
  unsigned closing[lanes] = {};
  if (states > few_states)
    closing_by_half_round(width, levels, values, states, search, closing);
  else if (states > 1)
    closing_by_trial(width, levels, values, states, search, closing);
  for (unsigned s = 0; s < states; ++s)
    for (std::size_t l = 0; l < lanes; ++l)
      search.cost[0][s][l] = s == closing[l] ? 0.0f : std::numeric_limits<float>::infinity();
  run(width, levels, values, 0, search);
  for (std::size_t j = width.unit; j-- > 0;)
    for (std::size_t l = 0; l < lanes; ++l) {
      const unsigned window = arriving_window(search, j, closing[l], width.bits, l);
      windows[j * lanes + l] = static_cast<std::uint8_t>(window);
      closing[l] = window & (states - 1);
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
