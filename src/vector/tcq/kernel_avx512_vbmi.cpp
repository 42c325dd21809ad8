// tcq with VBMI and VNNI: a ring is one 64-bit lane; a rotation lays eight windows into its bytes where they are a byte
// apart, vpmultishiftqb at any other offsets (it shares a port with vpermb, a rotation does not); vpermb (or vpermi2b)
// turns windows into levels, vpdpbusd multiplies them with a query that all rows share.
#include <immintrin.h>

#include <cstring>

#include "vector/tcq/kernel_parts.h"

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

#define ATTAR_TCQ_NAMESPACE vbmi
#define ATTAR_TCQ_VNNI 1

namespace attar::vector::tcq::vbmi {
namespace {

constexpr bool cheap_levels = true;
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

// Levels raised by 128, as vpdpbusd wants its first operand unsigned.
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

// Raised levels of eight components of eight rows.
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

}  // namespace
}  // namespace attar::vector::tcq::vbmi

#include "vector/tcq/kernel_avx512.inc"

namespace attar::vector::tcq::vbmi {
namespace {

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
  const std::int32_t raised = query.sums[q * max_runs + r] * raised_by;
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
    const float term = factor * static_cast<float>(sum - raised);
    sums[i] = r == 0 ? term : sums[i] + term;
  }
}

void rows(const Shape& shape, std::size_t run, std::span<const Place> places, const Queries& query,
          float* sums) noexcept {
  by_number(shape.runs[run].bits, [&]<int Bits>() { score_rows<Bits>(shape, run, places, query, sums); });
}

}  // namespace
}  // namespace attar::vector::tcq::vbmi

namespace attar::vector::tcq::detail {
const Kernel avx512_vbmi_kernel = {.level = simd::Level::avx512_vbmi,
                                   .scan = vbmi::scan,
                                   .decode = vbmi::decode,
                                   .multiply = vbmi::multiply,
                                   .rows = vbmi::rows,
                                   .scales = scales_avx512,
                                   .finish = finish_avx512};
}

#undef ATTAR_TCQ_NAMESPACE
#undef ATTAR_TCQ_VNNI

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
