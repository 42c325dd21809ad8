// Scales of rows and columns on the wire: differences to their middle as Rice codes. Bytes: src/tensor/fields/spec.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"

namespace attar::tensor {

/// A scale counts in eighths of an octave.
inline constexpr int steps_of_an_octave = 8;

void write_scales(base::ByteWriter& out, std::span<const std::int16_t> scales);
/// `count` scales, each in [least, most]; `corrupt` otherwise.
[[nodiscard]] Result<std::vector<std::int16_t>> read_scales(base::ByteReader& in, std::size_t count, int least,
                                                            int most);

}  // namespace attar::tensor
