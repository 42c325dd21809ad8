#include "simd/inner_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "base/threads.h"

namespace attar::simd {
namespace {

std::vector<float> normals(std::size_t count, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

std::vector<Level> levels() {
  std::vector<Level> out;
  for (int level = 0; level <= static_cast<int>(best_level()); ++level) out.push_back(static_cast<Level>(level));
  return out;
}

TEST(InnerProducts, EveryLevelStaysWithinTheBound) {
  for (Level level : levels())
    for (const auto& [n, m, dims] : {std::tuple{1u, 1u, 1u},
                                     {5u, 7u, 15u},
                                     {4u, 4u, 16u},
                                     {9u, 35u, 17u},
                                     {3u, 18u, 384u},
                                     {13u, 70u, 100u},
                                     {0u, 4u, 8u},
                                     {4u, 0u, 8u},
                                     {6u, 5u, 7u}}) {
      const auto a = normals(std::size_t{n} * dims, n);
      const auto b = normals(std::size_t{m} * dims, m + 100);
      const std::size_t stride = m + 3;
      for (const bool add : {false, true}) {
        std::vector<float> out(n * stride, 5);
        inner_products({.a = a.data(),
                        .n = n,
                        .b = b.data(),
                        .m = m,
                        .dims = dims,
                        .out = out.data(),
                        .stride = stride,
                        .add = add},
                       level);
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t j = 0; j < stride; ++j) {
            if (j >= m) {
              ASSERT_EQ(out[i * stride + j], 5) << "nothing is written between the rows";
              continue;
            }
            double exact = add ? 5 : 0, magnitude = exact;
            for (std::size_t d = 0; d < dims; ++d) {
              const double product = static_cast<double>(a[i * dims + d]) * static_cast<double>(b[j * dims + d]);
              exact += product;
              magnitude += std::fabs(product);
            }
            ASSERT_NEAR(out[i * stride + j], exact, (dims + 2) * 0x1.0p-24 * magnitude)
                << level_name(level) << ' ' << n << 'x' << m << 'x' << dims;
          }
      }
    }
}

TEST(InnerProducts, BitsDoNotDependOnTheShapeOfTheBlock) {
  constexpr std::size_t n = 11, m = 37, dims = 45;
  const auto a = normals(n * dims, 1);
  const auto b = normals(m * dims, 2);
  for (Level level : levels()) {
    std::vector<float> whole(n * m), single(1);
    inner_products({.a = a.data(), .n = n, .b = b.data(), .m = m, .dims = dims, .out = whole.data(), .stride = m},
                   level);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        inner_products({.a = a.data() + i * dims,
                        .n = 1,
                        .b = b.data() + j * dims,
                        .m = 1,
                        .dims = dims,
                        .out = single.data(),
                        .stride = 1},
                       level);
        ASSERT_EQ(single[0], whole[i * m + j]) << level_name(level);
      }
  }
}

TEST(InnerProducts, ReadsNothingBeyondTheRows) {
  for (Level level : levels())
    for (std::size_t dims = 1; dims <= 33; ++dims) {
      // Blocks of the exact size on the heap: a sanitizer sees a read past their end.
      const auto a = std::make_unique<float[]>(dims);
      const auto b = std::make_unique<float[]>(dims);
      for (std::size_t d = 0; d < dims; ++d) a[d] = b[d] = 1;
      float out = 0;
      inner_products({.a = a.get(), .n = 1, .b = b.get(), .m = 1, .dims = dims, .out = &out, .stride = 1}, level);
      EXPECT_EQ(out, static_cast<float>(dims));
    }
}

TEST(InnerProducts, ManyThreadsAtOnce) {
  constexpr std::size_t n = 64, m = 128, dims = 32;
  const auto a = normals(n * dims, 3);
  const auto b = normals(m * dims, 4);
  std::vector<float> wanted(n * m);
  const auto product = [&](float* out) {
    inner_products({.a = a.data(), .n = n, .b = b.data(), .m = m, .dims = dims, .out = out, .stride = m});
  };
  product(wanted.data());
  base::ThreadPool pool(8);
  std::vector<std::vector<float>> found(500, std::vector<float>(n * m));
  pool.run(found.size(), [&](std::size_t piece, unsigned) { product(found[piece].data()); });
  for (const auto& one : found) ASSERT_EQ(one, wanted);
}

}  // namespace
}  // namespace attar::simd
