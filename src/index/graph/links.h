// The links of a graph as a file keeps them: packed numbers, one line a row. spec.md, "Section".
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/vectors.h"
#include "format/section.h"
#include "index/graph/adjacency.h"
#include "simd/packed_numbers.h"

namespace attar::index::graph {

inline constexpr std::uint16_t links_wire_version = 1;
inline constexpr std::uint32_t most_degree = 128;
inline constexpr std::uint32_t most_entries = 65'536;
inline constexpr std::uint64_t most_rows = std::uint64_t{1} << 31;  ///< a walk's row numbers have 31 bits (beam.h)

/// Sizes of a graph section: all follow from the rows, the degree and the number of entry points.
struct LinksLayout {
  LinksLayout(std::uint64_t rows, std::uint32_t degree, std::uint32_t entries);

  /// The most links that a line of so many bytes, a multiple of 32, holds; no more than most_degree.
  [[nodiscard]] static std::uint32_t degree_of_line(std::uint64_t rows, std::uint32_t line_bytes) noexcept;

  std::uint32_t link_bits;
  std::uint64_t line_bytes, lines, bytes;  ///< of a row; where the first line begins; the whole
};

/// The section's bytes.
[[nodiscard]] std::vector<std::byte> encode_links(const Adjacency& graph);

/// Links opened for reading; the section's bytes outlive it. Const and safe to use from many threads at once.
class Links {
 public:
  /// Checks all but the lines.
  [[nodiscard]] static Result<Links> open(format::SectionReader section, const codec::Schema& schema);
  /// How many links a row has at the most, from the section's first bytes and its size alone.
  [[nodiscard]] static Result<std::uint32_t> degree_in(const format::SectionReader& section,
                                                       const codec::Schema& schema);

  /// Checks every line, once; to be called before any is read. `corrupt` where one names a row that is not there.
  [[nodiscard]] Status check() const;
  /// Rows that no walk from the entry points comes to. After check().
  [[nodiscard]] std::uint64_t unreachable() const;

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint32_t degree() const noexcept { return degree_; }
  [[nodiscard]] std::span<const std::uint32_t> entries() const noexcept { return entries_; }
  [[nodiscard]] Metric metric() const noexcept { return metric_; }
  /// Under inner product the largest ‖x‖² of the rows; else 0.
  [[nodiscard]] float squared_reach() const noexcept { return squared_reach_; }
  /// Room that read() wants: the degree and what its kernels write beyond it.
  [[nodiscard]] std::size_t room() const noexcept { return simd::room_for(degree_); }
  /// The links of a row, degree() of them.
  void read(std::uint32_t row, std::uint32_t* out) const noexcept { unpack_(lines_ + row * line_bytes_, degree_, out); }
  /// A hint that a row's links are read soon.
  void expect(std::uint32_t row) const noexcept { __builtin_prefetch(lines_ + row * line_bytes_); }

 private:
  explicit Links(format::SectionReader section, std::uint32_t bits) : section_(std::move(section)), unpack_(bits) {}
  [[nodiscard]] Status check_lines() const;

  format::SectionReader section_;
  simd::UnpackNumbers unpack_;
  std::uint64_t rows_ = 0;
  std::uint32_t degree_ = 0;
  Metric metric_ = Metric::cosine;
  float squared_reach_ = 0;
  std::vector<std::uint32_t> entries_;
  const std::byte* lines_ = nullptr;
  std::uint64_t line_bytes_ = 0;
  struct Checked {
    std::once_flag once;
    Status outcome;
  };
  std::unique_ptr<Checked> checked_ = std::make_unique<Checked>();  // apart, so that links can be moved
};

}  // namespace attar::index::graph
