// A small random model against the formulas of BERT in double precision, and what a hostile file may hold.
#include "nn/bert.h"

#include <gtest/gtest.h>

#include "data/files.h"
#include "nn/tiny_bert.h"

namespace attar::nn {
namespace {

using Texts = std::vector<std::vector<std::uint32_t>>;

class BertTest : public data::DataTest {
 protected:
  Result<Bert> make(const Tensors& tensors, Precision precision, simd::Level level = simd::best_level()) {
    ATTAR_ASSIGN(auto file,
                 SafetensorsWeights::open(put("model-" + std::to_string(++files_), safetensors_bytes(tensors))));
    return Bert::make(tiny_config(), std::move(file), linear_maker(precision, level), level);
  }

 private:
  int files_ = 0;
};

Texts some_texts() {
  base::Random random(5);
  Texts out;
  for (const std::size_t length : {3, 1, 90, 17, 64, 2, 33, 65, 16}) {
    auto& ids = out.emplace_back();
    for (std::size_t i = 0; i < length; ++i) ids.push_back(static_cast<std::uint32_t>(random.below(60)));
  }
  return out;
}

std::vector<float> forward(const Bert& model, const Texts& texts) {
  std::vector<std::uint32_t> ids;
  std::vector<std::size_t> ends;
  for (const auto& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    ends.push_back(ids.size());
  }
  std::vector<float> out(ids.size() * model.config().hidden_size);
  BertScratch scratch;
  model.forward({.ids = ids, .ends = ends}, scratch, out);
  return out;
}

// The largest difference to the plain formulas, and the mean square of differences by that of the values.
struct Difference {
  double largest = 0, share = 0;
};

Difference difference(const std::vector<float>& found, const Tensors& tensors, const Texts& texts) {
  const PlainBert plain(tiny_config(), tensors);
  Difference out;
  double wrong = 0, whole = 0;
  std::size_t at = 0;
  for (const auto& text : texts)
    for (const auto& row : plain.run(text))
      for (const double value : row) {
        const double left = double{found[at++]} - value;
        out.largest = std::max(out.largest, std::fabs(left));
        wrong += left * left;
        whole += value * value;
      }
  out.share = wrong / whole;
  return out;
}

TEST_F(BertTest, FollowsTheFormulas) {
  const TinyWeights weights(tiny_config());
  const auto model = make(weights.tensors(), Precision::f32);
  ASSERT_TRUE(model) << model.error().describe();
  const Texts texts = some_texts();
  EXPECT_LT(difference(forward(*model, texts), weights.tensors(), texts).largest, 3e-5);
}

TEST_F(BertTest, LowerPrecisionsStayNear) {
  const TinyWeights weights(tiny_config());
  const Texts texts = some_texts();
  const auto bf16 = make(weights.tensors(), Precision::bf16), int8 = make(weights.tensors(), Precision::int8);
  ASSERT_TRUE(bf16 && int8);
  const double of_bf16 = difference(forward(*bf16, texts), weights.tensors(), texts).share;
  const double of_int8 = difference(forward(*int8, texts), weights.tensors(), texts).share;
  EXPECT_LT(of_bf16, 1e-4);
  EXPECT_LT(of_int8, 2e-3);
  EXPECT_GT(of_int8, of_bf16);
  const auto int4 = make(weights.tensors(), Precision::int4);
  ASSERT_TRUE(int4);
  const double of_int4 = difference(forward(*int4, texts), weights.tensors(), texts).share;
  EXPECT_LT(of_int4, 0.06);
  EXPECT_GT(of_int4, of_int8);
}

TEST_F(BertTest, NeitherBatchNorLevelChangesABit) {
  const TinyWeights weights(tiny_config());
  const Texts texts = some_texts();
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8, Precision::int4}) {
    const auto model = make(weights.tensors(), precision);
    ASSERT_TRUE(model);
    const auto all = forward(*model, texts);
    std::vector<float> one_by_one;
    for (const auto& text : texts) {
      const auto rows = forward(*model, {text});
      one_by_one.insert(one_by_one.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(all, one_by_one) << precision_name(precision);
    for (int level = 0; level < static_cast<int>(simd::best_level()); ++level) {
      const auto other = make(weights.tensors(), precision, static_cast<simd::Level>(level));
      ASSERT_TRUE(other);
      EXPECT_EQ(forward(*other, texts), all) << precision_name(precision) << " " << level;
    }
  }
}

TEST_F(BertTest, NamesMayBeginWithBert) {
  const TinyWeights plain(tiny_config()), prefixed(tiny_config(), 7, "bert.");
  const auto one = make(plain.tensors(), Precision::f32), other = make(prefixed.tensors(), Precision::f32);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(forward(*one, some_texts()), forward(*other, some_texts()));
}

TEST_F(BertTest, DigestTellsWeightsApart) {
  TinyWeights weights(tiny_config());
  const auto one = make(weights.tensors(), Precision::f32), same = make(weights.tensors(), Precision::int8);
  weights.tensors()["unused"] = {{1}, {1.0f}};
  const auto with_more = make(weights.tensors(), Precision::f32);
  weights.tensors()["encoder.layer.1.output.dense.bias"].values[4] += 1e-3f;
  const auto changed = make(weights.tensors(), Precision::f32);
  ASSERT_TRUE(one && same && with_more && changed);
  EXPECT_EQ(one->weights_digest(), same->weights_digest());
  EXPECT_EQ(one->weights_digest(), with_more->weights_digest()) << "of what the model uses";
  EXPECT_NE(one->weights_digest(), changed->weights_digest());
}

TEST_F(BertTest, RefusesWhatIsMissingOrOdd) {
  const TinyWeights sound(tiny_config());
  for (const auto& [name, tensor] : sound.tensors()) {
    Tensors tensors = sound.tensors();
    tensors.erase(name);
    // Without word embeddings all names are sought with the prefix.
    data::expect_error(make(tensors, Precision::f32), ErrorCode::invalid_data, {"lacks the tensor", name});
    tensors = sound.tensors();
    tensors[name].shape.push_back(1);
    data::expect_error(make(tensors, Precision::f32), ErrorCode::invalid_data, {"has the shape", name});
    tensors = sound.tensors();
    tensors[name].values.back() = std::numeric_limits<float>::quiet_NaN();
    data::expect_error(make(tensors, Precision::f32), ErrorCode::invalid_data, {"not finite", name});
  }
}

TEST(BertConfig, IsReadAndChecked) {
  const std::string sound = config_json(tiny_config());
  const auto config = parse_bert_config(sound);
  ASSERT_TRUE(config) << config.error().describe();
  EXPECT_EQ(*config, tiny_config());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = sound;
    text.replace(text.find(from), from.size(), to);
    return parse_bert_config(text);
  };
  data::expect_error(with("\"gelu\"", "\"relu\""), ErrorCode::unsupported, {"hidden_act", "'relu'"});
  data::expect_error(with("\"bert\"", "\"mpnet\""), ErrorCode::unsupported, {"model_type"});
  data::expect_error(with("\"hidden_size\": 42", "\"hidden_size\": 43"), ErrorCode::invalid_data, {"heads"});
  data::expect_error(with("\"hidden_size\": 42", "\"hidden_size\": 4200000"), ErrorCode::over_limit, {"hidden_size"});
  data::expect_error(with("\"hidden_size\": 42", "\"hidden_size\": -42"), ErrorCode::invalid_data, {"hidden_size"});
  data::expect_error(with("\"vocab_size\": 60", "\"vocab\": 60"), ErrorCode::invalid_data, {"vocab_size"});
  data::expect_error(with("1e-12", "0"), ErrorCode::over_limit, {"layer_norm_eps"});
  data::expect_error(with("1e-12", "\"a\""), ErrorCode::invalid_data, {"layer_norm_eps"});
  data::expect_error(with("{", "{\"position_embedding_type\": \"relative_key\", "), ErrorCode::unsupported,
                     {"position"});
  data::expect_error(parse_bert_config("[]"), ErrorCode::invalid_data, {"JSON"});
  data::expect_error(parse_bert_config(""), ErrorCode::invalid_data, {"JSON"});
}

}  // namespace
}  // namespace attar::nn
