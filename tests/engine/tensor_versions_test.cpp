// Versions: an artifact against the one before it holds what changed alone, and needs that one to be read.
#include <fmt/format.h>

#include "attar/tensors.h"
#include "data/tensor_files.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
using data::MadeTensor;
using data::make_tensor;
using data::safetensors_file;
using data::TensorContent;

constexpr data::TensorTypeWidth single{"F32", 4}, brain{"BF16", 2};

class TensorVersions : public EngineTest {
 protected:
  // Three tensors, of which one moves a little with every version, one is new, and one stays.
  static std::vector<MadeTensor> version(unsigned number) {
    std::vector<MadeTensor> out = {make_tensor("still", single, {40, 64}, TensorContent::weights, 1),
                                   make_tensor("moves", single, {60, 96}, TensorContent::weights, 2),
                                   make_tensor("brain", brain, {50, 80}, TensorContent::weights, 3)};
    base::Random random(9);
    for (unsigned step = 1; step < number; ++step)
      for (std::size_t t : {1, 2}) {
        const std::size_t width = t == 1 ? 4 : 2;
        for (std::size_t i = 0; i < out[t].bytes.size(); i += width)
          if (random.below(2) == 0)
            out[t].bytes[i] = static_cast<char>(out[t].bytes[i] ^ static_cast<char>(random.below(4)));
      }
    if (number > 1)
      out.push_back(make_tensor(fmt::format("new{}", number), single, {30, 64}, TensorContent::weights, number + 20));
    return out;
  }

  PackTensorsReport packed(unsigned number, const fs::path& base, std::uint32_t most_depth = 8) const {
    const fs::path input = put(fmt::format("v{}.safetensors", number), safetensors_file(version(number)));
    const auto report = pack_tensors(input, at(fmt::format("v{}.attar", number)),
                                     {.block_bytes = 8192, .base = base, .most_depth = most_depth, .threads = 2});
    EXPECT_TRUE(report) << error_of(report);
    return report ? *report : PackTensorsReport{};
  }

  void expect_version(unsigned number) const {
    const auto artifact = TensorArtifact::open(at(fmt::format("v{}.attar", number)));
    ASSERT_TRUE(artifact) << error_of(artifact);
    ATTAR_ASSERT_OK(artifact->verify(2));
    const auto restored = artifact->restore(at("back"), 1);
    ASSERT_TRUE(restored) << error_of(restored);
    EXPECT_TRUE(read_whole(at("back")) == safetensors_file(version(number))) << number;
    const auto moves = artifact->find("moves");
    ASSERT_TRUE(moves);
    const auto bytes = artifact->read(*moves);
    ASSERT_TRUE(bytes) << error_of(bytes);
    EXPECT_TRUE(base::as_text(*bytes) == version(number)[1].bytes);
  }
};

TEST_F(TensorVersions, AChainHoldsWhatChangedAndComesBack) {
  const PackTensorsReport first = packed(1, {});
  EXPECT_EQ(first.depth, 0u);
  for (unsigned number = 2; number <= 4; ++number) {
    const PackTensorsReport report = packed(number, at(fmt::format("v{}.attar", number - 1)));
    EXPECT_EQ(report.depth, number - 1);
    EXPECT_EQ(report.base_tensors, 1u);
    EXPECT_EQ(report.delta_tensors, 2u);
    EXPECT_LT(report.bytes, first.bytes * 3 / 5);
  }
  for (unsigned number = 1; number <= 4; ++number) expect_version(number);
}

TEST_F(TensorVersions, ADeepChainBeginsAnew) {
  packed(1, {});
  EXPECT_EQ(packed(2, at("v1.attar"), 2).depth, 1u);
  EXPECT_EQ(packed(3, at("v2.attar"), 2).depth, 2u);
  const PackTensorsReport anchor = packed(4, at("v3.attar"), 2);
  EXPECT_EQ(anchor.depth, 0u);
  ASSERT_EQ(anchor.notes.size(), 1u);
  EXPECT_NE(anchor.notes[0].find("packed whole"), std::string::npos) << anchor.notes[0];
  fs::remove(at("v1.attar"));
  expect_version(4);
}

TEST_F(TensorVersions, AMissingBaseIsNamedByItsDigestAndOthersAreRefused) {
  packed(1, {});
  packed(2, at("v1.attar"));
  const std::string digest = TensorArtifact::open(at("v1.attar"))->info().content_digest;
  fs::create_directories(at("elsewhere"));
  fs::rename(at("v1.attar"), at("elsewhere") / "old.attar");
  const auto alone = TensorArtifact::open(at("v2.attar"));
  ASSERT_TRUE(alone) << error_of(alone);
  EXPECT_EQ(alone->info().base_digest, digest);
  EXPECT_TRUE(alone->read(*alone->find("new2")));
  const auto read = alone->read(*alone->find("moves"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(read.error().message.find(digest), std::string::npos) << read.error().message;
  EXPECT_FALSE(alone->restore(at("back"), 1));
  EXPECT_FALSE(fs::exists(at("back")));

  const auto given = TensorArtifact::open(at("v2.attar"), {}, at("elsewhere") / "old.attar");
  ASSERT_TRUE(given) << error_of(given);
  EXPECT_TRUE(given->read(*given->find("moves")));

  packed(3, {});
  const auto other = TensorArtifact::open(at("v2.attar"), {}, at("v3.attar"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(other.error().message.find(digest), std::string::npos) << other.error().message;
  EXPECT_FALSE(TensorArtifact::open(at("v3.attar"), {}, at("v2.attar")));
}

TEST_F(TensorVersions, ATensorOfAnotherShapeOrKindIsWhole) {
  packed(1, {});
  std::vector<MadeTensor> other = {make_tensor("moves", single, {60, 95}, TensorContent::weights, 2),
                                   make_tensor("brain", single, {50, 80}, TensorContent::weights, 3),
                                   make_tensor("renamed", single, {40, 64}, TensorContent::weights, 1)};
  const auto report = pack_tensors(put("other.safetensors", safetensors_file(other)), at("other.attar"),
                                   {.base = at("v1.attar"), .threads = 1});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->delta_tensors, 0u);
  EXPECT_EQ(report->base_tensors, 1u);
  const auto artifact = TensorArtifact::open(at("other.attar"));
  ASSERT_TRUE(artifact) << error_of(artifact);
  ASSERT_TRUE(artifact->restore(at("back"), 1));
  EXPECT_TRUE(read_whole(at("back")) == safetensors_file(other));
}

}  // namespace
}  // namespace attar::engine
