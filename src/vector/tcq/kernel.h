// tcq's kernels: pure functions over blocks of 32 rows. No allocation, no I/O. spec.md has the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "simd/isa.h"
#include "vector/common/rows.h"

namespace attar::vector::tcq {

inline constexpr int max_width = 8;
/// Eight widths for the first layer, and as many for the layer on each of its runs and on what lies beyond.
inline constexpr std::size_t max_runs = max_width + (max_width + 1) * max_width;

/// How one width is laid out; row b of the table in spec.md.
struct Width {
  std::uint8_t bits;        ///< b
  std::uint8_t unit;        ///< components a ring
  std::uint8_t ring_bytes;  ///< unit · b / 8
  std::uint8_t window;      ///< W
};

/// By width; entry 0 is unused.
inline constexpr std::array<Width, max_width + 1> widths = {{{0, 8, 0, 6},
                                                             {1, 64, 8, 6},
                                                             {2, 32, 8, 6},
                                                             {3, 16, 6, 6},
                                                             {4, 16, 8, 7},
                                                             {5, 8, 5, 7},
                                                             {6, 8, 6, 7},
                                                             {7, 8, 7, 7},
                                                             {8, 8, 8, 8}}};

/// Where component j of a unit stands in its ring. Components that are scored together lie unit/8 places apart, so that
/// at widths 1, 2 and 4 their windows begin eight bits apart: one rotation of the ring lays all eight into bytes.
[[nodiscard]] constexpr std::uint32_t ring_position(const Width& width, std::uint32_t j) noexcept {
  const std::uint32_t groups = width.unit / 8u;
  return j % 8 * groups + j / 8;
}

/// Levels of one width: 2^window entries used (all 256 for width 8).
struct LevelTable {
  std::array<std::int8_t, 256> levels{};
  float step = 0;         ///< λ_b: value of one level step for a component of unit variance
  double distortion = 0;  ///< mean squared error of a unit-variance Gaussian component
};

/// The tables of wire version 1; trellis or scalar (Lloyd–Max), by width 1 … 8.
[[nodiscard]] const LevelTable& level_table(bool trellis, int bits) noexcept;

/// Consecutive components coded with one width. Several runs may code the same component: their values add up.
struct Run {
  std::uint8_t bits = 0;
  std::uint16_t units = 0;
  std::uint32_t first = 0;  ///< its first component, a multiple of 8
  float step = 0;           ///< value of one level step

  [[nodiscard]] std::uint32_t components() const noexcept { return std::uint32_t{units} * widths[bits].unit; }
  [[nodiscard]] std::uint32_t row_bytes() const noexcept { return std::uint32_t{units} * widths[bits].ring_bytes; }
};

/// Deviation of the components that a run's step is made for.
[[nodiscard]] inline double deviation_of(const Run& run, bool trellis) noexcept {
  return static_cast<double>(run.step) / static_cast<double>(level_table(trellis, run.bits).step);
}

/// Runs [first, last).
struct RunRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// The shape of a block's codes, and the tables to read them with.
struct Shape {
  std::array<Run, max_runs> runs{};
  std::size_t run_count = 0;
  bool trellis = true;

  /// Components of a row: one beyond the last that a run codes.
  [[nodiscard]] std::uint32_t components() const noexcept;
  /// Values of a prepared query: the components of all runs, one run after another.
  [[nodiscard]] std::uint32_t values() const noexcept;
  [[nodiscard]] std::uint32_t row_bytes() const noexcept;
  /// Where a run's values begin among those of a prepared query.
  [[nodiscard]] std::uint32_t first_value(std::size_t run) const noexcept;
  /// Runs of the first layer: those before one that goes back to components already coded.
  [[nodiscard]] std::size_t first_layer() const noexcept;
  /// The parts in which a row can be scored: two layers, or every run of a single one.
  [[nodiscard]] std::size_t parts() const noexcept;
  [[nodiscard]] RunRange part(std::size_t index) const noexcept;
};

/// Most queries that a kernel scores at once.
inline constexpr std::size_t batch_queries = codec::max_batch;

/// Prepared queries, of which `which[0 … count)` are to be scored.
struct Queries {
  const std::int8_t* values = nullptr;        ///< [query][shape.values()]: −127 … 127, `stride` apart
  std::size_t stride = 0;                     ///< a multiple of 8
  const float* factors = nullptr;             ///< [query][max_runs]: f_r
  const std::int32_t* sums = nullptr;         ///< [query][max_runs]: Σ q̂ of the run
  const codec::QueryNumber* which = nullptr;  ///< indices of queries
  std::size_t count = 0;
  const std::uint8_t* slots = nullptr;  ///< where the results of each stand, below batch_queries; null: as `which`

