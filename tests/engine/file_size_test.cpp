// The budget is never exceeded, not by one byte, and the report tells the size of every part.
#include <fmt/format.h>

#include "engine/support.h"

namespace attar::engine {
namespace {

class FileSize : public EngineTest {
 protected:
  // One random shape with a random goal; counts what could be had.
  void try_one(std::uint64_t seed) {
    base::Random random(seed);
    // Small numbers as often as large ones.
    const auto between = [&random](double low, double high) {
      return low * std::exp(random.uniform() * std::log(high / low));
    };
    const auto count = static_cast<std::uint64_t>(between(1, 2001));
    const auto dims = static_cast<std::uint32_t>(between(1, 201));
    const Metric metric = all_metrics[random.below(3)];
    PackOptions options{.metric = metric, .seed = seed, .threads = 1};
    const double values = static_cast<double>(count * dims);
    switch (random.below(4)) {
      case 0: options.budget = Budget{between(1000, 8 * values + 30'000), Budget::Unit::bytes}; break;
      case 1: options.budget = Budget{between(1, 6.0 * dims + 10'000), Budget::Unit::bytes_per_vector}; break;
      case 2: options.budget = Budget{between(0.1, 40 + 40'000 / values), Budget::Unit::bits_per_value}; break;
      default: options.budget = Budget{between(1, 150 + 600'000 / values), Budget::Unit::percent};
    }
    if (random.below(3) == 0) options.ids = put_ids("ids.txt", count);
    if (random.below(3) == 0)
      options.keep_originals = random.below(3) == 0 ? "i8" : random.below(2) == 0 ? "f16" : "f32";
    const auto base = put_vectors("base.npy", clustered(count, dims, seed, random.uniform()), dims);
    SCOPED_TRACE(fmt::format("seed {}: {} x {}, {}, {}, ids {}, originals '{}'", seed, count, dims, metric_name(metric),
                             options.budget->text(), !options.ids.empty(), options.keep_originals));

    const auto path = at("out.attar");
    std::filesystem::remove(path);
    const auto packed = pack(base, path, options);
    ASSERT_TRUE(packed) << error_of(packed);
    const std::uint64_t ceiling = options.budget->bytes(count, dims, 4);
    EXPECT_EQ(packed->report.budget_bytes, ceiling);
    if (!packed->reachable) {
      ++refused_;
      EXPECT_FALSE(std::filesystem::exists(path));
      EXPECT_GT(packed->nearest.least_bytes, ceiling) << "a file that fits was not written";
      return;
    }
    ++written_;
    const std::uint64_t size = std::filesystem::file_size(path);
    EXPECT_LE(size, ceiling);
    EXPECT_EQ(size, packed->report.bytes);
    EXPECT_EQ(size, sum_of(packed->report.parts));
    const auto artifact = Artifact::open(path);
    ASSERT_TRUE(artifact) << error_of(artifact);
    const auto info = artifact->info();
    ASSERT_TRUE(info) << error_of(info);
    EXPECT_EQ(sum_of(info->parts), size);
    ASSERT_EQ(info->parts.size(), packed->report.parts.size());
    for (std::size_t i = 0; i < info->parts.size(); ++i) {
      EXPECT_EQ(info->parts[i].name, packed->report.parts[i].name);
      EXPECT_EQ(info->parts[i].bytes, packed->report.parts[i].bytes) << info->parts[i].name;
    }
    ATTAR_ASSERT_OK(artifact->verify(1));
  }

  int written_ = 0, refused_ = 0;
};

TEST_F(FileSize, NeverExceedsTheBudgetOverRandomShapes) {
  for (std::uint64_t seed = 1; seed <= 60 && !HasFatalFailure(); ++seed) try_one(seed);
  EXPECT_GE(written_, 15);
  EXPECT_GE(refused_, 10);
}

TEST_F(FileSize, SlowNeverExceedsTheBudgetOverManyRandomShapes) {
  for (std::uint64_t seed = 1000; seed < 1300 && !HasFatalFailure(); ++seed) try_one(seed);
  EXPECT_GE(written_, 80);
  EXPECT_GE(refused_, 50);
}

// Around the sizes at which one option takes over from another, byte by byte.
TEST_F(FileSize, NeverExceedsTheBudgetByteByByte) {
  const auto base = put_vectors("base.npy", clustered(100, 6, 1), 6);
  for (std::uint64_t budget = 5'000; budget < 5'700; budget += 7) {
    const auto plan = make_plan(base, {.budget = Budget{static_cast<double>(budget)}, .threads = 1});
    ASSERT_TRUE(plan) << error_of(plan);
    EXPECT_LE(plan->report.bytes, budget);
  }
}

}  // namespace
}  // namespace attar::engine
