// tcq with VBMI and VNNI: a ring is one 64-bit lane; a rotation lays eight windows into its bytes where they are a byte
// apart, vpmultishiftqb at any other offsets (it shares a port with vpermb, a rotation does not); vpermb (or vpermi2b)
// turns windows into levels, vpdpbusd multiplies them with a query that all rows share.
#include "vector/tcq/kernel.h"

#include <immintrin.h>

#include <algorithm>
#include <cstring>

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi"))), \
                                 apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi")
#endif

namespace attar::vector::tcq {
namespace {

constexpr std::size_t lane_rows = 8;  // rows in a 512-bit register, one 64-bit lane each

struct alignas(64) Control {
  std::array<std::uint8_t, 64> bytes{};
};

// Spreads 8 rings of B bytes to 8 lanes of 8. The lane's last byte repeats the ring's last one, so that a window that
// starts before the ring's first bit wraps to the right bits.
constexpr Control spread_control(std::size_t ring_bytes) {
  Control out;
  for (std::size_t row = 0; row < lane_rows; ++row)
    for (std::size_t i = 0; i < 8; ++i)
      out.bytes[row * 8 + i] = static_cast<std::uint8_t>(row * ring_bytes + (i < ring_bytes ? i : ring_bytes - 1));
  return out;
}

// Bit offsets, within a lane, of the windows of components 8·group … 8·group + 7.
constexpr Control shift_control(const Width& width, std::size_t group) {
  Control out;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t position = ring_position(width, static_cast<std::uint32_t>(group * 8 + i % 8));
    out.bytes[i] = static_cast<std::uint8_t>((width.bits * (position + 1) + 64 - width.window) % 64);
  }
  return out;
}

struct WidthControls {
  Control spread;
  std::array<Control, 8> shift;
};

constexpr std::array<WidthControls, max_width + 1> make_controls() {
  std::array<WidthControls, max_width + 1> out{};
  for (int b = 1; b <= max_width; ++b) {
    const Width& width = widths[static_cast<std::size_t>(b)];
    auto& controls = out[static_cast<std::size_t>(b)];
    controls.spread = spread_control(width.ring_bytes);
    for (std::size_t group = 0; group < width.unit / 8u; ++group) controls.shift[group] = shift_control(width, group);
  }
  return out;
}

constexpr std::array<WidthControls, max_width + 1> controls = make_controls();

// Levels biased by 128, as vpdpbusd wants its first operand unsigned; I_r is corrected by −128·Σq̂.
struct Table {
  __m512i low;
  __m512i high;
};

template <int Bits>
Table load_table(bool trellis) noexcept {
  const auto* levels = level_table(trellis, Bits).levels.data();
  const __m512i bias = _mm512_set1_epi8(static_cast<char>(0x80));
  return {_mm512_xor_si512(_mm512_loadu_si512(levels), bias), _mm512_xor_si512(_mm512_loadu_si512(levels + 64), bias)};
}

template <int Bits>
__m512i load_rings(const std::byte* from) noexcept {
  const __m512i raw = _mm512_loadu_si512(from);
  if constexpr (widths[Bits].ring_bytes == 8) return raw;
  return _mm512_permutexvar_epi8(_mm512_load_si512(controls[Bits].spread.bytes.data()), raw);
}

// Biased levels of eight components of eight rows.
template <int Bits>
__m512i levels_of(__m512i rings, std::size_t group, const Table& table) noexcept {
  if constexpr (Bits == 8) {
    return _mm512_max_epu8(rings, _mm512_set1_epi8(1));
  } else {
    __m512i windows;
    if constexpr (Bits == 1 || Bits == 2 || Bits == 4) {
      const auto by = static_cast<std::int64_t>((Bits * (group + 1) + 64 - widths[Bits].window) % 64);
      windows = _mm512_rorv_epi64(rings, _mm512_set1_epi64(by));
    } else {
      windows = _mm512_multishift_epi64_epi8(_mm512_load_si512(controls[Bits].shift[group].bytes.data()), rings);
    }
    // vpermb looks at six bits of a window's byte, vpermi2b at seven.
    if constexpr (widths[Bits].window <= 6) return _mm512_permutexvar_epi8(windows, table.low);
    return _mm512_permutex2var_epi8(table.low, windows, table.high);
  }
}

__m512i broadcast_query(const std::int8_t* from) noexcept {
  std::int64_t eight = 0;
  std::memcpy(&eight, from, sizeof(eight));
  return _mm512_set1_epi64(eight);
}

// Adds the two halves of each lane: eight 32-bit sums.
__m256i lane_sums(__m512i pairs) noexcept {
  return _mm512_cvtepi64_epi32(_mm512_add_epi32(pairs, _mm512_srli_epi64(pairs, 32)));
}

void add_term(float* out, __m512i pairs, std::int32_t query_sum, float factor, bool first) noexcept {
  const __m256i exact = _mm256_sub_epi32(lane_sums(pairs), _mm256_set1_epi32(query_sum * 128));
  const __m256 term = _mm256_mul_ps(_mm256_set1_ps(factor), _mm256_cvtepi32_ps(exact));
  _mm256_storeu_ps(out, first ? term : _mm256_add_ps(_mm256_loadu_ps(out), term));
}

// The same for two registers: sixteen rows for little more than the price of eight.
void add_terms(float* out, __m512i low, __m512i high, std::int32_t query_sum, float factor, bool first) noexcept {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  const __m512i sums =
      _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high));
  const __m512i exact = _mm512_sub_epi32(sums, _mm512_set1_epi32(query_sum * 128));
  const __m512 term = _mm512_mul_ps(_mm512_set1_ps(factor), _mm512_cvtepi32_ps(exact));
  _mm512_storeu_ps(out, first ? term : _mm512_add_ps(_mm512_loadu_ps(out), term));
}

