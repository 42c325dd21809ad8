// Sums of table entries chosen by nibbles, 32 rows at a time (the "fast scan" of product quantizers: André, Kermarrec
// and Le Scouarnec 2015). Pure functions; all instruction sets give the same integers. spec.md, "Blocks of nibbles".
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace attar::vector {

/// Bytes of one group in a full block, and entries of its table.
inline constexpr std::size_t group_bytes = 16;

struct FastScan {
  simd::Level level;
  /// sums[row] = Σ_g tables[g · 16 + nibble(g, row)] over `groups` groups: an even number below 2^24, so that
  /// no sum passes 32 bits. `codes`: groups × 16 bytes.
  void (*sum)(const std::byte* codes, const std::uint8_t* tables, std::size_t groups, std::uint32_t* sums) noexcept;
};

/// The kernel for a level; a level without one of its own gets the next lower.
[[nodiscard]] const FastScan& fast_scan_for(simd::Level level) noexcept;

namespace detail {
extern const FastScan scalar_fast_scan;
extern const FastScan avx2_fast_scan;
extern const FastScan avx512_fast_scan;
}  // namespace detail

}  // namespace attar::vector
