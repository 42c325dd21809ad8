// Which queries train, which tune and which certify: decided by the seed before anything is trained.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/threads.h"

namespace attar::certify {

/// One unit of observation: the queries in it are near-duplicates of each other (cosine ≥ 0.95, directly or through
/// others of the unit), so that they would tell the same thing twice. Ascending query numbers, at least one.
using Unit = std::vector<std::uint32_t>;

/// Above this many queries a sample is drawn: finding near-duplicates compares every pair.
inline constexpr std::uint64_t most_split_queries = 50'000;
inline constexpr double near_duplicate_cosine = 0.95;

struct SplitOptions {
  std::uint64_t seed = 0;
  bool with_train =
      false;  ///< 40/20/40 train/tune/certify, for a transform that learns from queries; else tune/certify 1:2
};

/// Disjoint units in shuffled order; together they hold every query considered, each once.
struct Split {
  std::vector<Unit> train;  ///< empty unless asked for
  std::vector<Unit> tune;
  std::vector<Unit> certify;
  std::uint64_t given = 0;       ///< queries handed in
  std::uint64_t considered = 0;  ///< queries that the split holds: `given`, or a seeded sample of most_split_queries

  [[nodiscard]] bool sampled() const noexcept { return considered < given; }
};

/// Splits `queries` (n × dims, row-major, normalised or not; n < 2³²). Shares count units. Queries of norm zero are one
/// unit. The same at any number of threads; memory beside the input: n floats × dims and a few tiles.
/// `invalid_argument` when the size is no multiple of dims or there is no query, `invalid_data` for NaN or infinity.
[[nodiscard]] Result<Split> split_queries(std::span<const float> queries, std::uint32_t dims,
                                          const SplitOptions& options, base::ThreadPool& pool);

/// The units of all queries: connected near-duplicates, ordered by their first member. Steps of split_queries().
[[nodiscard]] Result<std::vector<Unit>> near_duplicate_units(std::span<const float> queries, std::uint32_t dims,
                                                             base::ThreadPool& pool);

/// One observation a unit: the mean of its members' recalls. `per_query` is indexed by query.
[[nodiscard]] std::vector<double> unit_means(std::span<const Unit> units, std::span<const double> per_query);

/// The query numbers of some units, unit after unit.
[[nodiscard]] std::vector<std::uint32_t> members(std::span<const Unit> units);

}  // namespace attar::certify
