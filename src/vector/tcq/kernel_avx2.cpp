// tcq with AVX2: windows are cut by byte shuffles and 16-bit multiplications (there is no byte-wise variable shift),
// levels looked up sixteen entries at a time, products taken as |level| × (query with the level's sign), since
// vpmaddubsw of unsigned by signed bytes would saturate.
//
// A shuffle by bytes looks at an index's low four bits and gives 0 where its highest bit is set. So part i of a table,
// kept as what it differs in from part i − 1, is looked up by the window less 16·i: parts beyond the window's own give
// 0, and the exclusive or of all others is its entry. That takes three operations a part; blending takes up to five.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vector/tcq/kernel_parts.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace attar::vector::tcq {
namespace {

constexpr std::size_t lane_rows = 4;  // rows in a 256-bit register

// For eight components of a row: which two ring bytes hold each window, and the factor that moves it to the top of 16
// bits.
struct alignas(32) WindowControl {
  std::array<std::uint8_t, 32> even{};  // rows 0 and 2 of the register
  std::array<std::uint8_t, 32> odd{};   // rows 1 and 3
  std::array<std::uint16_t, 16> factor{};
};

constexpr WindowControl window_control(const Width& width, std::uint32_t group) {
  WindowControl out;
  const std::size_t length = 8u * width.ring_bytes;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::uint32_t position = ring_position(width, group * 8 + i);
    const std::size_t start = (width.bits * (position + 1) + length - width.window) % length;
    const std::size_t low = start / 8, high = (low + 1) % width.ring_bytes;
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t at = half * 16 + i * 2;
      out.even[at] = static_cast<std::uint8_t>(low);
      out.even[at + 1] = static_cast<std::uint8_t>(high);
      out.odd[at] = static_cast<std::uint8_t>(width.ring_bytes + low);
      out.odd[at + 1] = static_cast<std::uint8_t>(width.ring_bytes + high);
      out.factor[half * 8 + i] = static_cast<std::uint16_t>(1u << (16 - width.window - start % 8));
    }
  }
  return out;
}

constexpr auto make_controls() {
  std::array<std::array<WindowControl, 8>, max_width + 1> out{};
  for (std::size_t b = 1; b < max_width; ++b)
    for (std::uint32_t group = 0; group < widths[b].unit / 8u; ++group)
      out[b][group] = window_control(widths[b], group);
  return out;
}

constexpr auto controls = make_controls();

constexpr std::size_t part_entries = 16;
constexpr std::size_t most_entries = 128;  // of a table that is looked up

// Levels in parts of sixteen, each but the first as what it differs in from the one before.
struct alignas(16) Differences {
  std::array<std::uint8_t, most_entries> parts{};

  explicit Differences(const LevelTable& table) noexcept {
    const auto level = [&](std::size_t i) { return static_cast<std::uint8_t>(table.levels[i]); };
    for (std::size_t i = 0; i < most_entries; ++i)
      parts[i] = static_cast<std::uint8_t>(i < part_entries ? level(i) : level(i) ^ level(i - part_entries));
  }
};

template <int Bits>
const std::uint8_t* differences(bool trellis) noexcept {
  static const std::array<Differences, 2> tables = {Differences(level_table(false, Bits)),
                                                    Differences(level_table(true, Bits))};
  return tables[trellis ? 1 : 0].parts.data();
}

__m256i load(const void* from) noexcept { return _mm256_load_si256(static_cast<const __m256i*>(from)); }

void store(void* to, __m256i value) noexcept { _mm256_store_si256(static_cast<__m256i*>(to), value); }

// Two rows' rings in each 128-bit half, one after the other.
template <int Bits>
__m256i load_rings(const std::byte* from) noexcept {
  constexpr std::size_t pair = 2u * widths[Bits].ring_bytes;
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + pair));
  return _mm256_set_m128i(high, low);
}

