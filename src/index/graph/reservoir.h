// Each row's nearest candidates so far, in bounded memory, whatever the order that they come in.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "index/graph/row_bytes.h"

namespace attar::index::graph {

class Reservoirs {
 public:
  /// places: most candidates that are kept of a row, at least 1.
  Reservoirs(std::uint32_t rows, std::uint32_t places);

  /// Bytes in memory a row.
  [[nodiscard]] static std::uint64_t bytes_a_row(std::uint32_t places) noexcept;

  /// Keeps the candidate when it is new and among the nearest. Safe from many threads at once; the distance of two rows
  /// is always the same, so what is kept in the end does not depend on the order of the offers.
  void offer(std::uint32_t row, Candidate offered) noexcept;

  /// Ascending, distinct. Not while offers are made.
  [[nodiscard]] std::span<const Candidate> of(std::uint32_t row) const noexcept {
    return std::span(kept_).subspan(std::size_t{row} * places_, counts_[row]);
  }

 private:
  static constexpr std::size_t locks = 1'024;

  std::uint32_t places_;
  std::vector<Candidate> kept_;          // rows × places
  std::vector<std::uint16_t> counts_;    // by row
  std::unique_ptr<std::mutex[]> locks_;  // by row modulo their number
};

/// Finds the `nearest` nearest rows of each row of one leaf, all pairs compared, and offers both of each pair to the
/// other. One thread's working memory.
class LeafJoin {
 public:
  void join(const RowBytes& rows, std::span<const std::uint32_t> leaf, std::size_t nearest, Reservoirs& reservoirs);

 private:
  void compare(std::size_t query, std::size_t first, std::span<const std::uint32_t> found);
  void insert(std::size_t row, Candidate found) noexcept;

  std::size_t nearest_ = 0;
  GatheredRows gathered_;
  std::vector<std::uint32_t> found_;     // a block of queries × the rows from its first on
  std::vector<std::uint32_t> farthest_;  // by row: a nearer one displaces another
  std::vector<Candidate> best_;          // rows × nearest, ascending
};

}  // namespace attar::index::graph
