// Queries rounded to what the kernels multiply with; spec.md, "Decoding and scoring".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// A few queries as integers, each run with a factor of its own.
class RoundedQueries {
 public:
  RoundedQueries(const Shape& shape, std::size_t count);

  /// Rounds a query's components (shape.components() of them).
  void round(std::size_t query, std::span<const float> components);
  /// Rounds what `coarse` left of the same components, 254 times as finely.
  void round_rest(std::size_t query, std::span<const float> components, const RoundedQueries& coarse);

  /// Squared norm of the run's part as rounded.
  [[nodiscard]] double energy(std::size_t query, std::size_t run) const noexcept;
  /// Mean square of what the rounding of this query changes in a score, for rows as the runs expect them.
  [[nodiscard]] double noise(std::size_t query) const noexcept;

  /// For a kernel; `which` names the queries to be scored.
  [[nodiscard]] Queries of(std::span<const codec::QueryNumber> which) const noexcept {
    return {values_.data(), stride_, factors_.data(), sums_.data(), which.data(), which.size()};
  }

 private:
  /// What follows from a run's values and from what 1 stands for.
  void conclude(std::size_t at, const Run& run, float unit, std::span<const std::int8_t> values) noexcept;
  [[nodiscard]] std::int8_t* values(std::size_t query, std::size_t run) noexcept {
    return values_.data() + query * stride_ + shape_.first_value(run);
  }
  [[nodiscard]] std::span<const std::int8_t> values(std::size_t query, std::size_t run) const noexcept {
    return {values_.data() + query * stride_ + shape_.first_value(run), shape_.runs[run].components()};
  }

  const Shape& shape_;
  std::size_t stride_;
  std::vector<std::int8_t> values_;  // [query][value]
  std::vector<float> units_;         // [query][max_runs]: what 1 stands for
  std::vector<float> inverses_;      // [query][max_runs]: what components were multiplied with
  std::vector<float> factors_;       // [query][max_runs]: unit times step
  std::vector<std::int32_t> sums_;   // [query][max_runs]
};

}  // namespace attar::vector::tcq
