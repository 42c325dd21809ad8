#include "data/survey.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "files.h"

namespace attar::data {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<float> normal_values(std::uint64_t count, std::uint64_t seed = 1) {
  base::Random random(seed);
  std::vector<float> out(count);
  for (float& x : out) x = static_cast<float>(random.normal());
  return out;
}

Result<Survey> run(std::vector<float> values, std::uint32_t dims, const SurveyOptions& options = {},
                   unsigned threads = 2) {
  const auto source = memory_source(std::move(values), dims, "base.npy");
  base::ThreadPool pool(threads);
  base::SilentProgress progress;
  return survey(*source, options, pool, progress);
}

TEST(Survey, MeasuresTheRows) {
  const auto found = run({3, 4, 0, 0, -6, 8}, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rows, 3u);
  EXPECT_EQ(found->dims, 2u);
  EXPECT_DOUBLE_EQ(found->sum_squared_norms, 125.0);
  EXPECT_DOUBLE_EQ(found->min_norm, 0.0);
  EXPECT_DOUBLE_EQ(found->max_norm, 10.0);
}

TEST(Survey, DigestIsThatOfTheDocumentedBytes) {
  const auto values = normal_values(1000 * 300);
  std::string bytes;
  append(bytes, std::uint32_t{300});
  for (const float x : values) append(bytes, x);
  EXPECT_EQ(run(values, 300)->digest, base::sha256(std::as_bytes(std::span(bytes.data(), bytes.size()))));
}

TEST(Survey, DigestTellsShapesAndOrderApart) {
  const auto values = normal_values(60);
  auto swapped = values;
  std::swap(swapped[0], swapped[59]);
  EXPECT_NE(run(values, 6)->digest, run(values, 10)->digest);
  EXPECT_NE(run(values, 6)->digest, run(swapped, 6)->digest);
}

TEST(Survey, IsTheSameAtAnyNumberOfThreads) {
  // Several waves of pieces, the last one short.
  const auto values = normal_values(20'011 * 97);
  const auto one = run(values, 97, {}, 1).value();
  double squared = 0;
  for (const float x : values) squared += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(one.sum_squared_norms, squared, 1e-9 * squared);
  for (const unsigned threads : {2u, 3u, 7u}) {
    const auto many = run(values, 97, {}, threads).value();
    EXPECT_EQ(many.digest, one.digest);
    EXPECT_EQ(many.sum_squared_norms, one.sum_squared_norms);
    EXPECT_EQ(many.min_norm, one.min_norm);
    EXPECT_EQ(many.max_norm, one.max_norm);
  }
}

TEST(Survey, NamesTheLowestBadRow) {
  constexpr std::uint32_t dims = 64;
  for (const unsigned threads : {1u, 2u, 5u}) {
    auto values = normal_values(30'000 * dims);
    values[29'999 * dims] = nan;
    values[17'000 * dims + 5] = infinity;
    values[16'999 * dims + 63] = nan;
    expect_error(run(values, dims, {}, threads), ErrorCode::invalid_data, {"base.npy: row 16999, component 63 is NaN"});
    values[16'999 * dims + 63] = 0;
    expect_error(run(values, dims, {}, threads), ErrorCode::invalid_data,
                 {"base.npy: row 17000, component 5 is infinite"});
    values[100 * dims + 1] = -infinity;
    expect_error(run(values, dims, {}, threads), ErrorCode::invalid_data, {"row 100, component 1 is infinite"});
  }
}

TEST(Survey, RefusesMagnitudesBeyondTheLimit) {
  expect_error(run({1, 2, 3, -2e15f}, 2), ErrorCode::invalid_data, {"row 1, component 1 is -2e+15", "limit of 1e+15"});
  expect_error(run({1, 2, 3, 4}, 2, {.limit = 3.5f}), ErrorCode::invalid_data, {"row 1, component 1 is 4", "scale"});
  EXPECT_TRUE(run({1, 2, 3, 4}, 2, {.limit = 4.0f}));
}

TEST(Survey, RefusesZeroVectorsOnlyWhereAsked) {
  const std::vector<float> values{1, 2, 0, -0.0f, 0, 0};
  EXPECT_TRUE(run(values, 2));
  expect_error(run(values, 2, {.refuse_zero_rows = true}), ErrorCode::invalid_data,
               {"base.npy: row 1 is a zero vector", "cosine", "--metric"});
  expect_error(run({1, 2, 1e-30f, 0}, 2, {.refuse_zero_rows = true}), ErrorCode::invalid_data, {"row 1", "1e-30"});
  EXPECT_TRUE(run({1, 2, 1e-14f, 0}, 2, {.refuse_zero_rows = true}));
}

TEST(Survey, RefusesAnEmptySource) { expect_error(run({}, 3), ErrorCode::invalid_data, {"base.npy", "no vectors"}); }

class SurveyFileTest : public DataTest {};

TEST_F(SurveyFileTest, PassesOnAnErrorOfTheFile) {
  std::string bytes;
  for (const std::int32_t dims : {4, 4, 2, 6, 4}) {
    append(bytes, dims);
    for (std::int32_t i = 0; i < dims; ++i) append(bytes, 1.0f);
  }
  const auto source = open_vectors(put("mixed.fvecs", bytes)).value();
  base::ThreadPool pool(2);
  base::SilentProgress progress;
  expect_error(survey(*source, {}, pool, progress), ErrorCode::invalid_data, {"mixed.fvecs: row 2 has 2 dimensions"});
}

TEST_F(SurveyFileTest, FindsADoubleThatNoFloatHolds) {
  std::string data;
  append(data, 1.0);
  append(data, 1e300);
  const auto source = open_vectors(put("x.npy", npy_file(npy_dictionary("<f8", "(1, 2)"), data))).value();
  base::ThreadPool pool(1);
  base::SilentProgress progress;
  expect_error(survey(*source, {}, pool, progress), ErrorCode::invalid_data, {"row 0, component 1", "32-bit float"});
}

/// Counts, and asks to stop once `limit` rows were reported.
class CountingProgress final : public base::Progress {
 public:
  explicit CountingProgress(std::uint64_t limit) : limit_(limit) {}
  void stage(std::string_view, std::uint64_t total) override { total_ = total; }
  void advance(std::uint64_t done) override { done_ += done; }
  [[nodiscard]] bool cancelled() const noexcept override { return done_ >= limit_; }
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;

 private:
  std::uint64_t limit_;
};

TEST(Survey, ReportsItsProgressAndStopsWhenAsked) {
  const auto source = memory_source(normal_values(20'000 * 97), 97, "base.npy");
  base::ThreadPool pool(2);
  CountingProgress all(~0ull);
  ASSERT_TRUE(survey(*source, {}, pool, all));
  EXPECT_EQ(all.total_, 20'000u);
  EXPECT_EQ(all.done_, 20'000u);
  CountingProgress some(1);
  expect_error(survey(*source, {}, pool, some), ErrorCode::cancelled, {"stopped"});
  EXPECT_LT(some.done_, 20'000u);
}

}  // namespace
}  // namespace attar::data
