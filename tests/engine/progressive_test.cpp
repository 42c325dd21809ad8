// Progressive artifacts: they may be cut anywhere, every cut is an artifact that states its own losses, and more bytes
// are less error.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "attar/tensors.h"
#include "data/tensor_files.h"
#include "engine/support.h"
#include "engine/tensor_state.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
using data::MadeTensor;
using data::make_tensor;
using data::safetensors_file;
using data::TensorContent;

constexpr data::TensorTypeWidth single{"F32", 4}, brain{"BF16", 2}, half{"F16", 2}, whole{"I64", 8};

Budget bytes_of(std::uint64_t bytes) { return {.value = static_cast<double>(bytes)}; }

class Progressive : public EngineTest {
 protected:
  // Matrices of several types, one of several blocks; a norm, a row of odd length, values that are no numbers.
  static std::vector<MadeTensor> model() {
    std::vector<MadeTensor> out = {make_tensor("a.weight", single, {300, 256}, TensorContent::weights, 1),
                                   make_tensor("a.norm", single, {256}, TensorContent::weights, 2),
                                   make_tensor("b.weight", brain, {2200, 130}, TensorContent::weights, 3),
                                   make_tensor("c.weight", half, {128, 130}, TensorContent::weights, 4),
                                   make_tensor("d.weight", single, {7, 3}, TensorContent::weights, 5),
                                   make_tensor("positions", whole, {64}, TensorContent::weights, 6)};
    const float strange[] = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), -3e2f};
    std::memcpy(&out[0].bytes[4000], strange, sizeof strange);
    out.push_back(out[0]);
    out.back().name = "tied.weight";
    out.push_back({.name = "zeros", .type = "F32", .shape = {20, 30}, .bytes = std::string(2400, '\0')});
    return out;
  }

  PackTensorsReport packed(const fs::path& input, LossOptions loss = {}) const {
    loss.progressive = true;
    const auto report = pack_tensors(input, at("p.attar"), {.loss = loss, .threads = 2});
    EXPECT_TRUE(report) << error_of(report);
    return report.value_or(PackTensorsReport{});
  }

  // Intact, and as far from the original as it states.
  TensorComparison checked(const fs::path& artifact, const fs::path& original) const {
    const auto opened = TensorArtifact::open(artifact);
    EXPECT_TRUE(opened) << error_of(opened);
    if (!opened) return {};
    const auto verified = opened->verify(2);
    EXPECT_TRUE(verified) << error_of(verified);
    const auto compared = opened->compare(original, 2);
    EXPECT_TRUE(compared) << error_of(compared);
    if (compared) {
      EXPECT_NEAR(compared->weighed_error, opened->info().weighed_error, 1e-9 * compared->weighed_error);
    }
    return compared.value_or(TensorComparison{});
  }
};

TEST_F(Progressive, WholeIsNearAndStatesItsLosses) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const PackTensorsReport report = packed(path);
  EXPECT_EQ(report.bytes, fs::file_size(at("p.attar")));
  EXPECT_EQ(report.shared_tensors, 1u);
  const TensorComparison compared = checked(at("p.attar"), path);
  EXPECT_EQ(compared.lost.size(), 7u);
  for (const LostTensor& own : compared.lost) EXPECT_LT(own.loss.relative_error, 1e-3) << own.name;
  const auto opened = TensorArtifact::open(at("p.attar"));
  ASSERT_TRUE(opened) << error_of(opened);
  EXPECT_EQ(opened->info().goal, "to be cut anywhere");
  EXPECT_GT(opened->info().refinements, 40u);
  // Tied tensors are the same.
  const auto first = opened->read(*opened->find("a.weight")), tied = opened->read(*opened->find("tied.weight"), 3);
  ASSERT_TRUE(first && tied);
  EXPECT_EQ(*first, *tied);
}

// Each refinement that is left out: never above the budget, all else the same, and more error.
TEST_F(Progressive, EveryCutIsAnArtifactAndErrorsFall) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  static_cast<void>(packed(path));
  const auto state = TensorArtifact::State::open(at("p.attar"), {}, {});
  ASSERT_TRUE(state) << error_of(state);
  const std::size_t all = (*state)->refinements->order().refinements.size();
  double last = std::numeric_limits<double>::infinity();
  std::uint64_t last_bytes = 0, last_count = 0;
  for (std::size_t count = 0; count <= all; ++count) {
    SCOPED_TRACE(count);
    const auto size = (*state)->bytes_with(count);
    ASSERT_TRUE(size) << error_of(size);
    if (*size < last_bytes) continue;  // the list happened to be compressed better
    const auto report = cut_tensors(at("p.attar"), at("c.attar"), bytes_of(*size));
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_LE(report->bytes, *size);
    EXPECT_EQ(report->bytes, fs::file_size(at("c.attar")));
    EXPECT_GE(report->refinements, count);
    if (count == 0 || report->refinements > last_count)
      EXPECT_LT(report->weighed_error, last);
    else
      EXPECT_EQ(report->weighed_error, last);
    last = report->weighed_error;
    last_count = report->refinements;
    last_bytes = *size;
    if (count % 7 == 0 || count == all) {
      const TensorComparison compared = checked(at("c.attar"), path);
      EXPECT_NEAR(compared.weighed_error, report->weighed_error, 1e-9 * report->weighed_error);
    }
  }
  EXPECT_EQ(last_bytes, fs::file_size(at("p.attar")));
}

