#include "simd/int16_products.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace attar::simd {
namespace {

TEST(Int16Products, AreTheSameOnEveryLevel) {
  base::Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const std::size_t count = 1 + random.below(11), dims = 1 + random.below(trial % 10 == 0 ? 1600 : 70);
    const bool extreme = random.below(3) == 0;
    const std::int32_t most = static_cast<std::int32_t>(std::min<std::size_t>(32767, 0x7fffffff / (128 * dims)));
    std::vector<std::int8_t> rows(count * dims);
    for (auto& value : rows)
      value = static_cast<std::int8_t>(extreme ? -128 : static_cast<int>(random.below(256)) - 128);
    std::vector<std::int16_t> vector(dims);
    for (auto& value : vector)
      value = static_cast<std::int16_t>(extreme ? most : static_cast<int>(random.below(2 * most + 1)) - most);
    std::vector<std::int32_t> expected(count), out(count);
    int16_products({rows.data(), count, vector.data(), dims, expected.data()}, Level::scalar);
    int16_products({rows.data(), count, vector.data(), dims, out.data()}, best_level());
    ASSERT_EQ(out, expected) << count << " x " << dims;
  }
}

}  // namespace
}  // namespace attar::simd
