// What a jury says of trials: recall at k, and the mean over several depths.
#include "plan/jury.h"

#include <gtest/gtest.h>

#include <numeric>

#include "certify/support.h"
#include "codec/registry.h"

namespace attar::plan {
namespace {

constexpr std::uint32_t dims = 24;

struct Court {
  certify::MatrixSource base{certify::normal_rows(400, dims, 1), dims};
  codec::Schema schema{.rows = 400, .dims = dims, .metric = Metric::cosine};
  Queries queries{.values = certify::normal_rows(60, dims, 2), .own_rows = {}};
  std::vector<certify::Unit> units;
  base::ThreadPool pool{2};
  base::SilentProgress progress;

  Court() {
    for (std::uint32_t q = 0; q < 60; q += 2) units.push_back({q, q + 1});
  }
  Jury jury(std::uint32_t k, bool deep, std::uint64_t memory_bytes = 1 << 26) {
    return Jury::create(base, schema.metric, queries, units, k, deep, memory_bytes, pool, progress).value();
  }
  std::unique_ptr<Trial> trial(std::uint64_t bytes) {
    const codec::Codec& codec = *codec::find_codec("tcq");
    const auto trainer = codec.trainer(schema, {.pool = &pool, .seed = 1}).value();
    EXPECT_TRUE(
        stream_rows(base, schema.metric, progress, [&](const codec::Chunk& rows) { return trainer->feed(rows); }));
    const auto trained = trainer->finish().value();
    return Trial::encode(codec, *trained, trained->options({bytes}).front(), {.base = &base, .metric = schema.metric},
                         1 << 26, pool, progress)
        .value();
  }
};

TEST(Jury, DeepGradesHoldThePlainOnes) {
  Court court;
  const auto trial = court.trial(6'000);
  const Jury jury = court.jury(5, true);
  const Grades grades = jury.grade_deeply(*trial, court.pool).value();
  ASSERT_EQ(grades.recall.size(), 30u);
  ASSERT_EQ(grades.deep.size(), 30u);
  EXPECT_EQ(grades.recall, jury.grade(*trial, {}, court.pool).value());
  // The mean of four juries, each at one depth.
  std::vector<double> mean(30);
  for (const std::uint32_t k : {5u, 10u, 20u, 40u}) {
    const auto own = court.jury(k, false).grade(*trial, {}, court.pool).value();
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += own[i] / 4;
  }
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(grades.deep[i], mean[i], 1e-12);
  EXPECT_LT(mean_of(grades.deep), 0.99);
  EXPECT_GT(mean_of(grades.deep), 0.3);
}

TEST(Jury, DepthEndsBelowTheRows) {
  Court court;
  const auto trial = court.trial(30'000);
  for (const std::uint32_t k : {90u, 150u, 250u}) {
    const Grades grades = court.jury(k, true).grade_deeply(*trial, court.pool).value();
    EXPECT_GE(mean_of(grades.deep), mean_of(grades.recall) - 0.05) << k;
    EXPECT_LE(mean_of(grades.deep), 1.0) << k;
  }
}

// Depth is a finer ruler, not a need: where its truth would not fit, a jury looks less deep rather than failing.
TEST(Jury, LooksAsDeepAsMemoryAllows) {
  Court court;
  const auto trial = court.trial(6'000);
  const auto ranks = [&](std::uint64_t memory_bytes) {
    return court.jury(5, true, memory_bytes).grade_deeply(*trial, court.pool).value();
  };
  const Grades none = ranks(50'000), some = ranks(120'000), all = ranks(1 << 26);
  EXPECT_EQ(none.deep, none.recall);
  EXPECT_EQ(some.recall, none.recall);
  EXPECT_EQ(all.recall, none.recall);
  EXPECT_NE(some.deep, none.deep);
  EXPECT_NE(some.deep, all.deep);
}

TEST(Jury, FinerCodesRankHigher) {
  Court court;
  const Jury jury = court.jury(5, true);
  double before = 0;
  for (const std::uint64_t bytes : {5'000u, 8'000u, 13'000u}) {
    const double rank = mean_of(jury.grade_deeply(*court.trial(bytes), court.pool).value().deep);
    EXPECT_GT(rank, before) << bytes;
    before = rank;
  }
}

}  // namespace
}  // namespace attar::plan
