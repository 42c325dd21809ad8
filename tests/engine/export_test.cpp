// Tensors exported as GGUF: read back with the reader of src/data, and held against what was to be written.
#include "attar/export.h"

#include <cmath>
#include <map>

#include "attar/tensors.h"
#include "data/gguf_write.h"
#include "data/tensor_files.h"
#include "engine/export_types.h"
#include "engine/support.h"
#include "tensor/ggml/rows.h"

namespace attar::engine {
namespace {

using data::Gguf;
using data::MadeTensor;
using data::make_tensor;
using data::TensorContent;

namespace ggml = tensor::ggml;

std::vector<float> floats_of(const MadeTensor& tensor) {
  std::vector<float> out(tensor.bytes.size() / sizeof(float));
  std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  return out;
}

std::string_view text_of(base::ByteView bytes) { return base::as_text(bytes); }

// t² of blocks in a file against the numbers that were exported.
double relative_error(const data::GgufTensor& tensor, const std::vector<float>& values) {
  std::vector<float> read(values.size());
  const auto decoded = ggml::dequantize(*ggml::find_block_type(tensor.type), tensor.bytes, read);
  EXPECT_TRUE(decoded) << error_of(decoded);
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    error += std::pow(static_cast<double>(values[i]) - static_cast<double>(read[i]), 2);
    norm += std::pow(static_cast<double>(values[i]), 2);
  }
  return norm > 0 ? error / norm : 0;
}

Budget bytes_budget(std::uint64_t bytes) { return {.value = static_cast<double>(bytes), .unit = Budget::Unit::bytes}; }

class ExportTest : public EngineTest {
 protected:
  // A small model: matrices whose rows are 64, 256 and 7 long, a vector, whole numbers.
  [[nodiscard]] std::vector<MadeTensor> model() const {
    return {make_tensor("embed.weight", f32, {96, 64}, TensorContent::weights, 1),
            make_tensor("layer.0.weight", f32, {64, 256}, TensorContent::weights, 2),
            make_tensor("layer.1.weight", f32, {48, 256}, TensorContent::sparse, 3),
            make_tensor("odd.weight", f32, {20, 7}, TensorContent::weights, 4),
            make_tensor("norm.bias", f32, {64}, TensorContent::weights, 5),
            make_tensor("positions", {"I64", 8}, {1, 30}, TensorContent::weights, 6)};
  }
  std::filesystem::path put_model() const { return put("model.safetensors", data::safetensors_file(model())); }

  Result<ExportGgufReport> run(const ExportGgufOptions& options, std::string_view input = "model.safetensors") {
    return export_gguf(at(input), at("out.gguf"), options);
  }
  // The file that was written; it lives until the next call.
  const Gguf& written() {
    file_ = read_whole(at("out.gguf"));
    auto parsed = data::parse_gguf(std::as_bytes(std::span(file_)));
    EXPECT_TRUE(parsed) << error_of(parsed);
    content_ = *std::move(parsed);
    return content_;
  }