// The query's part that a kernel run needs, for Count queries.
template <std::size_t Count>
struct Part {
  const std::int8_t* values[Count];
  float factor[Count];
  std::int32_t sum[Count];
  float* out[Count];

  Part(const Queries& queries, std::size_t from, std::size_t run, std::size_t component, float* scores) noexcept {
    for (std::size_t i = 0; i < Count; ++i) {
      const std::size_t q = queries.which[from + i];
      values[i] = queries.values + q * queries.stride + component;
      factor[i] = queries.factors[q * max_runs + run];
      sum[i] = queries.sums[q * max_runs + run];
      out[i] = scores + queries.slot(from + i) * block_rows;
    }
  }
};

// Rows of whole blocks, and the groups before and after them.
struct Pieces {
  std::array<Rows, 2> groups;
  Rows blocks;

  explicit Pieces(Rows rows) noexcept {
    constexpr auto block = static_cast<std::uint32_t>(block_rows);
    const std::uint32_t first = std::min((rows.first + block - 1) / block * block, rows.last);
    const std::uint32_t last = std::max(rows.last / block * block, first);
    groups = {Rows{rows.first, first}, Rows{last, rows.last}};
    blocks = {first, last};
  }
};

// `Lanes` registers of rows at a time keep the sums in registers, as long as each is a function of its own.
template <int Bits, std::size_t Count, std::size_t Lanes>
[[gnu::noinline]] void scan_run(const Run& run, bool trellis, const std::byte* blocks, Rows rows,
                                const Part<Count>& part, bool first) noexcept {
  constexpr Width width = widths[Bits];
  constexpr std::size_t groups = width.unit / 8;
  const Table table = load_table<Bits>(trellis);
  for (std::size_t row = rows.first; row < rows.last; row += Lanes * lane_rows) {
    __m512i total[Count][Lanes];
    for (std::size_t q = 0; q < Count; ++q)
      for (std::size_t l = 0; l < Lanes; ++l) total[q][l] = _mm512_setzero_si512();
    const std::byte* at =
        blocks + row / block_rows * block_rows * run.row_bytes() + row % block_rows * width.ring_bytes;
    const std::size_t to = place_of(0, row);
    std::size_t component = 0;
    for (std::uint32_t unit = 0; unit < run.units; ++unit) {
      __m512i rings[Lanes];
      for (std::size_t l = 0; l < Lanes; ++l) rings[l] = load_rings<Bits>(at + l * lane_rows * width.ring_bytes);
      for (std::size_t group = 0; group < groups; ++group) {
        __m512i level[Lanes];
        for (std::size_t l = 0; l < Lanes; ++l) level[l] = levels_of<Bits>(rings[l], group, table);
        for (std::size_t q = 0; q < Count; ++q) {
          const __m512i shared = broadcast_query(part.values[q] + component);
          for (std::size_t l = 0; l < Lanes; ++l) total[q][l] = _mm512_dpbusd_epi32(total[q][l], level[l], shared);
        }
        component += 8;
      }
      at += block_rows * width.ring_bytes;
    }
    for (std::size_t q = 0; q < Count; ++q) {
      if constexpr (Lanes == 1) {
        add_term(part.out[q] + to, total[q][0], part.sum[q], part.factor[q], first);
      } else {
        for (std::size_t l = 0; l < Lanes; l += 2)
          add_terms(part.out[q] + to + l * lane_rows, total[q][l], total[q][l + 1], part.sum[q], part.factor[q], first);
      }
    }
  }
}

