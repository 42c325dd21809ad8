#include "simd/packed_numbers.h"

#include <cstring>

namespace attar::simd {
namespace {

// A number and the bits before it in its first byte fill four bytes at the most.
constexpr std::uint32_t most_bits_in_lanes = 25;

}  // namespace

UnpackNumbers::UnpackNumbers(std::uint32_t bits, Level level) noexcept : bits_(bits) {
  const bool in_lanes = level >= Level::avx2 && bits <= most_bits_in_lanes;
  run_ = detail::unpack_numbers_scalar;
#if defined(__x86_64__)
  if (in_lanes) run_ = detail::unpack_numbers_avx2;
#endif
  halves_.second = bits / 2;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::uint32_t first = i * bits / 8 - (i < 4 ? 0 : halves_.second);
    halves_.shifts[i] = i * bits % 8;
    for (std::uint32_t byte = 0; byte < 4; ++byte)
      halves_.bytes[4 * i + byte] = static_cast<std::uint8_t>(in_lanes ? first + byte : 0);
  }
}

namespace detail {

void unpack_numbers_scalar(const UnpackNumbers& how, const std::byte* packed, std::size_t count,
                           std::uint32_t* out) noexcept {
  const std::uint64_t bits = how.bits(), mask = (std::uint64_t{1} << bits) - 1;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t word;
    std::memcpy(&word, packed + i * bits / 8, sizeof(word));
    out[i] = static_cast<std::uint32_t>(word >> (i * bits % 8) & mask);
  }
}

}  // namespace detail
}  // namespace attar::simd
