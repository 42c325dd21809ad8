#include "vector/tcq/kernel.h"

#include <algorithm>
#include <cstring>

#include "vector/tcq/kernel_parts.h"

namespace attar::vector::tcq {

std::uint32_t Shape::components() const noexcept {
  std::uint32_t end = 0;
  for (std::size_t r = 0; r < run_count; ++r) end = std::max(end, runs[r].first + runs[r].components());
  return end;
}

std::uint32_t Shape::values() const noexcept { return first_value(run_count); }

std::uint32_t Shape::row_bytes() const noexcept {
  std::uint32_t total = 0;
  for (std::size_t r = 0; r < run_count; ++r) total += runs[r].row_bytes();
  return total;
}

std::uint32_t ring_window(const std::byte* ring, const Width& width, std::uint32_t position) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, ring, width.ring_bytes);
  const unsigned length = 8u * width.ring_bytes;
  const unsigned start = (width.bits * (position + 1) + length - width.window) % length;
  std::uint64_t window = bits >> start;
  if (start + width.window > length) window |= bits << (length - start);
  return static_cast<std::uint32_t>(window & ((1u << width.window) - 1));
}

std::uint32_t Shape::first_value(std::size_t run) const noexcept {
  std::uint32_t total = 0;
  for (std::size_t r = 0; r < run; ++r) total += runs[r].components();
  return total;
}

std::size_t Shape::first_layer() const noexcept {
  for (std::size_t r = 1; r < run_count; ++r)
    if (runs[r].first < runs[r - 1].first + runs[r - 1].components()) return r;
  return run_count;
}

std::size_t Shape::parts() const noexcept { return first_layer() < run_count ? 2 : run_count; }

RunRange Shape::part(std::size_t index) const noexcept {
  const std::size_t layer = first_layer();
  if (layer == run_count) return {index, index + 1};
  return index == 0 ? RunRange{0, layer} : RunRange{layer, run_count};
}

std::vector<double> shares_left(const Shape& shape, std::size_t components) {
  std::vector<double> out(std::max<std::size_t>(components, shape.components()), 1.0);
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const Run& run = shape.runs[r];
    for (std::size_t i = run.first; i < run.first + run.components(); ++i)
      out[i] *= level_table(shape.trellis, run.bits).distortion;
  }
  return out;
}

void decode_row(const Run& run, bool trellis, const std::byte* block, std::size_t rows, std::size_t row,
                std::int8_t* out) noexcept {
  const Width& width = widths[run.bits];
  const auto& levels = level_table(trellis, run.bits).levels;
  for (std::uint32_t unit = 0; unit < run.units; ++unit) {
    const std::byte* ring = block + (unit * rows + row) * width.ring_bytes;
    for (std::uint32_t j = 0; j < width.unit; ++j) *out++ = levels[ring_window(ring, width, ring_position(width, j))];
  }
}