template <int Bits>
__m256i windows_of(__m256i rings, const WindowControl& control) noexcept {
  constexpr int drop = 16 - widths[Bits].window;
  const __m256i factor = load(control.factor.data());
  const __m256i even = _mm256_shuffle_epi8(rings, load(control.even.data()));
  const __m256i odd = _mm256_shuffle_epi8(rings, load(control.odd.data()));
  return _mm256_packus_epi16(_mm256_srli_epi16(_mm256_mullo_epi16(even, factor), drop),
                             _mm256_srli_epi16(_mm256_mullo_epi16(odd, factor), drop));
}

template <int Bits>
__m256i levels_of(__m256i rings, std::size_t group, const std::uint8_t* differences) noexcept {
  if constexpr (Bits == 8) {
    const __m256i value = _mm256_xor_si256(rings, _mm256_set1_epi8(static_cast<char>(0x80)));
    return _mm256_max_epi8(value, _mm256_set1_epi8(-127));
  } else {
    constexpr std::size_t parts = (std::size_t{1} << widths[Bits].window) / part_entries;
    const __m256i windows = windows_of<Bits>(rings, controls[Bits][group]);
    const auto part = [&](std::size_t index) {
      const auto* from = reinterpret_cast<const __m128i*>(differences + index * part_entries);
      const __m256i less = _mm256_set1_epi8(static_cast<char>(index * part_entries));
      return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(from)), _mm256_sub_epi8(windows, less));
    };
    __m256i even = part(0), odd = part(1);
    for (std::size_t i = 2; i < parts; i += 2) {
      even = _mm256_xor_si256(even, part(i));
      odd = _mm256_xor_si256(odd, part(i + 1));
    }
    return _mm256_xor_si256(even, odd);
  }
}

__m256i broadcast_query(const std::int8_t* from) noexcept {
  std::int64_t eight = 0;
  std::memcpy(&eight, from, sizeof(eight));
  return _mm256_set1_epi64x(eight);
}

// Adds the two halves of each 64-bit lane: four 32-bit sums.
__m128i lane_sums(__m256i pairs) noexcept {
  const __m256i added = _mm256_add_epi32(pairs, _mm256_srli_epi64(pairs, 32));
  return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(added, _mm256_setr_epi32(0, 2, 4, 6, 0, 0, 0, 0)));
}

