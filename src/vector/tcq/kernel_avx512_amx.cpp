// tcq with AMX: the levels of sixteen rows become a tile, and tdpbsud multiplies it with a tile of eight queries, which
// costs as much as vpdpbusd with one. Few queries, or rows of part of a block, are left to the VBMI kernel.
#include "base/checked.h"
#include "vector/tcq/kernel.h"

#include <immintrin.h>

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,amx-tile,amx-int8"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,amx-tile,amx-int8")
#endif

#include "vector/tcq/levels_vbmi.inc"

namespace attar::vector::tcq {
namespace {

// Below this many queries the VBMI kernel is quicker.
constexpr std::size_t least_queries = 3;

constexpr std::size_t tile_rows = 16;  // rows of codes in a tile: its columns, of four components each
constexpr std::size_t tile_lines = 16;  // lines of 64 bytes in a tile: 64 components
constexpr std::size_t line = 64;

// Runs of more components are left to the VBMI kernel: two tiles' worth of rows must stay in the first cache.
constexpr std::size_t most_components = 512;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::array<std::uint8_t, 14> reserved{};
  std::array<std::uint16_t, 16> line_bytes{};
  std::array<std::uint8_t, 16> lines{};
};

constexpr TileConfig make_config() {
  TileConfig out;
  for (std::size_t tile = 0; tile < 5; ++tile) out.line_bytes[tile] = line;
  out.lines[0] = out.lines[1] = batch_queries;  // tmm0, tmm1: sums of a block's first and second sixteen rows
  out.lines[2] = batch_queries;                 // tmm2: queries
  out.lines[3] = out.lines[4] = tile_lines;     // tmm3, tmm4: levels of the first and second sixteen rows
  return out;
}

constexpr TileConfig config = make_config();

void enter() noexcept { _tile_loadconfig(&config); }
void leave() noexcept { _tile_release(); }

// The compiler does not see what tile loads read.
void finish_stores() noexcept { __asm__ volatile("" ::: "memory"); }

// Levels of sixteen rows as lines of a tile: line i holds components 4i … 4i + 3 of rows 0, 8, 1, 9 … 15.
template <int Bits>
void unpack(const Run& run, const std::byte* at, const Table& table, std::byte* out) noexcept {
  constexpr Width width = widths[Bits];
  // A lane holds eight components of a row: each half of a line takes one half of a lane from either eight rows.
  constexpr __mmask16 odd = 0xaaaa;
  const auto store = [&out](__m512i level) {
    _mm512_store_si512(out, level);
    out += line;
  };
  for (std::uint32_t unit = 0; unit < run.units; ++unit) {
    const __m512i low = load_rings<Bits>(at), high = load_rings<Bits>(at + lane_rows * width.ring_bytes);
    for (std::size_t group = 0; group < width.unit / 8u; ++group) {
      const __m512i first = windows_of<Bits>(low, group), second = windows_of<Bits>(high, group);
      store(look_up<Bits>(_mm512_mask_blend_epi32(odd, first, _mm512_ror_epi64(second, 32)), table));
      store(look_up<Bits>(_mm512_mask_blend_epi32(odd, _mm512_ror_epi64(first, 32), second), table));
    }
    at += block_rows * width.ring_bytes;
  }
}

// Sums of sixteen rows, in the order of a tile's columns, as terms of the scores of a query.
void add_terms(float* out, const std::int32_t* columns, std::int32_t query_sum, float factor, bool first) noexcept {
  const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
  const __m512i sums = _mm512_permutexvar_epi32(order, _mm512_load_si512(columns));
  const __m512i exact = _mm512_sub_epi32(sums, _mm512_set1_epi32(query_sum * 128));
  const __m512 term = _mm512_mul_ps(_mm512_set1_ps(factor), _mm512_cvtepi32_ps(exact));
  _mm512_storeu_ps(out, first ? term : _mm512_add_ps(_mm512_loadu_ps(out), term));
}

// Sums of all queries over a block; `half` apart lie the levels of its first and its second sixteen rows. The intrinsics
// want a tile's number as it is written.
void multiply(const std::byte* levels, std::size_t half, const std::int8_t* values, std::size_t stride,
              std::int32_t* columns) noexcept {
  finish_stores();
  _tile_zero(0);
  _tile_zero(1);
  for (std::size_t i = 0; i < half; i += tile_lines * line) {
    _tile_loadd(2, values + i / tile_rows, stride);
    _tile_loadd(3, levels + i, line);
    _tile_dpbsud(0, 2, 3);
    _tile_loadd(4, levels + half + i, line);
    _tile_dpbsud(1, 2, 4);
  }
  _tile_stored(0, columns, line);
  _tile_stored(1, columns + batch_queries * tile_rows, line);
}

// What a block passes through: three blocks are on their way at a time, as tiles are slow to answer.
struct alignas(64) Stage {
  std::array<std::byte, block_rows * most_components> levels;
  std::array<std::int32_t, batch_queries * block_rows> columns;
};

template <int Bits>
void scan_run(const Shape& shape, std::size_t r, const std::byte* blocks, Rows rows, const Queries& queries,
              float* out) noexcept {
  const Run& run = shape.runs[r];
  const Table table = load_table<Bits>(shape.trellis);
  const std::int8_t* values = queries.values + shape.first_value(r);
  std::array<Stage, 2> stages;
  const std::size_t used = tile_rows * run.components(), half = base::round_up(used, tile_lines * line);
  for (Stage& stage : stages)
    for (std::byte* rest : {stage.levels.data(), stage.levels.data() + half})
      for (std::size_t i = used; i < half; i += line) _mm512_store_si512(rest + i, _mm512_setzero_si512());
  const std::size_t first = rows.first / block_rows, last = rows.last / block_rows;
  for (std::size_t block = first; block < last + 2; ++block) {
    if (block >= first + 2) {
      const Stage& done = stages[block % 2];
      for (std::size_t i = 0; i < queries.count; ++i) {
        const std::size_t q = queries.which[i];
        for (std::size_t part = 0; part < 2; ++part)
          add_terms(out + place_of(q, (block - 2) * block_rows + part * tile_rows),
                    done.columns.data() + (part * batch_queries + q) * tile_rows, queries.sums[q * max_runs + r],
                    queries.factors[q * max_runs + r], r == 0);
      }
    }
    if (block < last) {
      const std::byte* at = blocks + block * block_rows * run.row_bytes();
      for (std::size_t part = 0; part < 2; ++part)
        unpack<Bits>(run, at + part * tile_rows * widths[Bits].ring_bytes, table,
                     stages[block % 2].levels.data() + part * half);
    }
    if (block > first && block <= last) {
      Stage& ready = stages[(block - 1) % 2];
      multiply(ready.levels.data(), half, values, queries.stride, ready.columns.data());
    }
  }
}

void scan(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, const Queries& queries,
          float* out) noexcept {
  if (queries.count < least_queries || shape.runs[run].components() > most_components ||
      (rows.last - rows.first) % block_rows != 0)
    return detail::avx512_vbmi_kernel.scan(shape, run, blocks, rows, queries, out);
  switch (shape.runs[run].bits) {
    case 1: return scan_run<1>(shape, run, blocks, rows, queries, out);
    case 2: return scan_run<2>(shape, run, blocks, rows, queries, out);
    case 3: return scan_run<3>(shape, run, blocks, rows, queries, out);
    case 4: return scan_run<4>(shape, run, blocks, rows, queries, out);
    case 5: return scan_run<5>(shape, run, blocks, rows, queries, out);
    case 6: return scan_run<6>(shape, run, blocks, rows, queries, out);
    case 7: return scan_run<7>(shape, run, blocks, rows, queries, out);
    default: return scan_run<8>(shape, run, blocks, rows, queries, out);
  }
}

}  // namespace

namespace detail {
const Kernel avx512_amx_kernel = {simd::Level::avx512_amx, enter, leave, scan, avx512_vbmi_rows, scales_avx512, finish_avx512};
}

}  // namespace attar::vector::tcq

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
