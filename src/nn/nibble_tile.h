// Products of rows of unsigned bytes with a panel of columns of four bits: the inside of every int4 layer. Sums within
// a group are whole numbers; over groups they are fused in one order, so that every level gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/float_tile.h"
#include "simd/isa.h"

namespace attar::nn {

/// Inputs that share a scale: eight fours.
inline constexpr std::size_t group_inputs = 32;
/// A panel's bytes for a group: panel_columns scales as bfloat16, then [pair of fours][column][one of the four], the
/// first four of a pair in the low halves of the bytes.
inline constexpr std::size_t group_scale_bytes = 2 * panel_columns;
inline constexpr std::size_t group_bytes = group_scale_bytes + group_inputs * panel_columns / 2;
/// What stands for zero; codes are 0 … 15.
inline constexpr std::int32_t nibble_zero = 8;

struct NibbleTile {
  const std::uint8_t* rows = nullptr;  ///< count × group_inputs · groups, dense
  std::size_t count = 0;
  const std::int32_t* starts = nullptr;  ///< count × groups: −nibble_zero · the sum of a row's group
  const std::byte* panel = nullptr;      ///< groups × group_bytes
  std::size_t groups = 0;
  float* sums = nullptr;  ///< count × panel_columns
};

/// sums[i][j] = (…(0 + I_0 · scale_0j) + I_1 · scale_1j …), each step rounded once, I_g = Σ_k rows[i][k] · (code[k][j]
/// − nibble_zero) over the inputs k of group g.
using NibbleTileKernel = void (*)(const NibbleTile&) noexcept;
[[nodiscard]] NibbleTileKernel nibble_tile_kernel(simd::Level level) noexcept;

namespace detail {
void nibble_tile_scalar(const NibbleTile& task) noexcept;
void nibble_tile_avx2(const NibbleTile& task) noexcept;  // needs AVX2 and FMA
void nibble_tile_vnni(const NibbleTile& task) noexcept;  // needs AVX-512 F and VNNI
}  // namespace detail

}  // namespace attar::nn
