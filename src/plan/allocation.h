// One of several ways for each of many things, so that all together cost least within a budget of bytes: a knapsack
// with multiple choices (Kellerer, Pferschy, Pisinger, "Knapsack Problems", chapter 11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace attar::plan {

/// A way for one thing. The cost is finite and at least 0.
struct Choice {
  std::uint64_t bytes = 0;
  double cost = 0;
};

struct Allocation {
  std::vector<std::uint32_t> chosen;  ///< for each thing the number of its choice
  std::uint64_t bytes = 0;
  double cost = 0;
  double bound = 0;     ///< no allocation within the budget costs less
  bool optimal = true;  ///< none costs less than this one
};

struct AllocationLimits {
  std::size_t states = std::size_t{1} << 18;  ///< of a step
  std::size_t kept = std::size_t{1} << 24;    ///< of all steps, 8 bytes each
};

/// The allocation of least cost whose bytes are at most the budget, and of those the one of fewest bytes; nothing where
/// even the smallest choices exceed it. Every thing has a choice, and all sums of bytes fit 63 bits.
///
/// Exact, by dynamic programming over the Pareto front of bytes and costs, thing by thing; a partial allocation is
/// dropped where its distance from the Lagrangian bound shows that nothing better than what is known already comes of
/// it. Costs within a part in 10⁹ of each other count as equal. The front of a step has at most the product of the
/// numbers of choices so far, and at most the number of different sums of bytes. Beyond `limits` it is thinned out:
/// then the budget still holds, and `bound` tells how far from the least cost the result may be.
[[nodiscard]] std::optional<Allocation> allocate(std::span<const std::vector<Choice>> things, std::uint64_t budget,
                                                 const AllocationLimits& limits = {});

}  // namespace attar::plan
