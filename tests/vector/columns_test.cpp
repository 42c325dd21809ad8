#include "vector/common/columns.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/half.h"
#include "base/random.h"
#include "vector/f16/kernel.h"
#include "vector/f32/kernel.h"
#include "vector/f8/kernel.h"

namespace attar::vector {
namespace {

// The clones of this machine's instruction set against one lane at a time in plain code.
TEST(Columns, ProductsMatchTheScalarReferenceBitForBit) {
  base::Random random(1);
  alignas(64) float slab[slab_components * block_rows];
  float query[slab_components];
  for (std::size_t count = 1; count <= slab_components; ++count) {
    for (float& value : slab) value = static_cast<float>(random.normal() * std::exp(4 * random.normal()));
    for (float& value : query) value = static_cast<float>(random.normal());
    double narrow[block_rows] = {}, wide[block_rows] = {};
    add_products(slab, query, count, narrow);
    add_products_wide(slab, query, count, wide);
    for (std::size_t lane = 0; lane < block_rows; ++lane) {
      float own[slab_components];
      for (std::size_t j = 0; j < count; ++j) own[j] = slab[j * block_rows + lane];
      ASSERT_EQ(narrow[lane], row_product(own, query, count, false)) << count;
      ASSERT_EQ(wide[lane], row_product(own, query, count, true)) << count;
      double exact = 0, magnitude = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const double term = static_cast<double>(slab[j * block_rows + lane]) * static_cast<double>(query[j]);
        exact += term;
        magnitude += std::fabs(term);
      }
      ASSERT_NEAR(narrow[lane], exact, magnitude * 32 * 0x1.0p-24);
      ASSERT_NEAR(wide[lane], exact, magnitude * 64 * 0x1.0p-53);
    }
  }
}

TEST(Columns, ProductsAddToWhatIsThere) {
  alignas(64) float slab[block_rows] = {};
  slab[3] = 2;
  const float query[1] = {5};
  double totals[block_rows] = {};
  totals[3] = 7;
  add_products(slab, query, 1, totals);
  EXPECT_EQ(totals[3], 17);
  add_products_wide(slab, query, 1, totals);
  EXPECT_EQ(totals[3], 27);
}

using Decode = void (*)(const Lanes&, std::size_t, std::size_t, float*) noexcept;

// Whole blocks, short blocks and single rows of them give the same values.
void expect_same_values(Decode decode, std::size_t bytes_a_component, float (*reference)(const std::byte*)) {
  base::Random random(2);
  for (const std::size_t rows : {std::size_t{32}, std::size_t{1}, std::size_t{19}}) {
    const std::size_t components = slab_components + 7;
    std::vector<std::byte> block(rows * components * bytes_a_component);
    for (std::byte& value : block) value = static_cast<std::byte>(random.next());
    alignas(64) float whole[slab_components * block_rows], one[slab_components * block_rows];
    for (const auto& [first, count] :
         {std::pair{std::size_t{0}, slab_components}, std::pair{slab_components, std::size_t{7}}}) {
      decode({block.data(), rows, 0, rows}, first, count, whole);
      for (std::size_t row = 0; row < rows; ++row) {
        decode({block.data(), rows, row, 1}, first, count, one);
        for (std::size_t j = 0; j < count; ++j) {
          const float expected = reference(block.data() + ((first + j) * rows + row) * bytes_a_component);
          const auto bits = std::bit_cast<std::uint32_t>(expected);
          ASSERT_EQ(std::bit_cast<std::uint32_t>(whole[j * block_rows + row]), bits);
          ASSERT_EQ(std::bit_cast<std::uint32_t>(one[j * block_rows]), bits);
        }
      }
    }
  }
}

TEST(Columns, F32IsWhatIsStored) {
  expect_same_values(f32::decode_columns, 4, [](const std::byte* at) { return base::load<float>(at); });
}

TEST(Columns, F16WidensAsTheBaseDoes) {
  expect_same_values(f16::decode_columns, 2, [](const std::byte* at) {
    const auto half = base::load<std::uint16_t>(at);
    // The field 31 is read as an ordinary exponent, so that no code is an infinity or NaN.
    return (half & 0x7c00u) != 0x7c00u ? base::half_to_float(half)
                                       : std::copysign(static_cast<float>(0x400 + (half & 0x3ff)) * 64.0f,
                                                       (half & 0x8000u) != 0 ? -1.0f : 1.0f);
  });
}

TEST(Columns, F8WidensAsTheBaseDoes) {
  expect_same_values(f8::decode_columns, 1, [](const std::byte* at) {
    const auto code = std::to_integer<std::uint8_t>(*at);
    return (code & 0x7f) != 0x7f ? base::e4m3_to_float(code) : (code == 0x7f ? 480.0f : -480.0f);
  });
}

}  // namespace
}  // namespace attar::vector
