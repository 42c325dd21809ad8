// Which rows may be returned, as inverted lists see it: by position, and how many in each list.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "index/lists.h"

namespace attar::index {

class ListFilter {
 public:
  /// `allowed`: bit r of word r/64 says whether row r may be returned; one bit for each of the lists' rows. Fails where
  /// the lists' rows are `corrupt`.
  [[nodiscard]] static Result<ListFilter> make(const Lists& lists, std::span<const std::uint64_t> allowed);

  /// Bit p of word p/64: the row at position p may be returned.
  [[nodiscard]] std::span<const std::uint64_t> positions() const noexcept { return positions_; }
  [[nodiscard]] std::uint32_t allowed_in(std::uint32_t list) const noexcept { return counts_[list]; }
  [[nodiscard]] std::uint64_t allowed() const noexcept { return allowed_; }
  /// Over how much wider a range of promises the lists are spread that hold the best of the allowed rows: with fewer
  /// rows to choose from, the best are farther away. FORMAT.md, "Search of lists".
  [[nodiscard]] float widening() const noexcept;

 private:
  std::vector<std::uint64_t> positions_;
  std::vector<std::uint32_t> counts_;  // by list
  std::uint64_t rows_ = 0, allowed_ = 0;
};

}  // namespace attar::index