namespace {

void decode_scalar(const Shape& shape, std::size_t r, const std::byte* blocks, Rows rows, std::byte* levels) noexcept {
  Run unit = shape.runs[r];
  const std::size_t components = unit.components();
  const std::size_t block_bytes = block_rows * unit.row_bytes();
  unit.units = 1;
  const std::size_t unit_bytes = block_rows * unit.row_bytes();
  std::array<std::int8_t, 64> own;
  for (std::size_t row = rows.first; row < rows.last; ++row) {
    const std::size_t place = row - rows.first;
    std::byte* to = levels + place / group_rows * group_rows * components + place % group_rows * 8;
    const std::byte* from = blocks + row / block_rows * block_bytes;
    for (std::size_t first = 0; first < components; first += unit.components(), from += unit_bytes) {
      decode_row(unit, shape.trellis, from, block_rows, row % block_rows, own.data());
      for (std::size_t j = 0; j < unit.components(); j += 8)
        std::memcpy(to + (first + j) * group_rows, own.data() + j, 8);
    }
  }
}

void multiply_scalar(const Shape& shape, std::size_t r, const std::byte* levels, Rows rows, const Queries& queries,
                     float* out) noexcept {
  const std::size_t components = shape.runs[r].components();
  by_number(queries.count, [&]<std::size_t Count>() {
    const Part<Count> part(shape, r, queries, out);
    for (std::size_t row = rows.first; row < rows.last; ++row) {
      const std::size_t place = row - rows.first;
      const std::byte* own = levels + place / group_rows * group_rows * components + place % group_rows * 8;
      std::array<std::int32_t, Count> sums{};
      for (std::size_t j = 0; j < components; ++j) {
        const auto level = static_cast<std::int8_t>(own[j / 8 * 8 * group_rows + j % 8]);
        for (std::size_t q = 0; q < Count; ++q) sums[q] += level * part.values[q][j];
      }
      for (std::size_t q = 0; q < Count; ++q) {
        const float term = part.factor[q] * static_cast<float>(sums[q]);
        float& total = part.out[q][place_of(0, row)];
        total = r == 0 ? term : total + term;
      }
    }
  });
}

void scan_scalar(const Shape& shape, std::size_t r, const std::byte* blocks, Rows rows, const Queries& queries,
                 float* out) noexcept {
  const Run run = shape.runs[r];
  const Width& width = widths[run.bits];
  const auto& levels = level_table(shape.trellis, run.bits).levels;
  const std::size_t first = shape.first_value(r);
  for (std::size_t row = rows.first; row < rows.last; ++row) {
    const std::byte* block = blocks + row / block_rows * block_rows * run.row_bytes();
    std::array<std::int32_t, batch_queries> sums{};
    for (std::uint32_t unit = 0; unit < run.units; ++unit)
      for (std::uint32_t j = 0; j < width.unit; ++j) {
        const std::byte* ring = block + (unit * block_rows + row % block_rows) * width.ring_bytes;
        const std::int8_t level = levels[ring_window(ring, width, ring_position(width, j))];
        for (std::size_t i = 0; i < queries.count; ++i)
          sums[i] += level * queries.values[queries.which[i] * queries.stride + first + unit * width.unit + j];
      }
    for (std::size_t i = 0; i < queries.count; ++i) {
      const std::size_t q = queries.which[i];
      const float term = queries.factors[q * max_runs + r] * static_cast<float>(sums[i]);
      float& total = out[place_of(queries.slot(i), row)];
      total = r == 0 ? term : total + term;
    }
  }
}

}  // namespace

namespace detail {

void scales_scalar(const std::byte* codes, const float* grid, float* scales) noexcept {
  for (std::size_t i = 0; i < block_rows; ++i) scales[i] = grid[std::to_integer<std::size_t>(codes[i])];
}

void finish_scalar(const Finish& block, float* scores, std::uint32_t* reached) noexcept {
  for (std::size_t q = 0; q < block.count; ++q) {
    reached[q] = 0;
    for (std::size_t i = 0; i < block_rows; ++i) {
      const float product = block.bases[q] + block.scales[i] * block.sums[q * block_rows + i];
      float& score = scores[q * block_rows + i];
      score = block.norms == nullptr ? product : 2.0f * product - block.norms[i];
      reached[q] |= std::uint32_t{score >= block.thresholds[q]} << i;
    }
  }
}

const Kernel scalar_kernel = {.level = simd::Level::scalar,
                              .scan = scan_scalar,
                              .decode = decode_scalar,
                              .multiply = multiply_scalar,
                              .rows = rows_by_scan<scan_scalar>,
                              .scales = scales_scalar,
                              .finish = finish_scalar};

}  // namespace detail

const Kernel& kernel_for(simd::Level level) noexcept {
  switch (level) {
    case simd::Level::avx512_vbmi: return detail::avx512_vbmi_kernel;
    case simd::Level::avx512_vnni: return detail::avx512_vnni_kernel;
    case simd::Level::avx512: return detail::avx512_kernel;
    case simd::Level::avx2: return detail::avx2_kernel;
    case simd::Level::scalar: break;
  }
  return detail::scalar_kernel;
}

}  // namespace attar::vector::tcq
