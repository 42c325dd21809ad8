// How the elements of other people's files become floats.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "data/source.h"

namespace attar::data {

/// Bytes of one element.
[[nodiscard]] constexpr std::uint32_t element_bytes(ElementType type) noexcept {
  switch (type) {
    case ElementType::f16: return 2;
    case ElementType::f32: return 4;
    case ElementType::f64: return 8;
    case ElementType::i8: return 1;
    case ElementType::u8: return 1;
    case ElementType::i32: return 4;
  }
  return 0;
}

/// Converts out.size() little-endian elements at `from`, which need no alignment. Exact but for f64 and for i32 above
/// 2^24, which round to nearest; an f64 beyond the range of float becomes an infinity, which the survey reports.
void widen(ElementType type, const std::byte* from, std::span<float> out) noexcept;

}  // namespace attar::data
