#include "trellis_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "base/random.h"
#include "initial_levels.h"
#include "vector/tcq/trellis.h"

namespace attar::tools {
namespace {

using vector::tcq::encode_lanes;
using vector::tcq::encode_unit;
using vector::tcq::max_unit;
using vector::tcq::pack_rings;
using vector::tcq::ring_window;
using vector::tcq::Width;

constexpr int top_level = 127;

// Independent streams: what trains, what selects, what measures.
enum class Stream : std::uint64_t { search = 1000, screen = 2000, train = 3000, select = 4000, measure = 5000 };

base::Random random_for(Stream stream, const Width& width) {
  return base::Random(static_cast<std::uint64_t>(stream) + width.bits);
}

using Levels = std::vector<float>;
using Block = std::array<float, max_unit * encode_lanes>;  // one unit of 16 rows

// What each window was used for.
struct Usage {
  std::vector<double> count, sum;
  double error = 0;  ///< mean squared
};

void fill(const Width& width, base::Random& random, Block& block) {
  for (std::size_t i = 0; i < width.unit * encode_lanes; ++i) block[i] = static_cast<float>(random.normal());
}

// Encodes one block and adds to the usage; returns the sum of squared errors. The rings are written and read as the
// codec does, so that what is counted is what a reader will see.
double encode_block(const Width& width, const Levels& levels, const Block& block, Usage& usage) {
  std::array<std::uint8_t, max_unit * encode_lanes> symbols;
  encode_unit(width, levels.data(), block.data(), symbols.data());
  std::array<std::uint64_t, encode_lanes> rings;
  pack_rings(width, symbols.data(), rings.data());
  double error = 0;
  for (std::size_t lane = 0; lane < encode_lanes; ++lane) {
    const auto ring = std::as_bytes(std::span(rings)).subspan(8 * lane, 8);
    for (std::uint32_t j = 0; j < width.unit; ++j) {
      const std::uint32_t w = ring_window(ring.data(), width, j);
      const auto value = static_cast<double>(block[j * encode_lanes + lane]);
      const double miss = value - static_cast<double>(levels[w]);
      usage.count[w] += 1;
      usage.sum[w] += value;
      error += miss * miss;
    }
  }
  return error;
}

class Sample {
 public:
  Sample(const Width& width, std::size_t components, Stream stream)
      : width_(width), blocks_(components / (width.unit * encode_lanes)) {
    base::Random random = random_for(stream, width);
    for (Block& block : blocks_) fill(width, random, block);
  }

  [[nodiscard]] Usage encode(const Levels& levels) const {
    Usage out{std::vector<double>(levels.size()), std::vector<double>(levels.size())};
    for (const Block& block : blocks_) out.error += encode_block(width_, levels, block, out);
    out.error /= static_cast<double>(blocks_.size() * width_.unit * encode_lanes);
    return out;
  }