// Adds the products of levels and a query.
__m256i accumulate(__m256i total, __m256i magnitude, __m256i level, __m256i query) noexcept {
  const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(query, level));
  return _mm256_add_epi32(total, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

void add_term(float* out, __m256i total, float factor, bool first) noexcept {
  const __m128 term = _mm_mul_ps(_mm_set1_ps(factor), _mm_cvtepi32_ps(lane_sums(total)));
  _mm_storeu_ps(out, first ? term : _mm_add_ps(_mm_loadu_ps(out), term));
}

// The rings of four rows from four places, as load_rings() has them.
template <int Bits>
__m256i gather_rings(const std::byte* const (&from)[lane_rows]) noexcept {
  constexpr int ring = widths[Bits].ring_bytes;
  static_assert(ring <= 8);
  std::int64_t rings[lane_rows];
  for (std::size_t i = 0; i < lane_rows; ++i) std::memcpy(&rings[i], from[i], sizeof(rings[i]));
  const __m256i apart = _mm256_setr_epi64x(rings[0], rings[1], rings[2], rings[3]);
  if constexpr (ring == 8) return apart;
  std::array<std::int8_t, 16> close{};
  for (int i = 0; i < 16; ++i)
    close[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i < ring ? i : 8 + (i - ring) % 8);
  const __m128i control = _mm_loadu_si128(reinterpret_cast<const __m128i*>(close.data()));
  return _mm256_shuffle_epi8(apart, _mm256_broadcastsi128_si256(control));
}

// Single rows, four at a time.
template <int Bits>
void score_rows(const Shape& shape, std::size_t r, std::span<const Place> places, const Queries& query,
                float* sums) noexcept {
  constexpr Width width = widths[Bits];
  const Run run = shape.runs[r];
  const std::uint8_t* table = differences<Bits>(shape.trellis);
  const std::size_t q = query.which[0];
  const std::int8_t* values = query.values + q * query.stride + shape.first_value(r);
  for (std::size_t first = 0; first < places.size(); first += lane_rows) {
    const std::size_t some = std::min(lane_rows, places.size() - first);
    const std::byte* at[lane_rows];
    for (std::size_t i = 0; i < lane_rows; ++i) {
      const Place& place = places[first + (i < some ? i : 0)];
      at[i] = place.block + place.row * width.ring_bytes;
    }
    __m256i total = _mm256_setzero_si256();
    const std::int8_t* own = values;
    for (std::uint32_t unit = 0; unit < run.units; ++unit) {
      const __m256i rings = gather_rings<Bits>(at);
      for (std::size_t group = 0; group < width.unit / 8u; ++group, own += 8) {
        const __m256i level = levels_of<Bits>(rings, group, table);
        total = accumulate(total, _mm256_abs_epi8(level), level, broadcast_query(own));
      }
      for (auto& from : at) from += block_rows * width.ring_bytes;
    }
    alignas(16) std::int32_t found[lane_rows];
    _mm_store_si128(reinterpret_cast<__m128i*>(found), lane_sums(total));
    for (std::size_t i = 0; i < some; ++i) {
      const float term = query.factors[q * max_runs + r] * static_cast<float>(found[i]);
      sums[first + i] = r == 0 ? term : sums[first + i] + term;
    }
  }
}

// One query, whose levels are not kept.
template <int Bits>
void scan_run(const Run& run, bool trellis, const std::byte* blocks, Rows rows, const Part<1>& part,
              bool first) noexcept {
  const std::uint8_t* table = differences<Bits>(trellis);
  for (std::size_t row = rows.first; row < rows.last; row += lane_rows) {
    __m256i total = _mm256_setzero_si256();
    const std::byte* at = ring_of(run, blocks, row);
    const std::int8_t* values = part.values[0];
    for (std::uint32_t unit = 0; unit < run.units; ++unit) {
      const __m256i rings = load_rings<Bits>(at);
      for (std::size_t group = 0; group < widths[Bits].unit / 8u; ++group, values += 8) {
        const __m256i level = levels_of<Bits>(rings, group, table);
        total = accumulate(total, _mm256_abs_epi8(level), level, broadcast_query(values));
      }
      at += block_rows * widths[Bits].ring_bytes;
    }
    add_term(part.out[0] + place_of(0, row), total, part.factor[0], first);
  }
}

void scan_one(const Shape& shape, std::size_t r, const std::byte* blocks, Rows rows, const Queries& queries,
              float* out) noexcept {
  const Part<1> part(shape, r, queries, out);
  by_number(shape.runs[r].bits,
            [&]<int Bits>() { scan_run<Bits>(shape.runs[r], shape.trellis, blocks, rows, part, r == 0); });
}

void decode(const Shape& shape, std::size_t r, const std::byte* blocks, Rows rows, std::byte* levels) noexcept {
  const Run& run = shape.runs[r];
  by_number(run.bits, [&]<int Bits>() {
    const std::uint8_t* table = differences<Bits>(shape.trellis);
    for (std::size_t row = rows.first; row < rows.last; row += group_rows) {
      const std::byte* at = ring_of(run, blocks, row);
      for (std::uint32_t unit = 0; unit < run.units; ++unit) {
        const __m256i low = load_rings<Bits>(at);
        const __m256i high = load_rings<Bits>(at + lane_rows * widths[Bits].ring_bytes);
        for (std::size_t group = 0; group < widths[Bits].unit / 8u; ++group, levels += 2 * sizeof(__m256i)) {
          store(levels, levels_of<Bits>(low, group, table));
          store(levels + sizeof(__m256i), levels_of<Bits>(high, group, table));
        }
        at += block_rows * widths[Bits].ring_bytes;
      }
    }
  });
}

// Count queries with Lanes registers of rows, each of them half a group, at a time.
template <std::size_t Count, std::size_t Lanes>
[[gnu::noinline]] void multiply_run(const std::byte* levels, std::size_t components, Rows rows, const Part<Count>& part,
                                    bool first) noexcept {
  for (std::size_t row = rows.first; row < rows.last; row += Lanes * lane_rows) {
    const std::size_t place = row - rows.first;
    const std::byte* own = levels + place / group_rows * group_rows * components + place % group_rows * 8;
    __m256i totals[Count][Lanes];
    for (auto& of_query : totals)
      for (auto& total : of_query) total = _mm256_setzero_si256();
    for (std::size_t j = 0; j < components; j += 8) {
      __m256i level[Lanes], magnitude[Lanes];
      for (std::size_t l = 0; l < Lanes; ++l) {
        level[l] = load(own + j * group_rows + l * sizeof(__m256i));
        magnitude[l] = _mm256_abs_epi8(level[l]);
      }
      for (std::size_t q = 0; q < Count; ++q) {
        const __m256i shared = broadcast_query(part.values[q] + j);
        for (std::size_t l = 0; l < Lanes; ++l) totals[q][l] = accumulate(totals[q][l], magnitude[l], level[l], shared);
      }
    }
    for (std::size_t q = 0; q < Count; ++q)
      for (std::size_t l = 0; l < Lanes; ++l)
        add_term(part.out[q] + place_of(0, row + l * lane_rows), totals[q][l], part.factor[q], first);
  }
}

void multiply(const Shape& shape, std::size_t r, const std::byte* levels, Rows rows, const Queries& queries,
              float* out) noexcept {
  by_number(queries.count, [&]<std::size_t Count>() {
    constexpr std::size_t lanes = Count > 4 ? 1 : 2;  // as many sums as there are registers for
    multiply_run<Count, lanes>(levels, shape.runs[r].components(), rows, Part<Count>(shape, r, queries, out), r == 0);
  });
}

void scan(const Shape& shape, std::size_t run, const std::byte* blocks, Rows rows, const Queries& queries,
          float* out) noexcept {
  scan_some<scan_one, decode, multiply>(shape, run, blocks, rows, queries, out);
}

void rows(const Shape& shape, std::size_t run, std::span<const Place> places, const Queries& query,
          float* sums) noexcept {
  by_number(shape.runs[run].bits, [&]<int Bits>() { score_rows<Bits>(shape, run, places, query, sums); });
}

}  // namespace