template <int Bits>
void scan_width(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, const Queries& queries,
                float* out) noexcept {
  const std::size_t component = shape.first_value(run);
  const auto some = [&]<std::size_t Count, std::size_t Lanes>(std::size_t from, Rows part) {
    if (part.first != part.last)
      scan_run<Bits, Count, Lanes>(shape.runs[run], shape.trellis, blocks, part,
                                   Part<Count>(queries, from, run, component, out), run == 0);
  };
  const Pieces pieces(rows);
  const auto all = [&]<std::size_t Count, std::size_t Lanes>(std::size_t from) {
    for (const Rows& group : pieces.groups) some.template operator()<Count, 1>(from, group);
    some.template operator()<Count, Lanes>(from, pieces.blocks);
  };
  std::size_t i = 0;
  for (; queries.count - i >= 8; i += 8) all.template operator()<8, 2>(i);
  for (; queries.count - i >= 4; i += 4) all.template operator()<4, 4>(i);
  for (; queries.count - i >= 2; i += 2) all.template operator()<2, 4>(i);
  for (; i < queries.count; ++i) all.template operator()<1, 4>(i);
}

void scan(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, const Queries& queries,
          float* out) noexcept {
  by_width(shape.runs[run], [&]<int Bits>() { scan_width<Bits>(shape, run, blocks, rows, queries, out); });
}

// Eight rows are unpacked for one of them; one lane of the sums is its own.
template <int Bits>
void score_rows(const Shape& shape, std::size_t r, std::span<const Place> places, const Queries& query,
                float* sums) noexcept {
  constexpr Width width = widths[Bits];
  const Run& run = shape.runs[r];
  const Table table = load_table<Bits>(shape.trellis);
  const std::size_t q = query.which[0];
  const std::int8_t* first_value = query.values + q * query.stride + shape.first_value(r);
  const float factor = query.factors[q * max_runs + r];
  const std::int32_t bias = query.sums[q * max_runs + r] * 128;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::byte* at = places[i].block + group_of(places[i].row) * width.ring_bytes;
    __m512i total = _mm512_setzero_si512();
    const std::int8_t* values = first_value;
    for (std::uint32_t unit = 0; unit < run.units; ++unit) {
      const __m512i rings = load_rings<Bits>(at);
      for (std::size_t group = 0; group < width.unit / 8u; ++group) {
        total = _mm512_dpbusd_epi32(total, levels_of<Bits>(rings, group, table), broadcast_query(values));
        values += 8;
      }
      at += block_rows * width.ring_bytes;
    }
    const __m512i lane = _mm512_set1_epi64(static_cast<std::int64_t>(places[i].row % lane_rows));
    const auto halves =
        static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(_mm512_permutexvar_epi64(lane, total))));
    const auto sum =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(halves) + static_cast<std::uint32_t>(halves >> 32));
    const float term = factor * static_cast<float>(sum - bias);
    sums[i] = r == 0 ? term : sums[i] + term;
  }
}

void rows(const Shape& shape, std::size_t run, std::span<const Place> places, const Queries& query,
          float* sums) noexcept {
  by_width(shape.runs[run], [&]<int Bits>() { score_rows<Bits>(shape, run, places, query, sums); });
}

}  // namespace

namespace detail {
const Kernel avx512_vbmi_kernel = {simd::Level::avx512_vbmi, scan, rows, scales_avx512, finish_avx512};
}

}  // namespace attar::vector::tcq

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
