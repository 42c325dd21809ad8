#include "simd/packed_numbers.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace attar::simd {
namespace {

constexpr std::size_t slack = 64;

// `numbers` of `bits` bits each, bit by bit.
std::vector<std::byte> packed(const std::vector<std::uint32_t>& numbers, std::uint32_t bits) {
  std::vector<std::byte> out((numbers.size() * bits + 7) / 8 + slack);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    for (std::uint32_t bit = 0; bit < bits; ++bit) {
      const std::size_t at = i * bits + bit;
      out[at / 8] |= static_cast<std::byte>((numbers[i] >> bit & 1) << (at % 8));
    }
  return out;
}

TEST(PackedNumbers, ComeBackAtEveryWidthAndLevel) {
  base::Random random(3);
  for (std::uint32_t bits = 1; bits <= 32; ++bits)
    for (const std::size_t count : {1, 7, 8, 28, 33, 128}) {
      std::vector<std::uint32_t> numbers(count);
      for (std::uint32_t& number : numbers) number = static_cast<std::uint32_t>(random.below(std::uint64_t{1} << bits));
      numbers.back() = static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
      // What follows must not leak in.
      auto bytes = packed(numbers, bits);
      std::fill(bytes.end() - slack, bytes.end(), std::byte{0xff});
      for (const Level level : {Level::scalar, Level::avx2}) {
        if (level > best_level()) continue;
        std::vector<std::uint32_t> out(room_for(count));
        UnpackNumbers(bits, level)(bytes.data(), count, out.data());
        out.resize(count);
        EXPECT_EQ(out, numbers) << bits << " bits, " << count << ", " << level_name(level);
      }
    }
}

}  // namespace
}  // namespace attar::simd