  static constexpr data::TensorTypeWidth f32{"F32", 4};
  std::string file_;
  Gguf content_;
};

TEST_F(ExportTest, EveryTypeIsWhatItsQuantizerMakes) {
  put_model();
  const std::map<std::string, MadeTensor> made = [&] {
    std::map<std::string, MadeTensor> out;
    for (MadeTensor& tensor : model()) out.emplace(tensor.name, tensor);
    return out;
  }();
  for (const ggml::BlockType& type : ggml::block_types()) {
    const std::string name(type.size.name);
    const auto report = run({.type = name});
    ASSERT_TRUE(report) << error_of(report);
    const Gguf& file = written();
    EXPECT_EQ(report->bytes, file_.size());
    ASSERT_EQ(file.tensors.size(), made.size());
    EXPECT_EQ(file.find("general.file_type")->whole(), gguf_file_type(name));
    for (const ExportedTensor& own : report->tensors) {
      const data::GgufTensor& tensor = *file.tensor(own.name);
      const MadeTensor& source = made.at(own.name);
      EXPECT_EQ(tensor.shape, source.shape);
      EXPECT_EQ(tensor.known->name, own.type);
      EXPECT_EQ(tensor.bytes.size(), own.bytes);
      if (source.type == "I64") {
        EXPECT_EQ(own.type, "I64");
        EXPECT_EQ(text_of(tensor.bytes), source.bytes);
        continue;
      }
      const std::vector<float> values = floats_of(source);
      if (source.shape.size() == 1) {
        EXPECT_EQ(own.type, "F32");
      } else if (source.shape.back() % type.size.values == 0) {
        EXPECT_EQ(own.type, name);
        std::vector<std::byte> blocks(tensor.bytes.size());
        ASSERT_TRUE(ggml::quantize(type, values, source.shape.back(), {}, blocks));
        EXPECT_TRUE(std::ranges::equal(blocks, tensor.bytes)) << name << " " << own.name;
      }
      EXPECT_NEAR(own.error, relative_error(tensor, values), 1e-12);
    }
  }
}

TEST_F(ExportTest, TypesThatDoNotFitFallBack) {
  put_model();
  const auto type_of = [&](const char* type, const char* tensor) -> std::string_view {
    const auto report = run({.type = type});
    EXPECT_TRUE(report) << error_of(report);
    EXPECT_FALSE(report->notes.empty());
    return written().tensor(tensor)->known->name;
  };
  EXPECT_EQ(type_of("Q4_K", "embed.weight"), "Q5_0");
  EXPECT_EQ(type_of("Q6_K", "embed.weight"), "Q8_0");
  EXPECT_EQ(type_of("Q4_0", "odd.weight"), "F16");
  EXPECT_EQ(type_of("Q4_K", "odd.weight"), "F16");
  EXPECT_EQ(type_of("Q4_K", "layer.0.weight"), "Q4_K");
}

TEST_F(ExportTest, ABudgetIsNeverExceeded) {
  put_model();
  const auto least = run({.budget = bytes_budget(1)});
  expect_error(least, ErrorCode::goal_unreachable, {"the smallest file has", "give a budget of"});
  const auto all = run({.type = "F32"});
  ASSERT_TRUE(all);
  base::Random random(7);
  std::map<std::uint64_t, double> sums;  // by budget
  for (int turn = 0; turn < 40; ++turn) {
    const std::uint64_t budget = 25'000 + random.below(all->bytes - 20'000);
    const auto report = run({.budget = bytes_budget(budget)});
    if (!report) {
      expect_error(report, ErrorCode::goal_unreachable);
      EXPECT_LT(budget, 30'000u);
      continue;
    }
    written();
    EXPECT_EQ(report->bytes, file_.size());
    EXPECT_LE(file_.size(), budget);
    EXPECT_EQ(report->budget, budget);
    EXPECT_TRUE(report->optimal);
    EXPECT_NEAR(report->bound, report->predicted, 1e-6 * report->predicted);
    sums[budget] = report->predicted;
    if (budget >= all->bytes) {
      EXPECT_EQ(report->predicted, 0);
    }
  }
  EXPECT_GT(sums.size(), 30u);
  for (auto it = sums.begin(); std::next(it) != sums.end(); ++it)
    EXPECT_GE(it->second * (1 + 1e-8), std::next(it)->second);
}

TEST_F(ExportTest, TheLeastFileThatIsNamedCanBeHad) {
  put_model();
  const auto refused = run({.budget = bytes_budget(100)});
  ASSERT_FALSE(refused);
  const std::string& said = refused.error().message;
  const std::uint64_t least = std::stoull(said.substr(said.find("has ") + 4));
  expect_error(run({.budget = bytes_budget(least - 1)}), ErrorCode::goal_unreachable);
  const auto report = run({.budget = bytes_budget(least)});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->bytes, least);
  EXPECT_EQ(files(), (std::vector<std::string>{"model.safetensors", "out.gguf"}));
}

// All ways to give the four matrices types, by the errors that files of one type told.
TEST_F(ExportTest, AutoIsTheBestOfAllWays) {
  put_model();
  struct Way {
    std::uint64_t bytes;
    double cost;
  };
  std::map<std::string, std::vector<Way>> ways;
  std::uint64_t rest = 0;
  for (const ggml::BlockType& type : ggml::block_types()) {
    const auto report = run({.type = std::string(type.size.name)});
    ASSERT_TRUE(report);
    std::uint64_t sum = 0;
    for (const ExportedTensor& own : report->tensors) {
      const std::uint64_t padded = (own.bytes + 31) / 32 * 32;
      if (own.alpha == 0) continue;
      sum += padded;
      ways[own.name].push_back({padded, own.alpha * own.error});
    }
    // The key general.file_type is not in a file of several types: its length, name, type and value.
    rest = report->bytes - sum;
  }
  ASSERT_EQ(ways.size(), 4u);
  base::Random random(8);
  for (int turn = 0; turn < 12; ++turn) {
    const std::uint64_t budget = 32'000 + random.below(60'000);
    const auto report = run({.budget = bytes_budget(budget)});
    ASSERT_TRUE(report) << error_of(report);
    std::uint64_t own_rest = report->bytes;
    for (const ExportedTensor& own : report->tensors)
      if (own.alpha != 0) own_rest -= (own.bytes + 31) / 32 * 32;
    EXPECT_LE(own_rest, rest);
    double best = INFINITY;
    for (const Way& a : ways["embed.weight"])
      for (const Way& b : ways["layer.0.weight"])
        for (const Way& c : ways["layer.1.weight"])
          for (const Way& d : ways["odd.weight"])
            if (own_rest + a.bytes + b.bytes + c.bytes + d.bytes <= budget)
              best = std::min(best, a.cost + b.cost + c.cost + d.cost);
    EXPECT_NEAR(report->predicted, best, 1e-8 * best) << budget;
  }
}

