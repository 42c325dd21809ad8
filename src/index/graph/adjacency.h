// A graph over the rows of a base, as it is built: each row's links side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace attar::index::graph {

struct Adjacency {
  std::uint32_t rows = 0;
  std::uint32_t degree = 0;            ///< places for links a row
  std::vector<std::uint32_t> links;    ///< rows × degree; unused places hold the row's own number, and stand last
  std::vector<std::uint32_t> entries;  ///< where walks begin: distinct rows, ascending
  float squared_reach = 0;             ///< under inner product the largest ‖x‖²; else 0

  [[nodiscard]] std::span<const std::uint32_t> places(std::uint32_t row) const noexcept {
    return std::span(links).subspan(std::size_t{row} * degree, degree);
  }
  [[nodiscard]] std::span<std::uint32_t> places(std::uint32_t row) noexcept {
    return std::span(links).subspan(std::size_t{row} * degree, degree);
  }
  /// The places of `row` that are used.
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t row) const noexcept {
    const auto all = places(row);
    std::size_t used = degree;
    while (used > 0 && all[used - 1] == row) --used;
    return all.first(used);
  }
};

}  // namespace attar::index::graph