  [[nodiscard]] std::size_t slot(std::size_t i) const noexcept { return slots == nullptr ? which[i] : slots[i]; }
  /// `size` of the queries to be scored, from number `first` of these.
  [[nodiscard]] Queries part(std::size_t first, std::size_t size) const noexcept {
    Queries out = *this;
    out.which += first;
    out.count = size;
    if (slots != nullptr) out.slots += first;
    return out;
  }
};

/// Bytes of levels that stay in the nearest cache beside queries, and the most that are decoded at a time.
inline constexpr std::size_t near_levels = 24 << 10;
inline constexpr std::size_t most_levels = 64 << 10;

/// Reading a block may touch this many bytes beyond its end; the values do not matter.
inline constexpr std::size_t overread_bytes = 64;

/// Rows that lie side by side for a kernel.
inline constexpr std::uint32_t group_rows = 8;

/// The first row of the group that holds a row of a block.
[[nodiscard]] constexpr std::uint32_t group_of(std::uint32_t row) noexcept { return row / group_rows * group_rows; }

/// Rows [first, last) of consecutive blocks, counted from the first of them: whole groups.
struct Rows {
  std::uint32_t first = 0;
  std::uint32_t last = block_rows;
};

/// Where the value of a query (by its slot) and a row (as Rows counts) stands in an array [block][batch_queries][32].
[[nodiscard]] constexpr std::size_t place_of(std::size_t slot, std::size_t row) noexcept {
  return (row / block_rows * batch_queries + slot) * block_rows + row % block_rows;
}

/// A single row: its place in a block of a run's plane.
struct Place {
  const std::byte* block = nullptr;
  std::uint32_t row = 0;
};

/// What turns the sums of a block into scores, for some queries.
struct Finish {
  const float* sums = nullptr;        ///< [query][32]
  const float* scales = nullptr;      ///< [32]
  const float* norms = nullptr;       ///< [32] under l2, else null
  const float* bases = nullptr;       ///< [query]: ⟨q, c⟩
  const float* thresholds = nullptr;  ///< [query]
  std::size_t count = 0;
};

/// By component, the share of its variance that the runs which code it leave; 1 where none does. At least `components`
/// of them.
[[nodiscard]] std::vector<double> shares_left(const Shape& shape, std::size_t components);

/// One implementation an instruction set. All give the same results, bit for bit.
struct Kernel {
  simd::Level level;
  /// One run of some rows of full blocks: out[place_of(slot, row)] becomes f_r·I_r for the first run and grows by it
  /// for a later one. `blocks` points at the first block in the run's plane.
  void (*scan)(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, const Queries& queries,
               float* out) noexcept;
  /// The same in two steps, for queries by the dozen. First the levels: a byte for each row and component of the run,
  /// [group of rows][eight components][row][component], in a form of the kernel's own; `levels` is aligned to 64 bytes.
  void (*decode)(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, std::byte* levels) noexcept;
  /// Then their products with up to batch_queries queries at a time.
  void (*multiply)(const Shape& shape, std::size_t run, const std::byte* levels, Rows rows, const Queries& queries,
                   float* out) noexcept;
  /// One run of single rows of full blocks, for the one query named: sums[i] becomes or grows by f_r·I_r.
  void (*rows)(const Shape& shape, std::size_t run, std::span<const Place> places, const Queries& query,
               float* sums) noexcept;
  /// scales[i] = grid[codes[i]], 32 of them.
  void (*scales)(const std::byte* codes, const float* grid, float* scales) noexcept;
  /// scores[query · 32 + i] = base + scale·sum, under l2 twice that less the norm; bit i of reached[query]: it is no
  /// less than the threshold. Where none is, the query's scores may be left unwritten.
  void (*finish)(const Finish& block, float* scores, std::uint32_t* reached) noexcept;
};

/// The kernel for a level; a level without one of its own gets the next lower.
[[nodiscard]] const Kernel& kernel_for(simd::Level level) noexcept;

/// The scalar reference: one row's levels in one run, from a block that holds `rows` rows (32, or fewer in the last
/// block). out has run.components() entries.
void decode_row(const Run& run, bool trellis, const std::byte* block, std::size_t rows, std::size_t row,
                std::int8_t* out) noexcept;

/// The window at a position of a ring (bits beyond the ring wrap).
[[nodiscard]] std::uint32_t ring_window(const std::byte* ring, const Width& width, std::uint32_t position) noexcept;

namespace detail {
void scales_scalar(const std::byte* codes, const float* grid, float* scales) noexcept;
void scales_avx2(const std::byte* codes, const float* grid, float* scales) noexcept;
void scales_avx512(const std::byte* codes, const float* grid, float* scales) noexcept;
void finish_scalar(const Finish& block, float* scores, std::uint32_t* reached) noexcept;
void finish_avx2(const Finish& block, float* scores, std::uint32_t* reached) noexcept;
void finish_avx512(const Finish& block, float* scores, std::uint32_t* reached) noexcept;

extern const Kernel scalar_kernel;
extern const Kernel avx2_kernel;
extern const Kernel avx512_kernel;
extern const Kernel avx512_vnni_kernel;
extern const Kernel avx512_vbmi_kernel;
}  // namespace detail

}  // namespace attar::vector::tcq
