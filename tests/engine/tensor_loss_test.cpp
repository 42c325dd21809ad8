// Tensors that lose something: budgets are met and never passed, bounds hold for every value, what a file says of its
// losses is what they are, and pins, sensitivities and bases do what they are for.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "attar/tensors.h"
#include "data/tensor_files.h"
#include "engine/step_search.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
using data::MadeTensor;
using data::make_tensor;
using data::safetensors_file;
using data::TensorContent;

constexpr data::TensorTypeWidth single{"F32", 4}, brain{"BF16", 2}, half{"F16", 2}, whole{"I64", 8};

std::vector<float> floats_of(std::string_view bytes) {
  std::vector<float> out(bytes.size() / 4);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

LossOptions budget_of(double bytes) { return {.budget = Budget{.value = bytes}}; }

TensorPin pin(std::string_view text) {
  const auto out = parse_tensor_pin(text);
  EXPECT_TRUE(out) << error_of(out);
  return out.value_or(TensorPin{});
}

class TensorLosses : public EngineTest {
 protected:
  // What a small model is made of: matrices of several types, a norm, whole numbers.
  static std::vector<MadeTensor> model() {
    return {make_tensor("layer.0.weight", single, {300, 256}, TensorContent::weights, 1),
            make_tensor("layer.0.norm", single, {256}, TensorContent::weights, 2),
            make_tensor("layer.1.weight", single, {200, 384}, TensorContent::weights, 3),
            make_tensor("layer.2.weight", brain, {260, 128}, TensorContent::weights, 4),
            make_tensor("layer.3.weight", half, {128, 130}, TensorContent::weights, 5),
            make_tensor("positions", whole, {64}, TensorContent::weights, 6)};
  }

  PackTensorsReport packed(const fs::path& input, const LossOptions& loss, const fs::path& base = {}) const {
    const auto report = pack_tensors(input, at("a.attar"), {.base = base, .loss = loss, .threads = 2});
    EXPECT_TRUE(report) << error_of(report);
    return report.value_or(PackTensorsReport{});
  }

  // Opens what was packed last, holds it against the original, and gives a tensor of it.
  std::vector<float> tensor(const fs::path& original, std::string_view name) const {
    const auto opened = TensorArtifact::open(at("a.attar"));
    EXPECT_TRUE(opened) << error_of(opened);
    if (!opened) std::abort();
    const auto verified = opened->verify(2);
    EXPECT_TRUE(verified) << error_of(verified);
    const auto compared = opened->compare(original, 2);
    EXPECT_TRUE(compared) << error_of(compared);
    const auto number = opened->find(name);
    const auto bytes = number ? opened->read(*number) : std::unexpected(number.error());
    EXPECT_TRUE(bytes) << error_of(bytes);
    return bytes ? floats_of(base::as_text(*bytes)) : std::vector<float>{};
  }

  const LostTensor* lost(const PackTensorsReport& report, std::string_view name) const {
    for (const LostTensor& own : report.lost)
      if (own.name == name) return &own;
    return nullptr;
  }
};

TEST_F(TensorLosses, BudgetsAreMetAndNeverPassed) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  double last_error = HUGE_VAL;
  for (const double budget : {40'000.0, 71'234.0, 100'000.0, 160'000.0, 250'001.0, 330'000.0}) {
    SCOPED_TRACE(budget);
    const PackTensorsReport report = packed(path, budget_of(budget));
    EXPECT_EQ(report.bytes, fs::file_size(at("a.attar")));
    EXPECT_LE(static_cast<double>(report.bytes), budget);
    EXPECT_GE(static_cast<double>(report.bytes), budget - std::max(0.001 * budget, 128.0));
    // More bytes, less error.
    EXPECT_LT(report.weighed_error, last_error);
    last_error = report.weighed_error;
    const auto opened = TensorArtifact::open(at("a.attar"));
    ASSERT_TRUE(opened) << error_of(opened);
    const auto compared = opened->compare(path, 2);
    ASSERT_TRUE(compared) << error_of(compared);
    EXPECT_EQ(compared->lost.size(), report.lost.size());
    EXPECT_GE(compared->identical, 1u);
    EXPECT_NEAR(compared->weighed_error, report.weighed_error, 1e-6 * report.weighed_error);
    const TensorsInfo info = opened->info();
    EXPECT_EQ(info.goal, fmt::format("budget of {:.0f} bytes", budget));
    EXPECT_NEAR(info.weighed_error, report.weighed_error, 1e-6 * report.weighed_error);
    // The file as a whole comes back with the same header and the tensors that were read.
    const auto restored = opened->restore(at("back"), 2);
    ASSERT_TRUE(restored) << error_of(restored);
    EXPECT_EQ(fs::file_size(at("back")), fs::file_size(path));
  }
}