TEST_F(Progressive, CuttingAtOnceOrByStepsIsTheSame) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const std::uint64_t bytes = packed(path).bytes;
  ASSERT_TRUE(cut_tensors(at("p.attar"), at("half.attar"), bytes_of(bytes / 2)));
  ASSERT_TRUE(cut_tensors(at("half.attar"), at("third.attar"), bytes_of(bytes / 3)));
  ASSERT_TRUE(cut_tensors(at("p.attar"), at("once.attar"), bytes_of(bytes / 3)));
  EXPECT_TRUE(read_whole(at("third.attar")) == read_whole(at("once.attar")));
  // What is cut in memory reads the same.
  auto whole_one = TensorArtifact::open(at("p.attar"));
  ASSERT_TRUE(whole_one) << error_of(whole_one);
  ASSERT_TRUE(whole_one->cut(bytes_of(bytes / 3)));
  ASSERT_TRUE(whole_one->restore(at("a.safetensors"), 2));
  const auto once = TensorArtifact::open(at("once.attar"));
  ASSERT_TRUE(once) << error_of(once);
  ASSERT_TRUE(once->restore(at("b.safetensors"), 1));
  EXPECT_TRUE(read_whole(at("a.safetensors")) == read_whole(at("b.safetensors")));
  EXPECT_EQ(whole_one->info().weighed_error, once->info().weighed_error);
}

TEST_F(Progressive, BudgetsAreTheLargestSize) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  for (const double budget : {90'000.0, 150'000.0, 300'000.0}) {
    const PackTensorsReport report = packed(path, {.budget = Budget{.value = budget}});
    EXPECT_EQ(report.bytes, fs::file_size(at("p.attar")));
    EXPECT_LE(static_cast<double>(report.bytes), budget);
    EXPECT_FALSE(fs::exists(at("p.attar.whole")));
    EXPECT_NEAR(checked(at("p.attar"), path).weighed_error, report.weighed_error, 1e-6 * report.weighed_error + 1e-12);
  }
}

TEST_F(Progressive, PinsHold) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  LossOptions loss;
  for (const char* pin : {"a.norm=lossless", "c.*=1e-3"}) {
    const auto parsed = parse_tensor_pin(pin);
    ASSERT_TRUE(parsed) << error_of(parsed);
    loss.pins.push_back(*parsed);
  }
  const PackTensorsReport report = packed(path, loss);
  ASSERT_TRUE(cut_tensors(at("p.attar"), at("c.attar"), bytes_of(report.bytes / 2)));
  const TensorComparison compared = checked(at("c.attar"), path);
  for (const LostTensor& own : compared.lost) {
    EXPECT_NE(own.name, "a.norm");
    if (own.name == "c.weight") {
      EXPECT_LE(own.loss.max_error, 1e-3);
    }
  }
}

TEST_F(Progressive, FilesAreTheSameOnAnyNumberOfThreads) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  std::string first;
  for (const unsigned threads : {1u, 2u, 5u}) {
    const auto report = pack_tensors(path, at("t.attar"), {.loss = {.progressive = true}, .threads = threads});
    ASSERT_TRUE(report) << error_of(report);
    const std::string bytes = read_whole(at("t.attar"));
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << threads;
  }
}

TEST_F(Progressive, WhatCanNotBeIsRefused) {
  const auto path = put("m.safetensors", safetensors_file(model()));
  const std::uint64_t bytes = packed(path).bytes;
  const auto code = [](const auto& result) { return result ? ErrorCode::io : result.error().code; };
  EXPECT_EQ(code(cut_tensors(at("p.attar"), at("c.attar"), bytes_of(900))), ErrorCode::goal_unreachable);
  EXPECT_FALSE(fs::exists(at("c.attar")));
  EXPECT_EQ(code(cut_tensors(at("p.attar"), {}, bytes_of(bytes))), ErrorCode::invalid_argument);
  ASSERT_TRUE(pack_tensors(path, at("l.attar"), {}));
  EXPECT_EQ(code(cut_tensors(at("l.attar"), at("c.attar"), bytes_of(bytes))), ErrorCode::invalid_argument);
  const LossOptions bounded{.max_error = ErrorBound{.value = 1e-3}, .progressive = true};
  EXPECT_EQ(code(pack_tensors(path, at("x.attar"), {.loss = bounded})), ErrorCode::invalid_argument);
  const PackTensorsOptions based{.base = at("l.attar"), .loss = {.progressive = true}};
  EXPECT_EQ(code(pack_tensors(path, at("x.attar"), based)), ErrorCode::invalid_argument);
  // As a base it is of no use, and does no harm.
  const auto beside = pack_tensors(path, at("n.attar"), {.base = at("p.attar")});
  ASSERT_TRUE(beside) << error_of(beside);
  EXPECT_EQ(beside->delta_tensors, 0u);
}

}  // namespace
}  // namespace attar::engine
