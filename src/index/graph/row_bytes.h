// All rows of a base as signed bytes: what a graph is built by, at a quarter of the floats' size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attar/metric.h"
#include "attar/result.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/source.h"

namespace attar::index::graph {

/// Some rows of bytes, dense, with what their distances need.
struct ByteRows {
  std::size_t width = 0;                 ///< bytes a row
  std::span<const std::int8_t> values;   ///< count × width; none is −128
  std::span<const std::int32_t> sums;    ///< by row: Σ of its values
  std::span<const std::uint32_t> norms;  ///< by row: Σ of their squares

  [[nodiscard]] std::size_t size() const noexcept { return norms.size(); }
  [[nodiscard]] ByteRows part(std::size_t first, std::size_t count) const noexcept {
    return {.width = width,
            .values = values.subspan(first * width, count * width),
            .sums = sums.subspan(first, count),
            .norms = norms.subspan(first, count)};
  }
};

/// out[q · rows.size() + i]: the squared Euclidean distance of queries' row q from row i, in steps of the bytes. Exact:
/// widths up to 2¹⁶ fit 32 bits.
void distances(const ByteRows& queries, const ByteRows& rows, std::uint32_t* out) noexcept;

/// A distance and the row that it leads to, in one number that orders by both.
using Candidate = std::uint64_t;
[[nodiscard]] constexpr Candidate candidate(std::uint32_t distance, std::uint32_t row) noexcept {
  return (Candidate{distance} << 32) | row;
}
[[nodiscard]] constexpr std::uint32_t distance_of(Candidate of) noexcept {
  return static_cast<std::uint32_t>(of >> 32);
}
[[nodiscard]] constexpr std::uint32_t row_of(Candidate of) noexcept { return static_cast<std::uint32_t>(of); }

/// The rows less the centre of a sample, rounded in steps of one size, so that Euclidean distances compare. Under
/// cosine rows are normalised first. Under inner product each gets a component √(M² − ‖x‖²), with M the largest norm:
/// Euclidean neighbours are then those of the largest products for queries that point the same way (Bachrach et al.,
/// RecSys 2014). Const and safe to use from many threads at once.
class RowBytes {
 public:
  /// `invalid_data` for a row with NaN, infinity or a norm above 10¹⁸, or, under cosine, with norm zero.
  [[nodiscard]] static Result<RowBytes> read(const data::VectorSource& base, Metric metric, base::ThreadPool& pool,
                                             base::Progress& progress);

  /// Bytes in memory a row of so many dimensions, at most.
  [[nodiscard]] static std::uint64_t bytes_a_row(std::uint32_t dims, Metric metric) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(norms_.size()); }
  [[nodiscard]] ByteRows all() const noexcept {
    return {.width = width_, .values = values_, .sums = sums_, .norms = norms_};
  }
  /// Under inner product M²; else 0.
  [[nodiscard]] double squared_reach() const noexcept { return squared_reach_; }
  [[nodiscard]] ByteRows row(std::uint32_t row) const noexcept { return all().part(row, 1); }

 private:
  double squared_reach_ = 0;
  std::size_t width_ = 0;
  std::vector<std::int8_t> values_;
  std::vector<std::int32_t> sums_;
  std::vector<std::uint32_t> norms_;
};

/// Copies of rows that stand anywhere, side by side.
class GatheredRows {
 public:
  void gather(const RowBytes& from, std::span<const std::uint32_t> rows);
  [[nodiscard]] ByteRows all() const noexcept {
    return {.width = width_, .values = values_, .sums = sums_, .norms = norms_};
  }

 private:
  std::size_t width_ = 0;
  std::vector<std::int8_t> values_;
  std::vector<std::int32_t> sums_;
  std::vector<std::uint32_t> norms_;
};

}  // namespace attar::index::graph
