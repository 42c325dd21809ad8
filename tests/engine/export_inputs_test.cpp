// What may be exported as GGUF: files of every format and type, their metadata, and what is refused.
#include <cmath>
#include <limits>

#include "attar/export.h"
#include "attar/tensors.h"
#include "base/half.h"
#include "data/gguf_write.h"
#include "data/tensor_files.h"
#include "engine/support.h"
#include "tensor/ggml/rows.h"

namespace attar::engine {
namespace {

using data::Gguf;
using data::MadeTensor;
using data::make_tensor;
using data::TensorContent;

namespace ggml = tensor::ggml;

class ExportInputs : public EngineTest {
 protected:
  Result<ExportGgufReport> run(const std::filesystem::path& input, const ExportGgufOptions& options = {.type = "F32"}) {
    return export_gguf(input, at("out.gguf"), options);
  }
  std::filesystem::path put_tensors(const std::vector<MadeTensor>& tensors) const {
    return put("model.safetensors", data::safetensors_file(tensors));
  }
  const Gguf& written() {
    file_ = read_whole(at("out.gguf"));
    auto parsed = data::parse_gguf(std::as_bytes(std::span(file_)));
    EXPECT_TRUE(parsed) << error_of(parsed);
    content_ = *std::move(parsed);
    return content_;
  }
  template <class T>
  std::vector<T> numbers(const char* name) {
    const data::GgufTensor& tensor = *content_.tensor(name);
    std::vector<T> out(tensor.bytes.size() / sizeof(T));
    std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
    return out;
  }
  template <class T>
  static MadeTensor tensor_of(const char* name, const char* type, std::vector<std::uint64_t> shape,
                              const std::vector<T>& values) {
    MadeTensor out{.name = name, .type = type, .shape = std::move(shape)};
    out.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    return out;
  }

