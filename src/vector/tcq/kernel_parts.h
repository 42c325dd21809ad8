// What the kernels of all instruction sets are put together from.
#pragma once

#include <algorithm>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// Calls with<n>() for a number 1 … 8: a run's width, or how many queries there are.
template <class With>
void by_number(std::size_t number, const With& with) noexcept {
  static_assert(max_width == 8 && batch_queries == 8);
  switch (number) {
    case 1: return with.template operator()<1>();
    case 2: return with.template operator()<2>();
    case 3: return with.template operator()<3>();
    case 4: return with.template operator()<4>();
    case 5: return with.template operator()<5>();
    case 6: return with.template operator()<6>();
    case 7: return with.template operator()<7>();
    default: return with.template operator()<8>();
  }
}

/// What a run needs of Count queries.
template <std::size_t Count>
struct Part {
  const std::int8_t* values[Count];
  float factor[Count];
  std::int32_t sum[Count];
  float* out[Count];

  Part(const Shape& shape, std::size_t run, const Queries& queries, float* scores) noexcept {
    for (std::size_t i = 0; i < Count; ++i) {
      const std::size_t q = queries.which[i];
      values[i] = queries.values + q * queries.stride + shape.first_value(run);
      factor[i] = queries.factors[q * max_runs + run];
      sum[i] = queries.sums[q * max_runs + run];
      out[i] = scores + place_of(queries.slot(i), 0);
    }
  }
};

/// Rows between multiples of `whole` rows, and the groups before and after them.
struct Pieces {
  std::array<Rows, 2> groups;
  Rows middle;

  Pieces(Rows rows, std::uint32_t whole) noexcept {
    const std::uint32_t first = std::min((rows.first + whole - 1) / whole * whole, rows.last);
    const std::uint32_t last = std::max(rows.last / whole * whole, first);
    groups = {Rows{rows.first, first}, Rows{last, rows.last}};
    middle = {first, last};
  }
};

/// Where a row's ring of a run's first unit stands.
[[nodiscard]] inline const std::byte* ring_of(const Run& run, const std::byte* blocks, std::size_t row) noexcept {
  return blocks + row / block_rows * block_rows * run.row_bytes() + row % block_rows * widths[run.bits].ring_bytes;
}

/// Some queries by decode() and multiply(); components · group_rows ≤ most_levels.
template <auto Decode, auto Multiply>
[[gnu::noinline]] void scan_by_levels(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows,
                                      const Queries& queries, float* out) noexcept {
  alignas(64) std::byte levels[most_levels];
  const std::size_t components = shape.runs[run].components();
  const std::size_t room = std::max<std::size_t>(near_levels / components / block_rows * block_rows, group_rows);
  for (Rows some = rows; some.first < rows.last; some.first = some.last) {
    some.last = std::min(rows.last, some.first + static_cast<std::uint32_t>(room));
    Decode(shape, run, blocks, some, levels);
    Multiply(shape, run, levels, some, queries, out);
  }
}

/// Kernel::scan by a kernel for one query, and for more by decode() and multiply() where levels have room.
template <auto One, auto Decode, auto Multiply>
void scan_some(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, const Queries& queries,
               float* out) noexcept {
  if (queries.count == 1) return One(shape, run, blocks, rows, queries, out);
  if (shape.runs[run].components() * group_rows <= most_levels)
    return scan_by_levels<Decode, Multiply>(shape, run, blocks, rows, queries, out);
  for (std::size_t i = 0; i < queries.count; ++i) One(shape, run, blocks, rows, queries.part(i, 1), out);
}

/// Kernel::rows by Kernel::scan, which scores each row's neighbours with it.
template <auto Scan>
void rows_by_scan(const Shape& shape, std::size_t run, std::span<const Place> places, const Queries& query,
                  float* sums) noexcept {
  std::array<float, batch_queries * block_rows> block{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Place& place = places[i];
    const std::uint32_t group = group_of(place.row);
    float& sum = block[place_of(query.slot(0), place.row)];
    sum = sums[i];
    Scan(shape, run, place.block, Rows{group, group + group_rows}, query, block.data());
    sums[i] = sum;
  }
}

}  // namespace attar::vector::tcq
