// Encoders out of artifacts: the same vectors and digests as of the folder that was packed.
#include <gtest/gtest.h>

#include "attar/documents.h"
#include "attar/tensors.h"
#include "base/file.h"
#include "data/files.h"
#include "engine/encoders.h"
#include "engine/tiny_model.h"

namespace attar {
namespace {

namespace fs = std::filesystem;

class ArtifactModelTest : public data::DataTest {
 protected:
  void SetUp() override {
    DataTest::SetUp();
    write_tiny_model(directory_ / "tiny");
  }

  [[nodiscard]] fs::path pack(const fs::path& input, const fs::path& output) const {
    const auto report = pack_tensors(input, output);
    EXPECT_TRUE(report) << report.error().describe();
    return output;
  }

  static std::vector<float> encode(const text::Encoder& encoder) {
    const std::vector<std::string_view> texts = {"the cat, the cat.", "a", "no token: \x01", "zebra zebra"};
    std::vector<float> out(texts.size() * encoder.info().dims);
    base::ThreadPool pool(2);
    EXPECT_TRUE(encoder.encode(texts, pool, out));
    return out;
  }

  static void expect_same(const std::string& one, const std::string& other, const std::string& name) {
    for (const char* precision : {"f32", "bf16", "int8", "int4", ""}) {
      const auto a = engine::open_encoder(one, precision), b = engine::open_encoder(other, precision);
      ASSERT_TRUE(a) << a.error().describe();
      ASSERT_TRUE(b) << b.error().describe();
      EXPECT_EQ((*a)->info().digest, (*b)->info().digest) << precision;
      EXPECT_EQ((*b)->info().name, name);
      EXPECT_EQ(encode(**a), encode(**b)) << precision;
    }
  }
};

TEST_F(ArtifactModelTest, AFolderPackedWholeIsTheFolder) {
  const fs::path artifact = pack(directory_ / "tiny", directory_ / "small.attar");
  expect_same((directory_ / "tiny").string(), artifact.string(), "small");
}

TEST_F(ArtifactModelTest, TheModelMayLieBelowTheTop) {
  fs::create_directories(directory_ / "package");
  fs::rename(directory_ / "tiny", directory_ / "package" / "model");
  data::DataTest::put("package/readme.txt", "about it");
  const fs::path artifact = pack(directory_ / "package", directory_ / "package.attar");
  expect_same((directory_ / "package" / "model").string(), artifact.string(), "package");
}

TEST_F(ArtifactModelTest, PackedWeightsMayStandInTheFolder) {
  fs::copy(directory_ / "tiny", directory_ / "other", fs::copy_options::recursive);
  const fs::path artifact = pack(directory_ / "other" / "model.safetensors", directory_ / "other" / "model.attar");
  fs::remove(directory_ / "other" / "model.safetensors");
  expect_same((directory_ / "tiny").string(), (directory_ / "other").string(), "other");
  expect_same((directory_ / "tiny").string(), artifact.string(), "other");
  // Weights under another name, the small files beside them.
  fs::rename(artifact, directory_ / "other" / "packed.attar");
  expect_same((directory_ / "tiny").string(), (directory_ / "other" / "packed.attar").string(), "packed");
}

TEST_F(ArtifactModelTest, WhatIsNoModelSaysWhatIs) {
  data::expect_error(engine::open_encoder((directory_ / "tiny" / "model.safetensors").string()),
                     ErrorCode::invalid_argument, {"model.safetensors", "attar pack FOLDER"});
  data::expect_error(engine::open_encoder((directory_ / "none").string()), ErrorCode::io, {"config.json"});
  data::expect_error(engine::open_encoder((directory_ / "tiny").string(), "int2"), ErrorCode::invalid_argument,
                     {"int2", "int4"});
  data::expect_error(engine::open_encoder("", "int4"), ErrorCode::invalid_argument, {"--encoder"});
  fs::remove(directory_ / "tiny" / "model.safetensors");
  const fs::path without = pack(directory_ / "tiny", directory_ / "without.attar");
  data::expect_error(engine::open_encoder(without.string()), ErrorCode::unsupported,
                     {"model.safetensors", "attar pack"});
}

TEST_F(ArtifactModelTest, FilesOfTheArtifactAreJudgedAsThoseOfAFolder) {
  const auto refused = [&](const std::string& name, const std::string& bytes, ErrorCode code,
                           std::initializer_list<std::string_view> words) {
    const std::string before =
        fs::exists(directory_ / "tiny" / name) ? data::read_whole(directory_ / "tiny" / name) : "";
    data::DataTest::put("tiny/" + name, bytes);
    const fs::path artifact = pack(directory_ / "tiny", directory_ / "refused.attar");
    data::expect_error(engine::open_encoder(artifact.string()), code, words);
    if (before.empty()) {
      fs::remove(directory_ / "tiny" / name);
    } else {
      data::DataTest::put("tiny/" + name, before);
    }
  };
  refused("config.json", "{}", ErrorCode::invalid_data, {"refused.attar:config.json", "hidden_size"});
  refused("config.json", std::string((1 << 20) + 1, ' '), ErrorCode::over_limit, {"refused.attar:config.json"});
  refused("vocab.txt", "a\nb\n", ErrorCode::invalid_data, {"[UNK]"});
  refused("modules.json", "[3]", ErrorCode::invalid_data, {"refused.attar:modules.json", "type"});
  // Fewer tensors than the model has.
  refused("model.safetensors", nn::safetensors_bytes({{"w", {.shape = {1}, .values = {1.0f}}}}),
          ErrorCode::invalid_data, {"refused.attar", "lacks the tensor"});
}

TEST_F(ArtifactModelTest, DamageIsAnError) {
  const fs::path artifact = pack(directory_ / "tiny", directory_ / "small.attar");
  const std::string sound = data::read_whole(artifact);
  base::Random random(9);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bytes = sound;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    const fs::path damaged = put("damaged.attar", bytes);
    const auto encoder = engine::open_encoder(damaged.string());
    // What the model does not need may be damaged: padding, and the checksums of nothing.
    if (encoder) continue;
    ++refused;
    EXPECT_FALSE(encoder.error().message.empty());
  }
  EXPECT_GT(refused, 50);
}

TEST_F(ArtifactModelTest, EmbeddingTakesArtifactsAndPrecisions) {
  const fs::path artifact = pack(directory_ / "tiny", directory_ / "small.attar");
  const fs::path texts = put("texts.txt", "the cat\na cat, a cat\n");
  std::vector<std::vector<float>> found;
  for (const char* precision : {"f32", "int8", "int4", ""}) {
    const auto report =
        embed(texts, directory_ / "out.npy", {.encoder = artifact.string(), .precision = precision, .threads = 1});
    ASSERT_TRUE(report) << report.error().describe();
    EXPECT_EQ(report->encoder, "small");
    found.push_back(data::read_file(directory_ / "out.npy").value());
  }
  EXPECT_NE(found[0], found[2]);
  EXPECT_EQ(found[1], found[3]) << "int8 unless another is named";
  for (const auto& vectors : found) {
    double product = 0;
    for (std::size_t d = 0; d < 42; ++d) product += double{found[0][d]} * double{vectors[d]};
    EXPECT_GT(product, 0.97);
  }
}

}  // namespace
}  // namespace attar