 private:
  Width width_;
  std::vector<Block> blocks_;
};

struct Candidate {
  Levels levels;
  double error = 0;
};

// Levels move to the mean of what they stood for; one that was not used stays.
void move_to_means(const Usage& usage, Levels& levels) {
  for (std::size_t w = 0; w < levels.size(); ++w)
    if (usage.count[w] > 0) levels[w] = static_cast<float>(usage.sum[w] / usage.count[w]);
}

// Generalised Lloyd. `noise` is added to the levels at first and falls to nothing: it shakes them out of poor minima.
Candidate lloyd(const Sample& sample, Levels levels, int rounds, double noise, base::Random& random) {
  for (int i = 0; i < rounds; ++i) {
    const double amount = noise * std::max(0.0, 1 - 1.5 * i / rounds);
    if (amount > 0)
      for (float& level : levels) level += static_cast<float>(amount * random.normal());
    move_to_means(sample.encode(levels), levels);
  }
  const double error = sample.encode(levels).error;
  return {std::move(levels), error};
}

bool smaller_error(const Candidate& a, const Candidate& b) { return a.error < b.error; }

// Small changes of the best table, each trained a little and kept when it wins.
Candidate improve(const Width& width, const Sample& sample, Candidate best, int trials, base::Random& random) {
  const double cell = std::exp2(-width.bits);
  for (int i = 0; i < trials; ++i) {
    Levels changed = best.levels;
    if (random.below(2) == 0) {
      for (std::uint64_t swaps = 1 + random.below(3); swaps > 0; --swaps)
        std::swap(changed[random.below(changed.size())], changed[random.below(changed.size())]);
    } else {
      const double amount = cell * std::array{0.1, 0.2, 0.4, 0.8}[random.below(4)];
      for (float& level : changed) level += static_cast<float>(amount * random.normal());
    }
    Candidate tried = lloyd(sample, std::move(changed), 8, 0, random);
    if (tried.error < best.error) best = std::move(tried);
  }
  return best;
}

Levels real_levels(const LevelSet& table) {
  Levels out;
  for (const int level : table.levels) out.push_back(static_cast<float>(table.step) * static_cast<float>(level));
  return out;
}

// Real data has heavier tails than the Gaussian; from four bits on the table must reach beyond three deviations.
bool reaches_far_enough(const Width& width, const LevelSet& table) {
  const auto [low, high] = std::minmax_element(table.levels.begin(), table.levels.end());
  return width.bits < 4 || (table.step * *low < -3 && table.step * *high > 3);
}

LevelSet rounded(const Levels& levels, double step) {
  LevelSet out{.step = step};
  for (const float level : levels)
    out.levels.push_back(
        std::clamp(static_cast<int>(std::lrint(static_cast<double>(level) / step)), -top_level, top_level));
  return out;
}

// Lloyd on the int8 grid for one step: noise of a falling part of the step before rounding lets levels cross to a
// neighbour, which plain rounding forbids them.
LevelSet grid_lloyd(const Width& width, const Sample& sample, Levels levels, double step, base::Random& random) {
  constexpr int rounds = 24;
  LevelSet best = rounded(levels, step);
  best.distortion = 1;
  for (int i = 0; i < rounds; ++i) {
    LevelSet tried = rounded(levels, step);
    const Usage usage = sample.encode(real_levels(tried));
    if (usage.error < best.distortion && reaches_far_enough(width, tried)) {
      best = tried;
      best.distortion = usage.error;
    }
    levels = real_levels(tried);
    move_to_means(usage, levels);
    const double noise = 0.5 * step * (1 - (i + 1.0) / rounds);
    for (float& level : levels) level += static_cast<float>(noise * random.normal());
  }
  return best;
}

// Moves single levels by one step as long as that helps.
void descend(const Width& width, const Sample& sample, LevelSet& table) {
  for (int pass = 0; pass < 3; ++pass) {
    bool better = false;
    for (std::size_t w = 0; w < table.levels.size(); ++w)
      for (const int change : {-1, 1}) {
        LevelSet tried = table;
        tried.levels[w] = std::clamp(tried.levels[w] + change, -top_level, top_level);
        tried.distortion = sample.encode(real_levels(tried)).error;
        if (tried.distortion >= table.distortion || !reaches_far_enough(width, tried)) continue;
        table = std::move(tried);
        better = true;
      }
    if (!better) return;
  }
}

// The step is searched from the one that just holds the outermost level down to where three quarters of the range stay.
LevelSet best_on_grid(const Width& width, const Sample& sample, const Candidate& start, base::Random& random) {
  float largest = 0;
  for (const float level : start.levels) largest = std::max(largest, std::fabs(level));
  std::vector<LevelSet> found;
  for (double share = 0.76; share <= 1.1; share += 0.02)
    found.push_back(grid_lloyd(width, sample, start.levels, share * static_cast<double>(largest) / top_level, random));
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.distortion < b.distortion; });
  if (width.bits < 5) return found.front();  // finer steps than the levels need: nothing to descend for
  descend(width, sample, found.front());
  return found.front();
}

}  // namespace

LevelSet search_levels(const Width& width) {
  constexpr int starts = 400, screen_rounds = 14, finalists = 12, improved = 3, trials = 180;
  base::Random random = random_for(Stream::search, width);
  const Sample screen(width, 1 << 15, Stream::screen);
  const double noise = 0.3 * std::exp2(-width.bits);
  std::vector<Candidate> pool;
  pool.reserve(starts);
  for (int i = 0; i < starts; ++i)
    pool.push_back(
        lloyd(screen, initial_levels(width, random), screen_rounds, random.below(3) == 0 ? noise : 0, random));
  std::sort(pool.begin(), pool.end(), smaller_error);
  pool.resize(finalists);

  const Sample train(width, 1 << 17, Stream::train);
  for (Candidate& candidate : pool) candidate = lloyd(train, std::move(candidate.levels), 15, 0, random);
  std::sort(pool.begin(), pool.end(), smaller_error);
  pool.resize(improved);

  // The best on components that none of them was trained on; these then also do the last training.
  const Sample select(width, 1 << 19, Stream::select);
  for (Candidate& candidate : pool) {
    candidate = improve(width, train, std::move(candidate), trials, random);
    candidate.error = select.encode(candidate.levels).error;
  }
  Candidate best = *std::min_element(pool.begin(), pool.end(), smaller_error);
  best = lloyd(select, std::move(best.levels), 12, 0, random);
  return best_on_grid(width, select, best, random);
}

double measured_distortion(const Width& width, const LevelSet& table) {
  const Levels levels = real_levels(table);
  base::Random random = random_for(Stream::measure, width);
  const std::size_t blocks = (std::size_t{1} << 24) / (width.unit * encode_lanes);
  Usage usage{std::vector<double>(levels.size()), std::vector<double>(levels.size())};
  Block block;
  double error = 0;
  for (std::size_t i = 0; i < blocks; ++i) {
    fill(width, random, block);
    error += encode_block(width, levels, block, usage);
  }
  return error / static_cast<double>(blocks * width.unit * encode_lanes);
}

}  // namespace attar::tools
