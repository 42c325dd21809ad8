// What pack() and make_plan() say in words: the goal, why the plan was chosen, why a goal is out of reach.
#pragma once

#include <string>

#include "attar/pack.h"
#include "plan/planner.h"

namespace attar::engine {

class PackWords {
 public:
  /// Options and setting outlive it. `fixed`: what of the file no plan changes, in words.
  PackWords(const PackOptions& options, const plan::Setting& setting, std::string fixed)
      : options_(options), setting_(setting), fixed_(std::move(fixed)) {}

  /// What was asked for, the default goal included.
  [[nodiscard]] std::string goal(const plan::Decision& decision) const;
  /// The reasons for the index, the size and the look of the plan that was chosen.
  [[nodiscard]] std::string why(const plan::Decision& decision) const;
  /// A sentence with the nearest goals that can be had.
  [[nodiscard]] std::string unreachable(const plan::Nearest& nearest) const;

 private:
  [[nodiscard]] std::string budget_and_floor(const plan::Decision& decision) const;
  [[nodiscard]] std::string goal_in_short() const;
  [[nodiscard]] std::string time() const;
  [[nodiscard]] std::string why_index(const plan::Decision& decision) const;
  [[nodiscard]] std::string why_size(const plan::Decision& decision) const;
  [[nodiscard]] std::string why_look(const plan::Decision& decision) const;
  [[nodiscard]] bool timed() const noexcept { return options_.latency || options_.throughput; }

  const PackOptions& options_;
  const plan::Setting& setting_;
  std::string fixed_;
};

}  // namespace attar::engine
