// Numbers of some bits each, packed without gaps, the lowest bit first: unpacked for walks over graphs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/isa.h"

namespace attar::simd {

/// Numbers that an unpacking may write: `count` rounded up to a multiple of eight.
[[nodiscard]] constexpr std::size_t room_for(std::size_t count) noexcept { return (count + 7) / 8 * 8; }

/// out[i] = bits i·bits … i·bits + bits − 1 of `packed`, for i below `count`; `bits` is 1 … 32. `out` has
/// room_for(count) places; of `packed` up to 32 bytes behind the last number are read.
class UnpackNumbers {
 public:
  explicit UnpackNumbers(std::uint32_t bits, Level level = active_level()) noexcept;
  void operator()(const std::byte* packed, std::size_t count, std::uint32_t* out) const noexcept {
    run_(*this, packed, count, out);
  }

  /// What eight numbers need in two halves of four: where the second half's bytes begin, each number's bytes within its
  /// half, and by how many bits they are shifted.
  struct Halves {
    std::uint32_t second = 0;
    alignas(32) std::uint8_t bytes[32] = {};
    alignas(32) std::uint32_t shifts[8] = {};
  };
  [[nodiscard]] std::uint32_t bits() const noexcept { return bits_; }
  [[nodiscard]] const Halves& halves() const noexcept { return halves_; }

 private:
  using Run = void (*)(const UnpackNumbers&, const std::byte*, std::size_t, std::uint32_t*) noexcept;

  std::uint32_t bits_;
  Halves halves_;
  Run run_;
};

namespace detail {
void unpack_numbers_scalar(const UnpackNumbers& how, const std::byte* packed, std::size_t count,
                           std::uint32_t* out) noexcept;
/// Needs AVX2, and at most 25 bits.
void unpack_numbers_avx2(const UnpackNumbers& how, const std::byte* packed, std::size_t count,
                         std::uint32_t* out) noexcept;
}  // namespace detail

}  // namespace attar::simd
