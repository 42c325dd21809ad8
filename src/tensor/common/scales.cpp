#include "tensor/common/scales.h"

#include <algorithm>
#include <limits>

#include "base/bits.h"

namespace attar::tensor {
namespace {

constexpr unsigned most_rice = 15;

std::uint32_t folded(int difference) noexcept {
  return difference >= 0 ? 2u * static_cast<std::uint32_t>(difference)
                         : 2u * static_cast<std::uint32_t>(-difference) - 1;
}

int unfolded(std::uint32_t code) noexcept {
  return (code & 1) == 0 ? static_cast<int>(code >> 1) : -static_cast<int>(code >> 1) - 1;
}

// The Rice parameter of the fewest bits.
unsigned best_rice(std::span<const std::uint32_t> codes) noexcept {
  const std::uint32_t most = codes.empty() ? 0 : std::ranges::max(codes);
  unsigned best = 0;
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (unsigned g = 0; g <= most_rice; ++g) {
    std::uint64_t bits = codes.size() * (g + 1);
    for (const std::uint32_t code : codes) bits += code >> g;
    if (bits < least) least = bits, best = g;
    if (most >> g == 0) break;  // from here on more bits save nothing
  }
  return best;
}

}  // namespace

void write_scales(base::ByteWriter& out, std::span<const std::int16_t> scales) {
  std::vector<std::int16_t> sorted(scales.begin(), scales.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const std::int16_t base = sorted.empty() ? std::int16_t{0} : *middle;
  std::vector<std::uint32_t> codes(scales.size());
  std::ranges::transform(scales, codes.begin(), [base](std::int16_t s) { return folded(s - base); });
  const unsigned rice = best_rice(codes);
  base::BitWriter bits;
  for (const std::uint32_t code : codes) bits.put_rice(code, rice);
  out.write(base);
  out.write(static_cast<std::uint8_t>(rice));
  out.write_bytes(std::move(bits).finish());
}

Result<std::vector<std::int16_t>> read_scales(base::ByteReader& in, std::size_t count, int least, int most) {
  ATTAR_ASSIGN(const auto base, in.read<std::int16_t>());
  ATTAR_ASSIGN(const auto rice, in.read<std::uint8_t>());
  if (rice > most_rice) return fail(ErrorCode::corrupt, "scales have an unknown code");
  // A scale takes a bit at least.
  if (count / 8 > in.remaining()) return fail(ErrorCode::truncated, "scales end early");
  base::ByteReader rest = in;
  ATTAR_ASSIGN(const base::ByteView bytes, rest.take(rest.remaining()));
  base::BitReader bits(bytes);
  std::vector<std::int16_t> out(count);
  for (std::int16_t& scale : out) {
    const std::uint32_t code = bits.get_rice(rice);
    const std::int64_t value = std::int64_t{base} + unfolded(code);
    if (!bits.sound() || value < least || value > most) return fail(ErrorCode::corrupt, "a scale is out of range");
    scale = static_cast<std::int16_t>(value);
  }
  ATTAR_TRY(in.take((bits.position() + 7) / 8));
  return out;
}

}  // namespace attar::tensor