TEST_F(TensorLosses, BudgetsNearToNoLossAreMet) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const auto lossless = pack_tensors(path, at("w.attar"), {});
  ASSERT_TRUE(lossless) << error_of(lossless);
  const auto bytes = static_cast<double>(lossless->bytes);
  for (const double share : {0.97, 0.985, 0.999, 1.0, 1.002, 1.02}) {
    SCOPED_TRACE(share);
    const PackTensorsReport report = packed(path, budget_of(std::ceil(share * bytes)));
    EXPECT_LE(static_cast<double>(report.bytes), std::ceil(share * bytes));
    EXPECT_EQ(report.bytes, fs::file_size(at("a.attar")));
    EXPECT_EQ(report.lost.empty(), share >= 1);
    if (share < 1) {
      EXPECT_GE(static_cast<double>(report.bytes), 0.9 * bytes);
    }
  }
}

TEST_F(TensorLosses, StatedErrorsAreTheErrors) {
  const auto tensors = model();
  const auto path = put("m.safetensors", safetensors_file(tensors));
  const PackTensorsReport report = packed(path, budget_of(90'000));
  const LostTensor* own = lost(report, "layer.0.weight");
  ASSERT_NE(own, nullptr);
  const std::vector<float> was = floats_of(tensors[0].bytes), is = tensor(path, "layer.0.weight");
  ASSERT_EQ(was.size(), is.size());
  double square = 0, error = 0, most = 0;
  for (std::size_t i = 0; i < was.size(); ++i) {
    const double difference = static_cast<double>(was[i]) - static_cast<double>(is[i]);
    square += static_cast<double>(was[i]) * static_cast<double>(was[i]);
    error += difference * difference;
    most = std::max(most, std::fabs(difference));
  }
  EXPECT_NEAR(own->loss.relative_error, error / square, 1e-9);
  EXPECT_EQ(own->loss.max_error, most);
  EXPECT_GT(own->loss.relative_error, 1e-5);
  // A norm is finer than the matrices beside it.
  ASSERT_NE(lost(report, "layer.0.norm"), nullptr);
  EXPECT_LT(lost(report, "layer.0.norm")->loss.relative_error, 0.1 * own->loss.relative_error);
  EXPECT_EQ(lost(report, "positions"), nullptr);
}

TEST_F(TensorLosses, FilesAreTheSameOnAnyNumberOfThreads) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  std::string first;
  for (const unsigned threads : {1u, 2u, 5u}) {
    ASSERT_TRUE(pack_tensors(path, at("t.attar"), {.loss = budget_of(80'000), .threads = threads}));
    const std::string bytes = read_whole(at("t.attar"));
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << threads;
  }
}

TEST_F(TensorLosses, BoundsHoldForEveryValue) {
  auto tensors = model();
  std::vector<float> values = floats_of(tensors[0].bytes);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  values[77] = -std::numeric_limits<float>::infinity();
  values[1000] = 1e30f;
  std::memcpy(tensors[0].bytes.data(), values.data(), tensors[0].bytes.size());
  const auto path = put("m.safetensors", safetensors_file(tensors));
  for (const char* text : {"1e-4", "0.003", "10"}) {
    SCOPED_TRACE(text);
    const auto bound = parse_error_bound(text);
    ASSERT_TRUE(bound);
    const PackTensorsReport report = packed(path, {.max_error = *bound});
    const std::vector<float> is = tensor(path, "layer.0.weight");
    std::uint64_t violations = 0;
    for (std::size_t i = 0; i < is.size(); ++i)
      if (std::isfinite(values[i])
              ? !(std::fabs(static_cast<double>(values[i]) - static_cast<double>(is[i])) <= bound->value)
              : std::memcmp(&values[i], &is[i], 4) != 0)
        ++violations;
    EXPECT_EQ(violations, 0u);
    for (const LostTensor& own : report.lost) EXPECT_LE(own.loss.max_error, bound->value) << own.name;
    EXPECT_LT(report.bytes, report.source_bytes);
  }
}

TEST_F(TensorLosses, RelativeBoundsAreSharesOfTheLargest) {
  const auto tensors = model();
  const auto path = put("m.safetensors", safetensors_file(tensors));
  const PackTensorsReport report = packed(path, {.max_error = *parse_error_bound("0.5%")});
  const std::vector<float> values = floats_of(tensors[2].bytes);
  double largest = 0;
  for (const float x : values) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  const LostTensor* own = lost(report, "layer.1.weight");
  ASSERT_NE(own, nullptr);
  EXPECT_LE(own->loss.max_error, 0.005 * largest);
  EXPECT_GT(own->loss.max_error, 0.004 * largest);
  EXPECT_EQ(TensorArtifact::open(at("a.attar"))->info().goal, "no error above 0.005 of a tensor's largest magnitude");
}

TEST_F(TensorLosses, PinsHoldWhateverTheBudget) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const PackTensorsReport report = packed(
      path, {.budget = Budget{.value = 120'000},
             .pins = {pin("*norm=lossless"), pin("layer.1.*=6bit"), pin("layer.3.*=0.001"), pin("*.2.*>=5bit")}});
  EXPECT_LE(report.bytes, 120'000u);
  EXPECT_GE(report.bytes, 119'880u);
  EXPECT_EQ(lost(report, "layer.0.norm"), nullptr);
  ASSERT_NE(lost(report, "layer.1.weight"), nullptr);
  EXPECT_NEAR(lost(report, "layer.1.weight")->bits, 6, 0.15);
  EXPECT_LE(lost(report, "layer.3.weight")->loss.max_error, 0.001);
  EXPECT_GE(lost(report, "layer.2.weight")->bits, 4.8);
  EXPECT_LT(lost(report, "layer.0.weight")->bits, 4);
  // By pins alone, nothing else changes.
  const PackTensorsReport alone = packed(path, {.pins = {pin("layer.1.*=4bit")}});
  EXPECT_EQ(alone.lost.size(), 1u);
  const auto missed = pack_tensors(path, at("b.attar"), {.loss = {.pins = {pin("nowhere*=4bit")}}});
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(missed.error().message.find("nowhere*"), std::string::npos);
}

TEST_F(TensorLosses, SensitivitiesMoveBits) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const auto bits_of = [&](const fs::path& file) {
    const PackTensorsReport report = packed(path, {.budget = Budget{.value = 90'000}, .sensitivity = file});
    return lost(report, "layer.0.weight")->bits - lost(report, "layer.1.weight")->bits;
  };
  const double even = bits_of({});
  const double first = bits_of(
      put("s.json", R"({"format": "attar-sensitivity 1", "tensors": {"layer.0.weight": 1.6, "layer.1.weight": 0.1}})"));
  // A sixteenth of the squared step is two bits.
  EXPECT_NEAR(first - even, 2, 0.25);
  const std::string head = R"({"format": "attar-sensitivity 1", "tensors": )";
  for (const std::string& text : {std::string("{"), head + R"({"other": 1}})", head + R"({"layer.0.weight": -1}})"}) {
    const auto report = pack_tensors(path, at("b.attar"),
                                     {.loss = {.budget = Budget{.value = 90'000}, .sensitivity = put("w.json", text)}});
    ASSERT_FALSE(report) << text;
    const ErrorCode code = report.error().code;
    EXPECT_TRUE(code == ErrorCode::invalid_argument || code == ErrorCode::invalid_data) << text;
  }
}

TEST_F(TensorLosses, GoalsOutOfReachSaySo) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const auto small = pack_tensors(path, at("b.attar"), {.loss = budget_of(900)});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::goal_unreachable);
  EXPECT_FALSE(fs::exists(at("b.attar")));
  const auto pinned =
      pack_tensors(path, at("b.attar"), {.loss = {.budget = Budget{.value = 50'000}, .pins = {pin("*=lossless")}}});
  ASSERT_FALSE(pinned);
  EXPECT_EQ(pinned.error().code, ErrorCode::goal_unreachable);
  const auto both = pack_tensors(path, at("b.attar"),
                                 {.loss = {.budget = Budget{.value = 50'000}, .max_error = ErrorBound{.value = 1}}});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, ErrorCode::invalid_argument);
  // With room for all of it nothing is lost.
  const PackTensorsReport large = packed(path, budget_of(1e6));
  EXPECT_TRUE(large.lost.empty());
  EXPECT_EQ(TensorArtifact::open(at("a.attar"))->info().goal, "");
}

TEST_F(TensorLosses, PlansForeseeWhatPackingMakes) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const PackTensorsOptions options{.loss = budget_of(90'000), .threads = 2};
  const auto plan = plan_tensors(path, options);
  ASSERT_TRUE(plan) << error_of(plan);
  const PackTensorsReport report = packed(path, options.loss);
  EXPECT_NEAR(static_cast<double>(plan->bytes), static_cast<double>(report.bytes), 0.02 * 90'000);
  ASSERT_EQ(plan->lost.size(), report.lost.size());
  for (std::size_t i = 0; i < report.lost.size(); ++i) {
    if (report.lost[i].weights < 1000) continue;  // the bytes of a block's states outweigh its symbols
    EXPECT_NEAR(plan->lost[i].bits, report.lost[i].bits, 0.25) << report.lost[i].name;
    EXPECT_NEAR(plan->lost[i].loss.relative_error, report.lost[i].loss.relative_error,
                0.1 * report.lost[i].loss.relative_error);
  }
  EXPECT_FALSE(plan_tensors(path, {}));
}

TEST_F(TensorLosses, DifferencesFromABaseTakeFewerBits) {
  const auto base = put("base.safetensors", safetensors_file(model()));
  ASSERT_TRUE(pack_tensors(base, at("base.attar"), {}));
  auto tensors = model();
  base::Random random(7);
  for (const std::size_t t : {0u, 2u}) {
    std::vector<float> values = floats_of(tensors[t].bytes);
    for (float& x : values) x += 1e-3f * static_cast<float>(static_cast<double>(random.below(2001)) / 1000 - 1);
    std::memcpy(tensors[t].bytes.data(), values.data(), tensors[t].bytes.size());
  }
  const auto path = put("tuned.safetensors", safetensors_file(tensors));
  const LossOptions loss{.max_error = ErrorBound{.value = 3e-4}};
  const PackTensorsReport alone = packed(path, loss);
  const PackTensorsReport report = packed(path, loss, at("base.attar"));
  EXPECT_EQ(report.base_tensors, 4u);
  EXPECT_EQ(report.delta_tensors, 2u);
  EXPECT_EQ(report.depth, 1u);
  EXPECT_LT(static_cast<double>(report.bytes), 0.4 * static_cast<double>(alone.bytes));
  const std::vector<float> was = floats_of(tensors[2].bytes), is = tensor(path, "layer.1.weight");
  for (std::size_t i = 0; i < was.size(); ++i)
    ASSERT_LE(std::fabs(static_cast<double>(was[i]) - static_cast<double>(is[i])), 3e-4) << i;
}

TEST_F(TensorLosses, TiedTensorsLoseTogether) {
  auto tensors = model();
  tensors.push_back(tensors[0]);
  tensors.back().name = "tied.weight";
  const auto path = put("m.safetensors", safetensors_file(tensors));
  const PackTensorsReport report = packed(path, budget_of(90'000));
  EXPECT_EQ(report.shared_tensors, 1u);
  EXPECT_TRUE(tensor(path, "tied.weight") == tensor(path, "layer.0.weight"));
  const auto info = TensorArtifact::open(at("a.attar"))->info();
  EXPECT_EQ(info.tensors.front().loss->max_error, info.tensors.back().loss->max_error);
}

TEST_F(TensorLosses, AnotherOriginalIsToldApart) {
  auto tensors = model();
  const auto path = put("m.safetensors", safetensors_file(tensors));
  packed(path, budget_of(90'000));
  const auto opened = TensorArtifact::open(at("a.attar"));
  ASSERT_TRUE(opened);
  tensors[2].bytes[40] ^= 1;
  const auto other = opened->compare(put("other.safetensors", safetensors_file(tensors)));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(other.error().message.find("layer.1.weight"), std::string::npos);
  tensors.pop_back();
  EXPECT_FALSE(opened->compare(put("fewer.safetensors", safetensors_file(tensors))));
}

TEST(LossOptionsText, FormsAreReadAndPrinted) {
  for (const char* text : {"a*=lossless", "a=8bit", "x.y>=2.5bit", "w=0.001", "w=0.5%", "a=b=4bit"}) {
    const auto read = parse_tensor_pin(text);
    ASSERT_TRUE(read) << text;
    const auto again = parse_tensor_pin(read->text());
    ASSERT_TRUE(again) << read->text();
    EXPECT_EQ(again->pattern, read->pattern);
    EXPECT_EQ(again->kind, read->kind);
    EXPECT_EQ(again->bits, read->bits);
    EXPECT_EQ(again->bound.value, read->bound.value);
    EXPECT_EQ(again->bound.relative, read->bound.relative);
  }
  for (const char* text :
       {"", "=8bit", "a", "a=", "a=0bit", "a=-1", "a=nan", "a>=lossless", "a=40bit", "a=8 bit", ">=4bit"})
    EXPECT_FALSE(parse_tensor_pin(text)) << text;
  for (const char* text : {"", "0", "-1", "inf", "nan", "1e-3x", "%", "0%"})
    EXPECT_FALSE(parse_error_bound(text)) << text;
}

TEST(StepSearch, FindsWhatFitsClosely) {
  base::Random random(3);
  for (int round = 0; round < 200; ++round) {
    const double weights = std::exp2(10 + static_cast<double>(random.below(1600)) / 100);
    const double budget = weights * (0.2 + static_cast<double>(random.below(300)) / 100) + 500;
    const double noise = static_cast<double>(random.below(10));
    const auto bytes_at = [&](double step) {
      const double bits = std::log2(1 + std::exp2(2 - std::log2(step)));
      return static_cast<std::uint64_t>(500 + weights * bits / 8 + noise * (1 + std::sin(1e4 * step)));
    };
    StepSearch search(static_cast<std::uint64_t>(budget));
    // A first step that is up to an octave off.
    double step = std::exp2(2 - 8 * (budget - 500) / weights + 2 * random.uniform() - 1);
    int files = 1;
    for (;; ++files) {
      ASSERT_LE(files, 30);
      const auto next = search.next(step, bytes_at(step), weights / 8);
      if (!next) break;
      step = *next;
    }
    const auto bytes = static_cast<double>(bytes_at(step));
    EXPECT_LE(bytes, budget);
    EXPECT_GE(bytes, budget - std::max(0.001 * budget, 128.0)) << weights << ' ' << budget;
  }
}

}  // namespace
}  // namespace attar::engine
