// Models packed with texts at hand: the budget spares what texts show to matter, and the certificate says what a fresh
// look says.
#include <gtest/gtest.h>

#include <cmath>

#include "attar/model_certificate.h"
#include "base/random.h"
#include "certify/model_certificate.h"
#include "data/files.h"
#include "engine/tiny_model.h"

namespace attar {
namespace {

namespace fs = std::filesystem;

class PackModelTest : public data::DataTest {
 protected:
  void SetUp() override {
    DataTest::SetUp();
    write_tiny_model(directory_ / "tiny");
    put("texts.txt", texts(120, 4));
    put("fresh.txt", texts(90, 5));
  }

  static std::string texts(int count, std::uint64_t seed) {
    base::Random random(seed);
    std::string out;
    for (int i = 0; i < count; ++i) {
      for (int word = 0; word < 6; ++word) {
        for (int letter = 0; letter < 3; ++letter) out += static_cast<char>('a' + random.below(26));
        out += ' ';
      }
      out += "the cat.\n";
    }
    return out;
  }

  [[nodiscard]] fs::path at(const std::string& name) const { return directory_ / name; }

  [[nodiscard]] Result<PackModelReport> pack(double share, bool progressive = false) const {
    const auto bytes = static_cast<double>(fs::file_size(at("tiny/model.safetensors")));
    return pack_model(
        at("tiny/model.safetensors"), at("small.attar"), at("texts.txt"),
        {.pack = {.loss = {.budget = Budget{.value = share * bytes}, .progressive = progressive}, .threads = 2},
         .sensitivity = {.threads = 2}});
  }
};

TEST_F(PackModelTest, TheCertificateStandsInTheFileAndHoldsAnew) {
  const auto packed = pack(0.5);
  ASSERT_TRUE(packed) << packed.error().describe();
  const ModelCertificate& own = packed->certificate;
  EXPECT_LE(fs::file_size(at("small.attar")), packed->pack.budget_bytes);
  EXPECT_EQ(own.texts, 60u);
  EXPECT_EQ(packed->sensitivity.texts, 60u);
  EXPECT_GT(own.lost, 0);
  EXPECT_GE(own.upper_bound, own.lost);
  EXPECT_GT(own.predicted, 0);
  const auto artifact = TensorArtifact::open(at("small.attar"));
  ASSERT_TRUE(artifact) << artifact.error().describe();
  const auto verified = artifact->verify(2);
  ASSERT_TRUE(verified) << verified.error().describe();
  const TensorsInfo info = artifact->info();
  ASSERT_TRUE(info.certificate);
  EXPECT_EQ(*info.certificate, own);
  EXPECT_EQ(info.certificate->content_digest, info.content_digest);
  EXPECT_NEAR(info.weighed_error, own.predicted, 1e-12);

  const auto fresh = certify_model(at("small.attar"), at("tiny").string(), at("fresh.txt"));
  ASSERT_TRUE(fresh) << fresh.error().describe();
  EXPECT_EQ(fresh->texts, 90u);
  EXPECT_EQ(fresh->content_digest, own.content_digest);
  EXPECT_EQ(fresh->model_digest, own.model_digest);
  EXPECT_NE(fresh->texts_digest, own.texts_digest);
  EXPECT_NEAR(fresh->lost, own.lost, 0.5 * own.lost);
}

// A certificate is of the file that was measured: what is cut from it has none.
TEST_F(PackModelTest, ACertificateOfAProgressiveArtifactIsNotOneOfItsCuts) {
  const auto packed = pack(0.6, true);
  ASSERT_TRUE(packed) << packed.error().describe();
  EXPECT_LE(fs::file_size(at("small.attar")), packed->pack.budget_bytes);
  auto artifact = TensorArtifact::open(at("small.attar"));
  ASSERT_TRUE(artifact) << artifact.error().describe();
  const auto verified = artifact->verify(2);
  ASSERT_TRUE(verified) << verified.error().describe();
  const TensorsInfo info = artifact->info();
  ASSERT_TRUE(info.certificate);
  EXPECT_EQ(*info.certificate, packed->certificate);
  EXPECT_GT(info.refinements, 0u);
  EXPECT_NEAR(info.weighed_error, packed->pack.weighed_error, 1e-12);

  const Budget less{.value = static_cast<double>(info.bytes) - 6000};
  const auto cut = cut_tensors(at("small.attar"), at("cut.attar"), less);
  ASSERT_TRUE(cut) << cut.error().describe();
  EXPECT_LT(cut->refinements, cut->former_refinements);
  const auto smaller = TensorArtifact::open(at("cut.attar"));
  ASSERT_TRUE(smaller) << smaller.error().describe();
  EXPECT_FALSE(smaller->info().certificate);
  const auto in_memory = artifact->cut(less);
  ASSERT_TRUE(in_memory) << in_memory.error().describe();
  EXPECT_FALSE(artifact->info().certificate);
  EXPECT_EQ(artifact->info().bytes, fs::file_size(at("cut.attar")));
  const auto fresh = certify_model(at("cut.attar"), at("tiny").string(), at("fresh.txt"));
  ASSERT_TRUE(fresh) << fresh.error().describe();
  EXPECT_GT(fresh->lost, 0);
}

TEST_F(PackModelTest, AModelWithoutLossLosesNothing) {
  ASSERT_TRUE(pack_tensors(at("tiny/model.safetensors"), at("whole.attar")));
  const auto own = certify_model(at("whole.attar"), at("tiny").string(), at("fresh.txt"));
  ASSERT_TRUE(own) << own.error().describe();
  EXPECT_NEAR(own->lost, 0, 1e-6);
  EXPECT_EQ(own->predicted, 0);
}

TEST_F(PackModelTest, WhatCannotBeIsAnError) {
  const auto code = [](const auto& result) { return result ? ErrorCode::cancelled : result.error().code; };
  EXPECT_EQ(code(pack_model(at("tiny"), at("s.attar"), at("texts.txt"), {})), ErrorCode::invalid_argument);
  put("one.txt", "only this\nonly this\n");
  EXPECT_EQ(
      code(pack_model(at("tiny"), at("s.attar"), at("one.txt"), {.pack = {.loss = {.budget = Budget{.value = 1e5}}}})),
      ErrorCode::invalid_data);
  ASSERT_TRUE(pack(0.5));
  EXPECT_EQ(code(certify_model(at("small.attar"), at("tiny").string(), at("fresh.txt"), {.confidence = 1})),
            ErrorCode::invalid_argument);
  EXPECT_FALSE(certify_model(at("small.attar"), at("none").string(), at("fresh.txt")));
  EXPECT_FALSE(certify_model(at("none.attar"), at("tiny").string(), at("fresh.txt")));
}

TEST(ModelCertificateText, ComesBackAndOddOnesAreRefused) {
  ModelCertificate own{.texts = 3,
                       .lost = 0.25,
                       .upper_bound = 0.5,
                       .confidence = 0.9,
                       .predicted = 0.125,
                       .content_digest = "aa",
                       .texts_digest = "bb",
                       .model_digest = "cc",
                       .build = "b",
                       .scope = "s"};
  const std::string text = certify::to_json(own);
  EXPECT_LE(text.size(), certify::model_certificate_bytes);
  const auto back = certify::model_certificate_from_json(text);
  ASSERT_TRUE(back) << back.error().describe();
  EXPECT_EQ(*back, own);
  for (const char* odd : {"", "[]", "{}", "{\"format\": \"attar-model-certificate 2\"}"})
    EXPECT_FALSE(certify::model_certificate_from_json(odd)) << odd;
  std::string wrong = text;
  wrong.replace(wrong.find("0.25"), 4, "-0.2");
  EXPECT_FALSE(certify::model_certificate_from_json(wrong));
}

TEST(ModelCertificateBound, HoldsForMostDraws) {
  // The share of draws whose bound lies below the true mean is at most delta, and not by much.
  base::Random random(11);
  int wrong = 0;
  constexpr int draws = 400;
  for (int i = 0; i < draws; ++i) {
    std::vector<double> lost(120);
    for (double& own : lost) own = random.below(10) == 0 ? 0.4 * random.uniform() : 0.02 * random.uniform();
    const double mean = 0.1 * 0.2 + 0.9 * 0.01;
    const certify::LostBound bound = certify::bound_lost(lost, 0.1);
    EXPECT_GE(bound.upper, bound.mean);
    if (bound.upper < mean) ++wrong;
  }
  EXPECT_LE(wrong, draws / 10 + 18);  // three standard errors
}

}  // namespace
}  // namespace attar
