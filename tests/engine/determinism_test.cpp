// One build, one instruction-set level, one seed: one file, at any number of threads.
#include "engine/support.h"

namespace attar::engine {
namespace {

class Deterministic : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    base_ = put_vectors("base.npy", clustered(1500, 24, 1), 24);
    queries_ = put_vectors("queries.npy", clustered(400, 24, 2), 24);
  }
  std::string bytes_of(PackOptions options, unsigned threads) {
    options.threads = threads;
    // A new name each time: a file that is replaced lends its log's history to the certificate.
    const auto path = at("out-" + std::to_string(count_++) + ".attar");
    const auto packed = pack(base_, path, options);
    EXPECT_TRUE(packed) << error_of(packed);
    EXPECT_TRUE(packed && packed->reachable);
    return read_whole(path);
  }

  std::filesystem::path base_, queries_;
  int count_ = 0;
};

TEST_F(Deterministic, ThreadsDoNotChangeTheFile) {
  for (const std::string& codec : codec_names()) {
    const PackOptions options{
        .budget = parse_budget("110B/vec").value(), .queries = queries_, .codec = codec, .seed = 3};
    const std::string one = bytes_of(options, 1);
    EXPECT_FALSE(one.empty());
    EXPECT_EQ(one, bytes_of(options, 2)) << codec;
    EXPECT_EQ(one, bytes_of(options, 3)) << codec;
  }
}

TEST_F(Deterministic, SlowThreadsDoNotChangeThePlan) {
  const PackOptions goals[] = {{.budget = parse_budget("20B/vec").value()},
                               {.floor = parse_floor("0.9@10").value(), .queries = queries_},
                               {.budget = parse_budget("30B/vec").value(), .floor = parse_floor("0.5@10").value()}};
  for (const PackOptions& goal : goals) EXPECT_EQ(bytes_of(goal, 1), bytes_of(goal, 3));
}

TEST_F(Deterministic, AnotherSeedIsAnotherValidFile) {
  const PackOptions options{.budget = parse_budget("20B/vec").value(), .seed = 1};
  PackOptions other = options;
  other.seed = 0xffff'ffff'ffff'ffffull;
  const std::string first = bytes_of(options, 1);
  EXPECT_NE(first, bytes_of(other, 1));
  const auto artifact = Artifact::open(at("out-1.attar"));
  ASSERT_TRUE(artifact) << error_of(artifact);
  EXPECT_TRUE(artifact->verify(1));
  EXPECT_EQ(artifact->info()->certificates.at(0).seed, 0xffff'ffff'ffff'ffffull);
}

// With little memory the base is read from its file again and again, and codes go to scratch files.
TEST_F(Deterministic, SlowLittleMemoryGivesTheSameFile) {
  const auto large = put_vectors("large.npy", clustered(45'000, 200, 4), 200);  // 36 MB, above half of 64 MiB
  base_ = large;
  queries_ = put_vectors("few.npy", clustered(60, 200, 2), 200);
  const PackOptions roomy{
      .budget = parse_budget("1400B/vec").value(), .queries = queries_, .codec = "f16", .keep_originals = "f32"};
  PackOptions tight = roomy;
  tight.memory_bytes = 64ull << 20;  // codes of 18 MB, above an eighth
  EXPECT_TRUE(bytes_of(roomy, 2) == bytes_of(tight, 2));
}

}  // namespace
}  // namespace attar::engine
