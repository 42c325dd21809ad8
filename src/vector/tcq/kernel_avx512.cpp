// tcq with AVX-512 but without VBMI: the method of AVX2 in wider registers, with or without VNNI.
#include <immintrin.h>

#include <cstring>

#include "vector/tcq/kernel_parts.h"

// GCC 12's own headers pass deliberately undefined registers to some intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace attar::vector::tcq {
namespace {

constexpr std::size_t lane_rows = 8;  // rows in a 512-bit register

// As in AVX2: which two ring bytes hold each window, and the factor that moves it to the top of 16 bits.
struct alignas(64) WindowControl {
  std::array<std::uint8_t, 64> even{};
  std::array<std::uint8_t, 64> odd{};
  std::array<std::uint16_t, 32> factor{};
};

constexpr WindowControl window_control(const Width& width, std::uint32_t group) {
  WindowControl out;
  const std::size_t length = 8u * width.ring_bytes;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::uint32_t position = ring_position(width, group * 8 + i);
    const std::size_t start = (width.bits * (position + 1) + length - width.window) % length;
    const std::size_t low = start / 8, high = (low + 1) % width.ring_bytes;
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
      const std::size_t at = quarter * 16 + i * 2;
      out.even[at] = static_cast<std::uint8_t>(low);
      out.even[at + 1] = static_cast<std::uint8_t>(high);
      out.odd[at] = static_cast<std::uint8_t>(width.ring_bytes + low);
      out.odd[at + 1] = static_cast<std::uint8_t>(width.ring_bytes + high);
      out.factor[quarter * 8 + i] = static_cast<std::uint16_t>(1u << (16 - width.window - start % 8));
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

}  // namespace
}  // namespace attar::vector::tcq

// The same text for both instruction sets, each in a region and a namespace of its own.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif
namespace attar::vector::tcq::detail {

void scales_avx512(const std::byte* codes, const float* grid, float* scales) noexcept {
  for (std::size_t i = 0; i < block_rows; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i));
    _mm512_storeu_ps(scales + i, _mm512_i32gather_ps(_mm512_cvtepu8_epi32(bytes), grid, 4));
  }
}

void finish_avx512(const Finish& block, float* scores, std::uint32_t* reached) noexcept {
  constexpr std::size_t half = block_rows / 2;
  const auto score_of = [&](std::size_t q, std::size_t i, __m512 scales) {
    const __m512 products = _mm512_mul_ps(scales, _mm512_loadu_ps(block.sums + q * block_rows + i));
    const __m512 score = _mm512_add_ps(_mm512_set1_ps(block.bases[q]), products);
    if (block.norms == nullptr) return score;
    return _mm512_sub_ps(_mm512_mul_ps(_mm512_set1_ps(2.0f), score), _mm512_loadu_ps(block.norms + i));
  };
  const __m512 first = _mm512_loadu_ps(block.scales), second = _mm512_loadu_ps(block.scales + half);
  for (std::size_t q = 0; q < block.count; ++q) {
    const __m512 low = score_of(q, 0, first), high = score_of(q, half, second);
    const __m512 least = _mm512_set1_ps(block.thresholds[q]);
    reached[q] = std::uint32_t{_mm512_cmp_ps_mask(low, least, _CMP_GE_OQ)} |
                 std::uint32_t{_mm512_cmp_ps_mask(high, least, _CMP_GE_OQ)} << half;
    if (reached[q] == 0) continue;
    _mm512_storeu_ps(scores + q * block_rows, low);
    _mm512_storeu_ps(scores + q * block_rows + half, high);
  }
}

}  // namespace attar::vector::tcq::detail

#define ATTAR_TCQ_NAMESPACE plain
#define ATTAR_TCQ_VNNI 0
#include "vector/tcq/kernel_avx512_windows.inc"
#undef ATTAR_TCQ_NAMESPACE
#undef ATTAR_TCQ_VNNI
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), \
                                 apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#endif
#define ATTAR_TCQ_NAMESPACE vnni
#define ATTAR_TCQ_VNNI 1
#include "vector/tcq/kernel_avx512_windows.inc"
#undef ATTAR_TCQ_NAMESPACE
#undef ATTAR_TCQ_VNNI
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace attar::vector::tcq::detail {

const Kernel avx512_kernel = {.level = simd::Level::avx512,
                              .scan = plain::scan,
                              .decode = plain::decode,
                              .multiply = plain::multiply,
                              .rows = rows_by_scan<plain::scan_one>,
                              .scales = scales_avx512,
                              .finish = finish_avx512};
const Kernel avx512_vnni_kernel = {.level = simd::Level::avx512_vnni,
                                   .scan = vnni::scan,
                                   .decode = vnni::decode,
                                   .multiply = vnni::multiply,
                                   .rows = rows_by_scan<vnni::scan_one>,
                                   .scales = scales_avx512,
                                   .finish = finish_avx512};

}  // namespace attar::vector::tcq::detail
