// Sensitivity of a small model's tensors: what it promises, and what adding them up says.
#include "attar/sensitivity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "attar/tensors.h"
#include "base/random.h"
#include "data/files.h"
#include "engine/encoders.h"
#include "engine/tiny_model.h"

namespace attar {
namespace {

class SensitivityTest : public data::DataTest {
 protected:
  void SetUp() override {
    DataTest::SetUp();
    write_tiny_model(directory_ / "tiny");
    base::Random random(4);
    std::string texts;
    for (int i = 0; i < 40; ++i) {
      for (int word = 0; word < 6; ++word) {
        for (int letter = 0; letter < 3; ++letter) texts += static_cast<char>('a' + random.below(26));
        texts += ' ';
      }
      texts += "the cat.\n";
    }
    put("texts.txt", texts);
  }

  Result<SensitivityReport> measure(const SensitivityOptions& options = {}, const std::string& model = "tiny") const {
    return measure_sensitivity((directory_ / model).string(), directory_ / "texts.txt", options);
  }
};

TEST_F(SensitivityTest, NamesEveryMatrixOnce) {
  const auto report = measure();
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_EQ(report->texts, 40u);
  EXPECT_EQ(report->noise, 0.01);
  std::set<std::string> expected, found;
  const nn::TinyWeights weights(nn::tiny_config());
  for (const auto& [name, tensor] : weights.tensors())
    if (tensor.shape.size() == 2) expected.insert(name);
  for (const TensorSensitivity& tensor : report->tensors) {
    EXPECT_TRUE(found.insert(tensor.name).second);
    EXPECT_GT(tensor.alpha, 0) << tensor.name;
    EXPECT_LT(tensor.alpha, 10) << tensor.name;
    EXPECT_EQ(tensor.rows, weights.tensors().at(tensor.name).shape[0]);
    EXPECT_EQ(tensor.columns, weights.tensors().at(tensor.name).shape[1]);
  }
  EXPECT_EQ(found, expected);
}

TEST_F(SensitivityTest, IsTheSameForAnyThreadsAndFromAnArtifact) {
  ASSERT_TRUE(pack_tensors(directory_ / "tiny", directory_ / "tiny.attar"));
  const auto one = measure({.threads = 1}), three = measure({.threads = 3}), packed = measure({}, "tiny.attar");
  const auto other = measure({.seed = 2});
  ASSERT_TRUE(one && three && packed && other);
  EXPECT_EQ(one->digest, packed->digest);
  ASSERT_EQ(one->tensors.size(), packed->tensors.size());
  for (std::size_t i = 0; i < one->tensors.size(); ++i) {
    EXPECT_EQ(one->tensors[i].alpha, three->tensors[i].alpha);
    EXPECT_EQ(one->tensors[i].alpha, packed->tensors[i].alpha);
    EXPECT_NE(one->tensors[i].alpha, other->tensors[i].alpha);
    EXPECT_NEAR(one->tensors[i].alpha, other->tensors[i].alpha, 0.8 * one->tensors[i].alpha);
  }
}

// Noise on all tensors at once costs what the tensors' own shares say, in the small.
TEST_F(SensitivityTest, SumsOfSharesSayWhatAllTogetherCost) {
  const auto report = measure();
  ASSERT_TRUE(report);
  const double share = 0.002;
  double expected = 0;
  nn::TinyWeights noisy(nn::tiny_config());
  base::Random random(8);
  for (const TensorSensitivity& tensor : report->tensors) {
    expected += share * tensor.alpha;
    std::vector<float>& values = noisy.tensors().at(tensor.name).values;
    double squares = 0;
    for (const float value : values) squares += double{value} * double{value};
    const double size = std::sqrt(share * squares / static_cast<double>(values.size()));
    for (float& value : values) value += static_cast<float>(size * random.normal());
  }
  write_tiny_model(directory_ / "noisy");
  nn::write_file(directory_ / "noisy" / "model.safetensors", nn::safetensors_bytes(noisy.tensors()));
  const auto plain = engine::open_encoder((directory_ / "tiny").string(), "f32"),
             changed = engine::open_encoder((directory_ / "noisy").string(), "f32");
  ASSERT_TRUE(plain && changed);
  const std::string all = data::read_whole(directory_ / "texts.txt");
  std::vector<std::string_view> texts;
  for (std::string_view rest = all; !rest.empty(); rest.remove_prefix(texts.back().size() + 1))
    texts.push_back(rest.substr(0, rest.find('\n')));
  base::ThreadPool pool(1);
  std::vector<float> one(texts.size() * 42), other(one.size());
  ASSERT_TRUE((*plain)->encode(texts, pool, one) && (*changed)->encode(texts, pool, other));
  double lost = static_cast<double>(texts.size());
  for (std::size_t i = 0; i < one.size(); ++i) lost -= double{one[i]} * double{other[i]};
  lost /= static_cast<double>(texts.size());
  EXPECT_GT(lost, expected / 2);
  EXPECT_LT(lost, expected * 2);
}

TEST_F(SensitivityTest, IsSavedAsJson) {
  const auto report = measure({.noise = 0.02, .seed = 5});
  ASSERT_TRUE(report);
  ASSERT_TRUE(save_sensitivity(*report, directory_ / "alpha.json"));
  const auto json = nlohmann::json::parse(data::read_whole(directory_ / "alpha.json"));
  EXPECT_EQ(json["format"], "attar-sensitivity 1");
  EXPECT_EQ(json["texts"], 40);
  EXPECT_EQ(json["noise"], 0.02);
  EXPECT_EQ(json["seed"], 5);
  EXPECT_EQ(json["digest"], report->digest);
  EXPECT_EQ(json["tensors"].size(), report->tensors.size());
  for (const TensorSensitivity& tensor : report->tensors)
    EXPECT_EQ(json["tensors"][tensor.name].get<double>(), tensor.alpha);
}

TEST_F(SensitivityTest, AMatrixOfZerosCountsLeast) {
  nn::TinyWeights weights(nn::tiny_config());
  std::ranges::fill(weights.tensors().at("encoder.layer.1.output.dense.weight").values, 0.0f);
  nn::write_file(directory_ / "tiny" / "model.safetensors", nn::safetensors_bytes(weights.tensors()));
  const auto report = measure();
  ASSERT_TRUE(report) << report.error().describe();
  std::map<std::string, double> found;
  for (const TensorSensitivity& tensor : report->tensors) found[tensor.name] = tensor.alpha;
  EXPECT_EQ(found.at("encoder.layer.1.output.dense.weight"), 1e-6);
  EXPECT_EQ(found.at("encoder.layer.1.intermediate.dense.weight"), 1e-6) << "all that it makes is multiplied by zeros";
  EXPECT_GT(found.at("encoder.layer.0.output.dense.weight"), 1e-3);
}

TEST_F(SensitivityTest, TextsWithoutTokensAreLeftOut) {
  put("some.txt", "\x01\nthe cat\n");
  const auto some = measure_sensitivity((directory_ / "tiny").string(), directory_ / "some.txt");
  ASSERT_TRUE(some) << some.error().describe();
  EXPECT_EQ(some->texts, 1u);
  put("none.txt", "\x01\n");
  data::expect_error(measure_sensitivity((directory_ / "tiny").string(), directory_ / "none.txt"),
                     ErrorCode::invalid_data, {"none.txt", "token"});
  data::expect_error(measure({.noise = 0}), ErrorCode::invalid_argument, {"noise is 0"});
  data::expect_error(measure({}, "absent"), ErrorCode::io, {"absent"});
}

}  // namespace
}  // namespace attar
