#include "plan/sizes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "certify/bounds.h"

namespace attar::plan {
namespace {

// A recall this near above its target counts as reached with nothing to spare.
constexpr double recall_resolution = 0.001;
// Recall nearer to 1 than this is not told apart.
constexpr double least_miss = 1e-4;

// The distortion at which recall is to be expected: what recall misses rises with the error of scores, the root of
// the distortion. Between two plans the line through both, in logarithms; beyond one plan, a slope of one half.
double distortion_for(double recall, const Measured* above, const Measured* below) {
  const auto miss = [](double r) { return std::log(std::max(least_miss, 1 - r)); };
  const auto error = [](const Measured& plan) { return std::log(std::max(1e-30, plan.contender.option.distortion)); };
  const Measured& nearest = above != nullptr ? *above : *below;
  double slope = 0.5;
  if (above != nullptr && below != nullptr) {
    const double rise = miss(below->contender.recall) - miss(above->contender.recall);
    const double run = error(*below) - error(*above);
    if (run > 0) slope = std::clamp(rise / run, 0.1, 2.0);
  }
  return std::exp(error(nearest) + (miss(recall) - miss(nearest.contender.recall)) / slope);
}

}  // namespace

double Sizes::margin(std::span<const double> tune, double floor) const {
  const double delta = setting_.goal.delta;
  if (certify_units_ < certify::least_queries_mean(floor, delta).value_or(0)) return 0;  // cannot pass anyway
  const double margin = certify::expected_margin(tune, certify_units_, floor, delta);
  return std::isfinite(margin) ? margin : 0;
}

std::uint64_t Sizes::smallest_safe(std::span<const Measured> tried, const Target& target) const {
  std::uint64_t out = std::numeric_limits<std::uint64_t>::max();
  for (const Measured& plan : tried)
    if (safe(plan, target)) out = std::min(out, plan.contender.file_bytes);
  return out;
}

std::uint64_t Sizes::ceiling() const {
  // Beyond four bytes a value nothing is left to gain.
  return setting_.schema.rows * setting_.schema.dims * 5 + (1u << 20);
}

std::uint64_t Sizes::first_guess() const { return setting_.schema.rows * setting_.schema.dims * 3 / 8 + (1u << 16); }

Result<std::uint64_t> Sizes::eight_bits(const PartSizes& index_sizes) const {
  constexpr std::uint64_t row_extra = 8, most_transform = 2u << 20, slack = 4096;
  const std::uint64_t dims = setting_.schema.dims;
  PartSizes sizes = index_sizes;
  sizes.model = std::min(dims * dims + 8 * dims, most_transform) + slack;
  sizes.codes = setting_.schema.rows * (dims + row_extra);
  return setting_.file_size(sizes);
}

Result<std::uint64_t> Sizes::next(std::span<const Measured> tried, const Family& family, const Target& target,
                                  std::uint64_t most, double resolution) const {
  const Measured *above = nullptr, *below = nullptr;
  for (const Measured& plan : tried) {
    const std::uint64_t size = plan.contender.file_bytes;
    if (safe(plan, target)) {
      if (above == nullptr || size < above->contender.file_bytes) above = &plan;
    } else if (below == nullptr || size > below->contender.file_bytes) {
      below = &plan;
    }
  }
  if (above == nullptr && below == nullptr) return 0;
  const double aimed_at = std::min(1 - least_miss, wanted(above != nullptr ? *above : *below, target));
  if (above != nullptr && above->contender.recall < aimed_at + recall_resolution) return 0;
  const std::uint64_t top = above != nullptr ? above->contender.file_bytes : most;
  const std::uint64_t bottom = below != nullptr ? below->contender.file_bytes : 0;
  if (static_cast<double>(bottom) >= (1 - (above != nullptr ? resolution : 0)) * static_cast<double>(top)) return 0;
  // A little above the target: a plan that falls short by a hair is a probe lost.
  const double aim = distortion_for(std::min(1 - least_miss, aimed_at + recall_resolution / 2), above, below);
  if (above == nullptr) return size_for(aim, family, std::min(top, bottom + bottom / 10), top);
  const auto at = [&](double share) {
    return bottom + static_cast<std::uint64_t>(share * static_cast<double>(top - bottom));
  };
  return below == nullptr ? size_for(aim, family, at(0.1), at(0.95)) : size_for(aim, family, at(0.25), at(0.75));
}

// The smallest size from `least` to `most` at which the family's distortion is no more than that.
Result<std::uint64_t> Sizes::size_for(double distortion, const Family& family, std::uint64_t least,
                                      std::uint64_t most) const {
  while (most - least > 1 && static_cast<double>(most - least) > size_resolution / 2 * static_cast<double>(most)) {
    const std::uint64_t middle = least + (most - least) / 2;
    ATTAR_ASSIGN(const auto contender, field_.within(middle, family));
    if (contender && contender->option.distortion <= distortion)
      most = middle;
    else
      least = middle;
  }
  return most;
}

}  // namespace attar::plan
