// Decoded vectors back in a file, with the error that compression made.
#include "attar/vectors.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 12;
constexpr std::uint64_t rows = 400;

class Unpacks : public EngineTest, public testing::WithParamInterface<Metric> {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1);
    base_ = put_vectors("base.npy", values_, dims);
  }
  Artifact packed(const PackOptions& options) {
    auto out = pack_and_open(base_, at("a.attar"), options);
    EXPECT_TRUE(out.artifact) << out.failed;
    return std::move(out.artifact).value();
  }
  // What the codec was given: normalised rows under cosine.
  std::vector<double> given() const {
    std::vector<double> out(values_.begin(), values_.end());
    for (std::uint64_t row = 0; row < rows && GetParam() == Metric::cosine; ++row) {
      const auto part = std::span(out).subspan(row * dims, dims);
      const double norm = std::sqrt(std::inner_product(part.begin(), part.end(), part.begin(), 0.0));
      for (double& value : part) value /= norm;
    }
    return out;
  }

  std::vector<float> values_;
  std::filesystem::path base_;
};
INSTANTIATE_TEST_SUITE_P(, Unpacks, testing::ValuesIn(all_metrics), metric_test_name);

TEST_P(Unpacks, TheDecodedRowsAndTheirError) {
  const std::vector<double> original = given();
  for (const std::string& codec : codec_names()) {
    const Artifact artifact = packed({.metric = GetParam(), .codec = codec});
    for (const char* name : {"back.npy", "back.fvecs"}) {
      const auto report = unpack(artifact, at(name), base_);
      ASSERT_TRUE(report) << error_of(report);
      EXPECT_EQ(report->rows, rows);
      EXPECT_EQ(report->dims, dims);
      EXPECT_TRUE(report->compared);
      const auto back = read_vectors(at(name));
      ASSERT_TRUE(back) << error_of(back);
      std::vector<float> decoded(rows * dims);
      ATTAR_ASSERT_OK(artifact.decode(0, decoded));
      EXPECT_EQ(back->values, decoded);

      std::vector<double> mean(dims);
      for (std::size_t i = 0; i < original.size(); ++i) mean[i % dims] += original[i] / static_cast<double>(rows);
      double error = 0, spread = 0, cosines = 0;
      for (std::uint64_t row = 0; row < rows; ++row) {
        double product = 0, norm = 0, other = 0;
        for (std::uint32_t j = 0; j < dims; ++j) {
          const double x = original[row * dims + j], y = static_cast<double>(decoded[row * dims + j]);
          error += (x - y) * (x - y);
          spread += (x - mean[j]) * (x - mean[j]);
          product += x * y;
          norm += x * x;
          other += y * y;
        }
        cosines += product / std::sqrt(norm * other);
      }
      EXPECT_NEAR(report->relative_error, error / spread, 1e-6 + 1e-4 * error / spread) << codec;
      EXPECT_NEAR(report->mean_cosine, cosines / static_cast<double>(rows), 1e-6) << codec;
      EXPECT_LT(report->relative_error, 0.2) << codec;
    }
  }
}

TEST_P(Unpacks, ComparesWithKeptOriginalsOrNotAtAll) {
  const Artifact bare = packed({.metric = GetParam(), .codec = "lvq"});
  const auto alone = unpack(bare, at("back.npy"));
  ASSERT_TRUE(alone) << error_of(alone);
  EXPECT_FALSE(alone->compared);
  EXPECT_EQ(alone->relative_error, 0);
  const Artifact kept = packed({.metric = GetParam(), .codec = "rbin", .keep_originals = "f32"});
  const auto inside = unpack(kept, at("back.npy"));
  const auto outside = unpack(kept, at("back.npy"), base_);
  ASSERT_TRUE(inside && outside);
  EXPECT_TRUE(inside->compared);
  EXPECT_NEAR(inside->relative_error, outside->relative_error, 1e-9);
}

TEST_P(Unpacks, WritesNothingWhereItFails) {
  const Artifact artifact = packed({.metric = GetParam(), .codec = "f16"});
  put("back.npy", "what was there");
  expect_error(unpack(artifact, at("back.npy"), put_vectors("o.npy", clustered(3, dims, 1), dims)),
               ErrorCode::invalid_data, {"o.npy"});
  EXPECT_EQ(read_whole(at("back.npy")), "what was there");
  expect_error(unpack(artifact, at("back.txt")), ErrorCode::invalid_argument, {"back.txt"});
  expect_error(unpack(artifact, at("missing/back.npy")), ErrorCode::io, {"missing"});
  EXPECT_EQ(files(), (std::vector<std::string>{"a.attar", "back.npy", "base.npy", "o.npy"}));
}

}  // namespace
}  // namespace attar::engine