namespace detail {

void scales_avx2(const std::byte* codes, const float* grid, float* scales) noexcept {
  for (std::size_t i = 0; i < block_rows; i += 8) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + i));
    _mm256_storeu_ps(scales + i, _mm256_i32gather_ps(grid, _mm256_cvtepu8_epi32(bytes), 4));
  }
}

void finish_avx2(const Finish& block, float* scores, std::uint32_t* reached) noexcept {
  for (std::size_t q = 0; q < block.count; ++q) {
    reached[q] = 0;
    for (std::size_t i = 0; i < block_rows; i += 8) {
      const std::size_t at = q * block_rows + i;
      const __m256 products = _mm256_mul_ps(_mm256_loadu_ps(block.scales + i), _mm256_loadu_ps(block.sums + at));
      __m256 score = _mm256_add_ps(_mm256_set1_ps(block.bases[q]), products);
      if (block.norms != nullptr)
        score = _mm256_sub_ps(_mm256_mul_ps(_mm256_set1_ps(2.0f), score), _mm256_loadu_ps(block.norms + i));
      _mm256_storeu_ps(scores + at, score);
      const __m256 above = _mm256_cmp_ps(score, _mm256_set1_ps(block.thresholds[q]), _CMP_GE_OQ);
      reached[q] |= static_cast<std::uint32_t>(_mm256_movemask_ps(above)) << i;
    }
  }
}

const Kernel avx2_kernel = {.level = simd::Level::avx2,
                            .scan = scan,
                            .decode = decode,
                            .multiply = multiply,
                            .rows = rows,
                            .scales = scales_avx2,
                            .finish = finish_avx2};

}  // namespace detail

}  // namespace attar::vector::tcq

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
