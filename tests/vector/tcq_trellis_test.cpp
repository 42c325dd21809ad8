// How close the encoder's rings come to the best ones.
#include "vector/tcq/trellis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <vector>

#include "base/random.h"

namespace attar::vector::tcq {
namespace {

// The definition: for every state that may close the ring, the cheapest path from it to itself.
double least_error(const Width& width, const std::vector<float>& levels, const std::vector<double>& values) {
  const std::size_t states = std::size_t{1} << (width.window - width.bits);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t closing = 0; closing < states; ++closing) {
    std::vector<double> cost(states, std::numeric_limits<double>::infinity());
    cost[closing] = 0;
    for (const double value : values) {
      std::vector<double> next(states, std::numeric_limits<double>::infinity());
      for (std::size_t w = 0; w < levels.size(); ++w) {
        const double miss = value - static_cast<double>(levels[w]);
        double& there = next[w >> width.bits];
        there = std::min(there, cost[w % states] + miss * miss);
      }
      cost = next;
    }
    least = std::min(least, cost[closing]);
  }
  return least;
}

// What is written into a ring and read back is what the search chose: its windows overlap as a ring's do.
void expect_rings(const Width& width, std::span<const std::uint8_t> windows) {
  std::array<std::uint64_t, encode_lanes> rings;
  pack_rings(width, windows.data(), rings.data());
  for (std::size_t lane = 0; lane < encode_lanes; ++lane) {
    const auto ring = std::as_bytes(std::span(rings)).subspan(8 * lane, 8);
    for (std::uint32_t j = 0; j < width.unit; ++j)
      ASSERT_EQ(ring_window(ring.data(), width, j), windows[j * encode_lanes + lane]) << int{width.bits} << " bits";
  }
}

std::vector<float> levels_of(int bits) {
  const LevelTable& table = level_table(true, bits);
  std::vector<float> out(std::size_t{1} << widths[static_cast<std::size_t>(bits)].window);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = table.step * static_cast<float>(table.levels[i]);
  return out;
}

struct Errors {
  double encoded = 0;
  double least = 0;
};

Errors errors_of(int bits, base::Random& random) {
  const Width& width = widths[static_cast<std::size_t>(bits)];
  const std::vector<float> levels = levels_of(bits);
  Errors out;
  std::vector<float> values(width.unit * encode_lanes);
  std::vector<std::uint8_t> windows(values.size());
  for (int group = 0; group < 40; ++group) {
    for (float& value : values) value = static_cast<float>(random.normal());
    encode_unit(width, levels.data(), values.data(), windows.data());
    expect_rings(width, windows);
    for (std::size_t lane = 0; lane < encode_lanes; ++lane) {
      std::vector<double> own(width.unit);
      for (std::size_t j = 0; j < own.size(); ++j) {
        own[j] = static_cast<double>(values[j * encode_lanes + lane]);
        const double miss = own[j] - static_cast<double>(levels[windows[j * encode_lanes + lane]]);
        out.encoded += miss * miss;
      }
      out.least += least_error(width, levels, own);
    }
  }
  return out;
}

TEST(TcqTrellis, SlowRingsAreTheBestOrNearlySo) {
  base::Random random(5);
  for (int bits = 1; bits < max_width; ++bits) {
    const Errors errors = errors_of(bits, random);
    EXPECT_GE(errors.encoded, errors.least * (1 - 1e-5)) << bits << " bits";
    // From five bits on every state is tried; below, 0.005 of the error is 0.02 dB.
    const double allowance = bits >= 5 ? 1e-5 : bits >= 3 ? 0.006 : 0.015;
    EXPECT_LE(errors.encoded, errors.least * (1 + allowance)) << bits << " bits";
  }
}

// A row of no numbers, or of numbers that no square holds, gets some windows, and its neighbours theirs.
TEST(TcqTrellis, HostileValuesStayInTheirLane) {
  base::Random random(6);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::array<float, 6> hostile = {
      std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 3e38f, -1e25f, 1e6f};
  for (int bits = 1; bits < max_width; ++bits) {
    const Width& width = widths[static_cast<std::size_t>(bits)];
    const std::vector<float> levels = levels_of(bits);
    std::vector<float> values(width.unit * encode_lanes);
    for (float& value : values) value = static_cast<float>(random.normal());
    std::vector<std::uint8_t> expected(values.size()), windows(values.size());
    encode_unit(width, levels.data(), values.data(), expected.data());
    for (std::size_t i = 0; i < hostile.size(); ++i)
      for (std::size_t j = i; j < width.unit; j += 3) values[j * encode_lanes + 2 * i] = hostile[i];
    encode_unit(width, levels.data(), values.data(), windows.data());
    for (std::size_t i = 0; i < windows.size(); ++i) {
      EXPECT_LT(windows[i], 1 << width.window);
      const std::size_t lane = i % encode_lanes;
      if (lane % 2 == 0 && lane < 2 * hostile.size()) continue;  // a hostile one
      EXPECT_EQ(windows[i], expected[i]) << bits << " bits, lane " << lane;
    }
  }
}

TEST(TcqTrellis, OutliersAndZerosGetRings) {
  base::Random random(7);
  for (int bits = 1; bits < max_width; ++bits) {
    const Width& width = widths[static_cast<std::size_t>(bits)];
    const std::vector<float> levels = levels_of(bits);
    std::vector<float> values(width.unit * encode_lanes);
    std::vector<std::uint8_t> windows(values.size());
    encode_unit(width, levels.data(), values.data(), windows.data());
    expect_rings(width, windows);
    for (int group = 0; group < 20; ++group) {
      for (float& value : values) value = static_cast<float>(random.normal() * (random.below(8) == 0 ? 1e4 : 1));
      encode_unit(width, levels.data(), values.data(), windows.data());
      expect_rings(width, windows);
    }
  }
}

}  // namespace
}  // namespace attar::vector::tcq
