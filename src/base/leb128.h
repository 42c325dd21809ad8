// Whole numbers in as few bytes as they need: seven bits a byte, lowest first, the top bit set on all but the last.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace attar::base {

inline void write_leb128(ByteWriter& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.write(static_cast<std::uint8_t>(value | 0x80));
  out.write(static_cast<std::uint8_t>(value));
}

/// Of at most `most_bytes` ≤ 9; `corrupt` for a number that is longer than that or than needed.
[[nodiscard]] inline Result<std::uint64_t> read_leb128(ByteReader& in, unsigned most_bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < most_bytes; ++i) {
    ATTAR_ASSIGN(const auto byte, in.read<std::uint8_t>());
    value |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) != 0) continue;
    if (byte == 0 && i > 0) return fail(ErrorCode::corrupt, "a length is longer than needed");
    return value;
  }
  return fail(ErrorCode::corrupt, "a length does not end");
}

}  // namespace attar::base
