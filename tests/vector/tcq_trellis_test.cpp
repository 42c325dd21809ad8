// How close the encoder's rings come to the best ones.
#include "vector/tcq/trellis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
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

struct Errors {
  double encoded = 0;
  double least = 0;
};

Errors errors_of(int bits, base::Random& random) {
  const Width& width = widths[static_cast<std::size_t>(bits)];
  const LevelTable& table = level_table(true, bits);
  std::vector<float> levels(std::size_t{1} << width.window);
  for (std::size_t i = 0; i < levels.size(); ++i) levels[i] = table.step * static_cast<float>(table.levels[i]);
  Errors out;
  std::vector<float> values(width.unit * encode_lanes);
  std::vector<std::uint8_t> windows(values.size());
  for (int group = 0; group < 40; ++group) {
    for (float& value : values) value = static_cast<float>(random.normal());
    encode_unit(width, levels.data(), values.data(), windows.data());
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

TEST(TcqTrellis, RingsAreTheBestOrNearlySo) {
  base::Random random(5);
  for (int bits = 1; bits < max_width; ++bits) {
    const Errors errors = errors_of(bits, random);
    EXPECT_GE(errors.encoded, errors.least * (1 - 1e-5)) << bits << " bits";
    // From five bits on every state is tried; below, 0.005 of the error is 0.02 dB.
    const double allowance = bits >= 5 ? 1e-5 : bits >= 3 ? 0.006 : 0.015;
    EXPECT_LE(errors.encoded, errors.least * (1 + allowance)) << bits << " bits";
  }
}

}  // namespace
}  // namespace attar::vector::tcq
