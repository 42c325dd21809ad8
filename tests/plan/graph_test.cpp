#include "plan/graph.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace attar::plan {
namespace {

TEST(PlannedGraph, KeepsToTheMemoryItIsGiven) {
  constexpr std::uint32_t dims = 8;
  constexpr std::size_t rows = 300;
  base::Random random(1);
  std::vector<float> values(rows * dims);
  for (float& value : values) value = static_cast<float>(random.normal());
  const auto base = data::memory_source(values, dims, "rows");
  base::ThreadPool pool(1);
  base::SilentProgress quiet;
  const auto build = [&](std::uint64_t memory_bytes) {
    return Graph::build(*base, Metric::l2, Graph::line_bytes, 1, memory_bytes, pool, quiet);
  };
  EXPECT_EQ(build(10'000).error().code, ErrorCode::over_limit);
  const auto built = build(1 << 20);
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ((*built)->links().rows(), rows);
  EXPECT_TRUE((*built)->links().check());
}

}  // namespace
}  // namespace attar::plan
