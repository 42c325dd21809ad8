// Which size to try next on the way to a floor, from what is known of the sizes that were tried.
#pragma once

#include <cstdint>
#include <span>

#include "plan/field.h"
#include "plan/look_choice.h"

namespace attar::plan {

/// Recall to reach on tune queries: the floor, and where it is to be certified on others a margin above it.
struct Target {
  double floor = 0;
  bool certified = false;
};

class Sizes {
 public:
  /// Setting and field outlive it; `certify_units` will judge.
  Sizes(const Setting& setting, const Field& field, std::size_t certify_units)
      : setting_(setting), field_(field), certify_units_(certify_units) {}

  /// Recall above the floor that a plan with these answers to tune queries should have there, lest fresh ones fail it.
  [[nodiscard]] double margin(std::span<const double> tune, double floor) const;
  /// What a plan should reach on tune queries.
  [[nodiscard]] double wanted(const Measured& plan, const Target& target) const {
    return target.floor + (target.certified ? margin(plan.tune, target.floor) : 0);
  }
  [[nodiscard]] bool safe(const Measured& plan, const Target& target) const {
    return plan.contender.recall >= wanted(plan, target);
  }
  /// Of the safe ones; UINT64_MAX where there is none.
  [[nodiscard]] std::uint64_t smallest_safe(std::span<const Measured> tried, const Target& target) const;

  /// Bytes beyond which nothing is left to gain.
  [[nodiscard]] std::uint64_t ceiling() const;
  /// The first size to look at when no budget names one: about three bits a value.
  [[nodiscard]] std::uint64_t first_guess() const;
  /// A file that spends eight bits a value, and what a codec needs beside them: a scale a row, and a transform.
  [[nodiscard]] Result<std::uint64_t> eight_bits(const PartSizes& index_sizes) const;

  /// The size that brackets the smallest safe one more closely, at most `most`; 0 when that is found up to the share
  /// `resolution`, or no larger one may be tried.
  [[nodiscard]] Result<std::uint64_t> next(std::span<const Measured> tried, const Family& family, const Target& target,
                                           std::uint64_t most, double resolution) const;

 private:
  [[nodiscard]] Result<std::uint64_t> size_for(double distortion, const Family& family, std::uint64_t least,
                                               std::uint64_t most) const;

  const Setting& setting_;
  const Field& field_;
  std::size_t certify_units_;
};

/// Sizes closer than this share count as found.
inline constexpr double size_resolution = 0.01;

}  // namespace attar::plan