TEST_F(ExportTest, SensitivitiesTurnTheChoice) {
  put_model();
  const Budget budget = bytes_budget(45'000);
  TensorSensitivities weights = {{"embed.weight", 1}, {"layer.0.weight", 0}, {"layer.1.weight", 0}, {"odd.weight", 0}};
  const auto report = run({.budget = budget, .sensitivity = weights});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->tensors[0].type, "F32");  // all that is left goes to the one that matters
  EXPECT_EQ(report->predicted, 0);
  // One that nobody measured counts as those that were, by its size.
  const auto partly = run({.budget = budget, .sensitivity = {{"layer.0.weight", 3}}});
  ASSERT_TRUE(partly) << error_of(partly);
  EXPECT_NEAR(partly->tensors[0].alpha, 3 * std::sqrt(96.0 / 256), 1e-9);
  EXPECT_EQ(partly->tensors[1].alpha, 3);
  expect_error(run({.budget = budget, .sensitivity = {{"other", 1}}}), ErrorCode::invalid_argument,
               {"other", "another model"});
  weights["odd.weight"] = -1;
  expect_error(run({.budget = budget, .sensitivity = weights}), ErrorCode::invalid_argument, {"odd.weight"});
}

TEST_F(ExportTest, FilesOfSensitivitiesAreReadStrictly) {
  const auto read = [&](std::string_view text) { return read_sensitivity(put("w.json", text)); };
  const auto good = read(R"({"format": "attar-sensitivity 1", "texts": 200, "tensors": {"a": 0.5, "b": 0}})");
  ASSERT_TRUE(good) << error_of(good);
  EXPECT_EQ(*good, (TensorSensitivities{{"a", 0.5}, {"b", 0.0}}));
  expect_error(read(R"({"tensors": {"a": 1}})"), ErrorCode::invalid_data, {"attar-sensitivity 1"});
  expect_error(read(R"({"format": "attar-sensitivity 2", "tensors": {}})"), ErrorCode::too_new);
  expect_error(read(R"({"format": "other", "tensors": {}})"), ErrorCode::invalid_data);
  for (const char* tensors : {"[]", R"({"a": -1})", R"({"a": "1"})", R"({"a": 1e999})", R"({"a": 1, "a": 2})"})
    expect_error(read(std::string(R"({"format": "attar-sensitivity 1", "tensors": )") + tensors + "}"),
                 ErrorCode::invalid_data, {"w.json"});
  expect_error(read("{"), ErrorCode::invalid_data);
  expect_error(read_sensitivity(at("none.json")), ErrorCode::io);
}

TEST_F(ExportTest, PinsHold) {
  put_model();
  const auto report =
      run({.budget = bytes_budget(60'000), .pins = {"layer.0*=Q4_K", "layer.?.weight=Q8_0", "o*=BF16"}});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->tensors[1].type, "Q4_K");
  EXPECT_EQ(report->tensors[2].type, "Q8_0");
  EXPECT_EQ(report->tensors[3].type, "BF16");
  const auto refused = [&](const char* pin) { return run({.type = "Q8_0", .pins = {pin}}); };
  expect_error(refused("nothing.*=Q8_0"), ErrorCode::invalid_argument, {"fits the name of no tensor"});
  expect_error(refused("norm.bias=Q8_0"), ErrorCode::invalid_argument, {"fits vectors"});
  expect_error(refused("embed.weight=Q4_K"), ErrorCode::invalid_argument, {"rows of 64", "pin Q5_0"});
  expect_error(refused("embed.weight=Q3_K"), ErrorCode::invalid_argument, {"'Q3_K' is no type", "Q4_K"});
  expect_error(refused("embed.weight"), ErrorCode::invalid_argument, {"embed.*=Q8_0"});
  expect_error(refused("=Q8_0"), ErrorCode::invalid_argument);
  expect_error(run({.type = "Q9"}), ErrorCode::invalid_argument, {"auto", "Q4_K"});
  expect_error(run({.type = "auto"}), ErrorCode::invalid_argument, {"budget"});
  expect_error(run({.type = "Q8_0", .budget = bytes_budget(20'000)}), ErrorCode::goal_unreachable, {"the file has"});
}

TEST_F(ExportTest, AnArtifactGivesTheFileOfItsSource) {
  const auto input = put_model();
  std::filesystem::create_directories(at("other"));
  ASSERT_TRUE(pack_tensors(input, at("other") / "model.attar", {.block_bytes = 4096}));
  for (const unsigned threads : {1u, 3u}) {
    for (const char* type : {"auto", "Q4_0", "Q6_K"}) {
      ExportGgufOptions options{.type = type, .budget = bytes_budget(60'000), .threads = threads};
      ASSERT_TRUE(run(options));
      const std::string plain = read_whole(at("out.gguf"));
      const auto report = run(options, "other/model.attar");
      ASSERT_TRUE(report) << error_of(report);
      EXPECT_EQ(read_whole(at("out.gguf")), plain) << type;
    }
  }
}

}  // namespace
}  // namespace attar::engine