  std::string file_;
  Gguf content_;
};

TEST_F(ExportInputs, FloatsOfAnyWidthBecomeTheSameNumbers) {
  std::vector<float> values;
  for (int i = 0; i < 8; ++i) values.insert(values.end(), {0, 1, -2, 0.5f, 448, -0.0625f});
  std::vector<std::uint16_t> half, bf16;
  std::vector<std::uint8_t> e4m3, e5m2;
  std::vector<double> wide;
  for (const float v : values) {
    half.push_back(base::float_to_half(v));
    bf16.push_back(base::float_to_bf16(v));
    e4m3.push_back(base::float_to_e4m3(v));
    e5m2.push_back(static_cast<std::uint8_t>(base::float_to_half(v) >> 8));
    wide.push_back(static_cast<double>(v));
  }
  const auto input =
      put_tensors({tensor_of("half", "F16", {16, 3}, half), tensor_of("bf16", "BF16", {16, 3}, bf16),
                   tensor_of("e4m3", "F8_E4M3", {16, 3}, e4m3), tensor_of("e5m2", "F8_E5M2", {16, 3}, e5m2),
                   tensor_of("wide", "F64", {16, 3}, wide), tensor_of("vector", "F16", {48}, half)});
  ASSERT_TRUE(run(input));
  written();
  for (const char* name : {"half", "bf16", "e4m3", "wide", "vector"}) EXPECT_EQ(numbers<float>(name), values) << name;
  EXPECT_EQ(numbers<float>("e5m2")[2], -2);
  // Types that hold the numbers as they are cost nothing: the smaller of them is taken.
  const auto report = run(input, {.budget = Budget{.value = 1e6, .unit = Budget::Unit::bytes}});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->predicted, 0);
  EXPECT_EQ(written().tensor("half")->known->name, "F16");
  EXPECT_EQ(numbers<std::uint16_t>("half"), half);
  EXPECT_EQ(content_.tensor("bf16")->known->bytes, 2u);
}

TEST_F(ExportInputs, WholeNumbersStayOrBecomeTheNextWider) {
  const auto input = put_tensors({tensor_of<std::int8_t>("i8", "I8", {3}, {-128, 0, 127}),
                                  tensor_of<std::int64_t>("i64", "I64", {2, 1}, {-5, 1ll << 60}),
                                  tensor_of<std::uint8_t>("u8", "U8", {3}, {0, 128, 255}),
                                  tensor_of<std::uint16_t>("u16", "U16", {2}, {1, 65535}),
                                  tensor_of<std::uint32_t>("u32", "U32", {2}, {1, 4'294'967'295u}),
                                  tensor_of<std::uint8_t>("truth", "BOOL", {2}, {0, 1})});
  ASSERT_TRUE(run(input));
  written();
  EXPECT_EQ(numbers<std::int8_t>("i8"), (std::vector<std::int8_t>{-128, 0, 127}));
  EXPECT_EQ(numbers<std::int64_t>("i64"), (std::vector<std::int64_t>{-5, 1ll << 60}));
  EXPECT_EQ(numbers<std::int16_t>("u8"), (std::vector<std::int16_t>{0, 128, 255}));
  EXPECT_EQ(numbers<std::int32_t>("u16"), (std::vector<std::int32_t>{1, 65535}));
  EXPECT_EQ(numbers<std::int64_t>("u32"), (std::vector<std::int64_t>{1, 4'294'967'295}));
  EXPECT_EQ(numbers<std::int8_t>("truth"), (std::vector<std::int8_t>{0, 1}));
  EXPECT_EQ(content_.tensor("i64")->shape, (std::vector<std::uint64_t>{2, 1}));
  expect_error(run(put_tensors({tensor_of<std::uint64_t>("u64", "U64", {1}, {1})})), ErrorCode::unsupported,
               {"u64", "I64"});
}

TEST_F(ExportInputs, EmptyTensorsAndSinglesAreThere) {
  const auto input =
      put_tensors({tensor_of<float>("none", "F32", {0, 32}, {}), tensor_of<float>("one", "F32", {}, {3})});
  for (const char* type : {"Q8_0", "F32"}) {
    ASSERT_TRUE(run(input, {.type = type}));
    written();
    EXPECT_EQ(content_.tensor("none")->shape, (std::vector<std::uint64_t>{0, 32}));
    EXPECT_EQ(numbers<float>("one"), std::vector<float>{3});
  }
  EXPECT_TRUE(run(input, {.budget = Budget{.value = 4096, .unit = Budget::Unit::bytes}}));
}

TEST_F(ExportInputs, AnArrayIsATensorOfItsName) {
  const std::vector<float> values = clustered(20, 32, 1);
  ASSERT_TRUE(run(put_vectors("words.npy", values, 32), {.type = "Q8_0"}));
  EXPECT_EQ(written().tensors[0].name, "words");
  EXPECT_EQ(content_.tensors[0].shape, (std::vector<std::uint64_t>{20, 32}));
  EXPECT_EQ(content_.find("general.name")->text(), "words");
}

// A GGUF file with metadata of many kinds, an alignment of its own and blocks.
class ExportOfGguf : public ExportInputs {
 protected:
  void SetUp() override {
    ExportInputs::SetUp();
    values_ = clustered(8, 256, 3);
    const ggml::BlockType& q8 = *ggml::find_block_type(8);
    blocks_.resize(*ggml::row_bytes(q8, values_.size()));
    ASSERT_TRUE(ggml::quantize(q8, values_, 256, {}, blocks_));
    data::GgufMetadata metadata;
    metadata.add_text("general.architecture", "bert");
    metadata.add_u32("general.file_type", 7);
    metadata.add_u32("general.alignment", 64);
    metadata.add_texts("tokenizer.ggml.tokens", std::vector<std::string>{"a", "", "b"});
    metadata.add_f32s("scores", std::vector<float>{0.5f, -1});
    base::MemorySink sink;
    auto writer = data::GgufWriter::create(sink, metadata,
                                           {{.name = "blocks", .type = 8, .shape = {8, 256}},
                                            {.name = "strange", .type = 10, .shape = {1, 256}},
                                            {.name = "norm", .type = 1, .shape = {3}}});
    ASSERT_TRUE(writer);
    ATTAR_ASSERT_OK(writer->append(blocks_));
    ATTAR_ASSERT_OK(writer->append(std::vector<std::byte>(84, std::byte{7})));
    ATTAR_ASSERT_OK(writer->append(std::vector<std::byte>(6)));
    ATTAR_ASSERT_OK(writer->finish());
    put("in.gguf", base::as_text(sink.bytes()));
  }
  std::vector<float> values_;
  std::vector<std::byte> blocks_;
};

TEST_F(ExportOfGguf, KeepsItsMetadata) {
  for (const char* input : {"in.gguf", "packed/in.attar"}) {
    if (std::string_view(input) != "in.gguf") {
      std::filesystem::create_directories(at("packed"));
      ASSERT_TRUE(pack_tensors(at("in.gguf"), at(input)));
    }
    const auto report = run(at(input), {.type = "Q4_K", .metadata = {{"scores", "none"}, {"general.license", "mit"}}});
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_EQ(report->architecture, "bert");
    const Gguf& out = written();
    EXPECT_EQ(out.alignment, 64u);
    EXPECT_EQ(out.architecture(), "bert");
    EXPECT_EQ(out.find("tokenizer.ggml.tokens")->texts()->size(), 3u);
    EXPECT_EQ(out.find("general.file_type")->whole(), 14);
    EXPECT_EQ(out.find("general.quantization_version")->whole(), 2);
    EXPECT_EQ(out.find("scores")->text(), "none");
    EXPECT_EQ(out.find("general.license")->text(), "mit");
    EXPECT_EQ(out.tensor("blocks")->known->name, "Q4_K");
    // Blocks that are not understood stay as they are.
    EXPECT_EQ(out.tensor("strange")->known->name, "Q2_K");
    EXPECT_TRUE(std::ranges::equal(out.tensor("strange")->bytes, std::vector<std::byte>(84, std::byte{7})));
    EXPECT_EQ(out.tensor("norm")->known->name, "F32");
    EXPECT_EQ(run(at(input), {.type = "F32", .architecture = "own"})->architecture, "own");
    EXPECT_EQ(written().architecture(), "own");
  }
}

TEST_F(ExportOfGguf, BlocksOfTheSameTypeAreNotTouched) {
  const auto same = run(at("in.gguf"), {.type = "Q8_0"});
  ASSERT_TRUE(same) << error_of(same);
  EXPECT_EQ(same->error, 0);
  EXPECT_TRUE(std::ranges::equal(written().tensor("blocks")->bytes, blocks_));
  const auto best = run(at("in.gguf"), {.budget = Budget{.value = 1e6, .unit = Budget::Unit::bytes}});
  ASSERT_TRUE(best);
  EXPECT_EQ(best->tensors[0].type, "Q8_0");
  // Others are made of the numbers that the blocks stand for.
  std::vector<float> back(values_.size());
  ASSERT_TRUE(ggml::dequantize(*ggml::find_block_type(8), blocks_, back));
  ASSERT_TRUE(run(at("in.gguf")));
  written();
  EXPECT_EQ(numbers<float>("blocks"), back);
}

TEST_F(ExportInputs, TheArchitectureIsThatOfTheConfigBesideIt) {
  const auto input = put_tensors({make_tensor("w", {"F32", 4}, {4, 32}, TensorContent::weights, 1)});
  EXPECT_EQ(run(input)->architecture, "unknown");
  put("config.json", R"({"model_type": "bert", "layers": 2})");
  EXPECT_EQ(run(input)->architecture, "bert");
  EXPECT_EQ(written().architecture(), "bert");
  for (const char* broken : {"{", R"({"model_type": 7})", "[]", R"({"model_type": ""})"}) {
    put("config.json", broken);
    EXPECT_EQ(run(input)->architecture, "unknown") << broken;
  }
}

TEST_F(ExportInputs, AFolderOfPartsIsOneModel) {
  std::filesystem::create_directories(at("model"));
  put("model/a.safetensors",
      data::safetensors_file({make_tensor("a", {"F32", 4}, {4, 32}, TensorContent::weights, 1)}));
  put("model/b.safetensors",
      data::safetensors_file({make_tensor("b", {"F32", 4}, {4, 32}, TensorContent::weights, 2)}));
  put("model/config.json", R"({"model_type": "llama"})");
  put("model/tokenizer.txt", "words");
  put("model/broken.safetensors", std::string("\x08\0\0\0\0\0\0\0{broken}", 16));
  for (const bool packed : {false, true}) {
    if (packed) {
      ASSERT_TRUE(pack_tensors(at("model"), at("model.attar")));
    }
    const auto report = run(packed ? at("model.attar") : at("model"), {.type = "Q8_0"});
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_EQ(report->architecture, "llama");
    EXPECT_EQ(report->tensors.size(), 2u);
    ASSERT_EQ(report->notes.size(), 1u);
    EXPECT_NE(report->notes[0].find("broken.safetensors"), std::string::npos);
    EXPECT_EQ(written().find("general.name")->text(), "model");
  }
  put("model/c.safetensors",
      data::safetensors_file({make_tensor("b", {"F32", 4}, {4, 32}, TensorContent::weights, 3)}));
  expect_error(run(at("model")), ErrorCode::invalid_argument, {"'b'", "twice"});
}

TEST_F(ExportInputs, WhatCannotBeHeldIsSaid) {
  const float infinite = std::numeric_limits<float>::infinity(), none = std::numeric_limits<float>::quiet_NaN();
  for (const float odd : {none, infinite, 1e6f}) {
    std::vector<float> values = clustered(4, 64, 2);
    values[70] = odd;
    const auto input = put_tensors({tensor_of("w", "F32", {4, 64}, values)});
    expect_error(run(input, {.type = "Q8_0"}), ErrorCode::invalid_data, {"'w'", "Q8_0 cannot hold", "w=F32"});
    EXPECT_EQ(files(), std::vector<std::string>{"model.safetensors"});
    // With a choice, such types are none.
    const auto report = run(input, {.budget = Budget{.value = 4096, .unit = Budget::Unit::bytes}});
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_TRUE(std::isfinite(report->error) && std::isfinite(report->predicted));
    EXPECT_TRUE(report->tensors[0].type == "F32" || report->tensors[0].type == "BF16");
    std::filesystem::remove(at("out.gguf"));
  }
}

TEST_F(ExportInputs, WhatIsNoModelIsRefused) {
  expect_error(run(put("notes.txt", "no model")), ErrorCode::invalid_data, {"notes.txt"});
  expect_error(run(at("none.safetensors")), ErrorCode::io);
  expect_error(run(put("broken.safetensors", std::string("\x08\0\0\0\0\0\0\0{broken}", 16))), ErrorCode::invalid_data,
               {"taken as bytes"});
  expect_error(run(put("damaged.attar", std::string("\x89"
                                                    "ATR damaged"))),
               ErrorCode::corrupt);
  const auto input = put_tensors({make_tensor("w", {"F32", 4}, {1, 1, 1, 1, 32}, TensorContent::weights, 1)});
  expect_error(run(input), ErrorCode::over_limit, {"5 axes"});
  const auto good = put_tensors({make_tensor("w", {"F32", 4}, {4, 32}, TensorContent::weights, 1)});
  expect_error(run(good, {.type = "F32", .base = at("x.attar")}), ErrorCode::invalid_argument, {"base"});
  const auto with = [&](const char* key, const char* value) {
    return run(good, {.type = "F32", .metadata = {{key, value}}});
  };
  expect_error(with("general.file_type", "1"), ErrorCode::invalid_argument, {"not to be given"});
  expect_error(with("general.alignment", "1"), ErrorCode::invalid_argument);
  expect_error(with("", "1"), ErrorCode::invalid_argument);
  expect_error(with("a", "\xff"), ErrorCode::invalid_argument, {"UTF-8"});
  expect_error(run(good, {.type = "F32", .metadata = {{"a", "1"}, {"a", "2"}}}), ErrorCode::invalid_argument,
               {"twice"});
  expect_error(run(good, {.budget = Budget{.value = 64, .unit = Budget::Unit::bytes_per_vector}}),
               ErrorCode::invalid_argument, {"4.5bit"});
  EXPECT_FALSE(std::filesystem::exists(at("out.gguf")));
}

TEST_F(ExportInputs, BudgetsCountBitsAndPercent) {
  const auto input = put_tensors({make_tensor("w", {"F32", 4}, {100, 256}, TensorContent::weights, 1)});
  const auto bits = run(input, {.budget = Budget{.value = 6, .unit = Budget::Unit::bits_per_value}});
  ASSERT_TRUE(bits) << error_of(bits);
  EXPECT_EQ(bits->budget, 25'600u * 6 / 8);
  const auto percent = run(input, {.budget = Budget{.value = 25, .unit = Budget::Unit::percent}});
  ASSERT_TRUE(percent) << error_of(percent);
  EXPECT_EQ(percent->budget, 25'600u);
  EXPECT_LE(percent->bytes, 25'600u);
}

// Stops at its n-th question.
class StopAfter final : public Progress {
 public:
  explicit StopAfter(int questions) : left_(questions) {}
  void stage(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  [[nodiscard]] bool cancelled() const noexcept override { return left_-- <= 0; }

 private:
  mutable int left_;
};

TEST_F(ExportInputs, StoppedItLeavesTheOldFile) {
  const auto input = put_tensors({make_tensor("a", {"F32", 4}, {40, 256}, TensorContent::weights, 1),
                                  make_tensor("b", {"F32", 4}, {40, 256}, TensorContent::weights, 2)});
  put("out.gguf", "old");
  for (const int questions : {0, 1, 2, 3}) {
    StopAfter stop(questions);
    expect_error(run(input, {.budget = Budget{.value = 50, .unit = Budget::Unit::percent}, .progress = &stop}),
                 ErrorCode::cancelled);
    EXPECT_EQ(read_whole(at("out.gguf")), "old");
    EXPECT_EQ(files(), (std::vector<std::string>{"model.safetensors", "out.gguf"}));
  }
}

}  // namespace
}  // namespace attar::engine
