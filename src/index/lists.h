// Inverted lists: centroids, which rows each list holds, and where a list's codes begin. FORMAT.md, "Lists section".
//
// With lists, codes lie in list order: `position` is a row's place among the codes, `row` its number in the base.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "attar/metric.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "codec/vectors.h"
#include "format/section.h"
#include "math/linalg.h"
#include "simd/int8_rows.h"

namespace attar::index {

inline constexpr std::uint16_t lists_wire_version = 1;
inline constexpr std::uint32_t most_lists = 1u << 20;

/// The metric that a codec codes what centroids leave of rows under: it is not normalised.
[[nodiscard]] constexpr Metric residual_metric(Metric metric) noexcept {
  return metric == Metric::l2 ? Metric::l2 : Metric::inner_product;
}

/// Centroids as a file keeps them: eight bits an entry, and what a step of each centroid stands for.
struct Centroids {
  std::uint32_t dims = 0;
  std::vector<float> steps;          ///< by list
  std::vector<float> spreads;        ///< by list: √ of the mean ‖x − c‖² of its rows; 0 where there are none
  std::vector<std::int8_t> entries;  ///< lists × dims

  /// Spreads stay 0: they are known when rows have been assigned.
  [[nodiscard]] static Centroids rounded(const math::Matrix<float>& exact);
  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(steps.size()); }
  /// The centroid that rows are coded against: step · entry.
  void decode(std::uint32_t list, std::span<float> out) const noexcept;
  [[nodiscard]] math::Matrix<float> decoded() const;
};

/// Sizes of a lists section: all follow from the schema and the number of lists.
struct ListsLayout {
  ListsLayout(std::uint64_t rows, std::uint32_t dims, std::uint32_t lists);

  std::uint64_t steps, spreads, entries, ends, numbers, bytes;  ///< offsets, and the whole
  std::uint32_t number_bits;                                    ///< of a row's number
};

/// The section's bytes. `ends`: of each list the position after its last row; `rows`: by position.
[[nodiscard]] std::vector<std::byte> encode_lists(const Centroids& centroids, std::span<const std::uint32_t> ends,
                                                  std::span<const std::uint32_t> rows);

/// Lists opened for reading; the section's bytes outlive it. Const and safe to use from many threads at once.
class Lists {
 public:
  /// Reads and checks all but the rows' numbers, which are checked when they are asked for.
  [[nodiscard]] static Result<Lists> open(format::SectionReader section, const codec::Schema& schema);
  /// How many lists a section holds, from its first bytes and its size alone.
  [[nodiscard]] static Result<std::uint32_t> count_in(const format::SectionReader& section,
                                                      const codec::Schema& schema);

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(ends_.size()); }
  [[nodiscard]] std::uint64_t rows() const noexcept { return ends_.back(); }
  [[nodiscard]] std::uint32_t dims() const noexcept { return centroids_.dims; }
  [[nodiscard]] const Centroids& centroids() const noexcept { return centroids_; }
  /// Their entries, to be multiplied with.
  [[nodiscard]] const simd::Int8Rows& entries() const noexcept { return entries_; }
  /// √ of the mean ‖x − c‖² of all rows, a dimension.
  [[nodiscard]] float spread() const noexcept { return spread_; }
  /// ‖c‖² by list, under l2; else empty.
  [[nodiscard]] std::span<const float> squared_norms() const noexcept { return squared_norms_; }
  /// Positions of a list's rows.
  [[nodiscard]] codec::Range positions(std::uint32_t list) const noexcept {
    return {list == 0 ? 0 : ends_[list - 1], ends_[list]};
  }
  /// The list that holds a position.
  [[nodiscard]] std::uint32_t list_of(std::uint32_t position) const noexcept;
  /// The row at a position; `corrupt` where the file names a row that is not there.
  [[nodiscard]] Result<std::uint32_t> row(std::uint64_t position) const;
  /// All rows, by position; `corrupt` unless each stands once, ascending within its list. Read once and kept: four
  /// bytes a row.
  [[nodiscard]] Result<std::span<const std::uint32_t>> rows_by_position() const;

 private:
  explicit Lists(format::SectionReader section) : section_(std::move(section)) {}
  void measure(Metric metric);
  [[nodiscard]] Result<std::vector<std::uint32_t>> read_rows() const;
  [[nodiscard]] std::uint32_t stored(std::uint64_t position) const noexcept;

  format::SectionReader section_;
  Centroids centroids_;
  simd::Int8Rows entries_;  // of centroids_: a move leaves their place
  std::vector<std::uint32_t> ends_;
  float spread_ = 0;
  std::vector<float> squared_norms_;
  const std::byte* numbers_ = nullptr;
  std::uint32_t number_bits_ = 0;
  struct Kept {
    std::once_flag once;
    Result<std::vector<std::uint32_t>> rows;
  };
  std::unique_ptr<Kept> kept_ = std::make_unique<Kept>();  // apart, so that lists can be moved
};

}  // namespace attar::index
