// Tables without some of their rows: the kept ones come back as if nothing else had been there, the file says which
// they are, an encoder runs on, and lists that are none are refused.
#include "engine/trim.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "attar/tensors.h"
#include "data/tensor_files.h"
#include "engine/encoders.h"
#include "engine/support.h"
#include "engine/tiny_model.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
using data::MadeTensor;
using data::make_tensor;
using data::safetensors_file;
using data::TensorContent;

constexpr data::TensorTypeWidth single{"F32", 4}, brain{"BF16", 2};

class Trimming : public EngineTest {
 protected:
  static constexpr std::uint64_t rows = 3000, columns = 192;

  static MadeTensor table() { return make_tensor("embed", single, {rows, columns}, TensorContent::weights, 1); }
  static bool keeps(std::uint64_t row) { return row / 10 % 3 == 1 || row == 5; }

  static std::string list() {
    std::string out;
    for (std::uint64_t i = 0; i < rows; ++i)
      if (keeps(i)) out += fmt::format("{}\n", i);
    return out;
  }

  static std::string_view row_of(std::string_view bytes, std::uint64_t row, std::uint64_t row_bytes) {
    return bytes.substr(row * row_bytes, row_bytes);
  }

  // Opens what was packed, holds it against all checksums and the original.
  TensorArtifact opened(const fs::path& original, TensorComparison* found = nullptr) const {
    auto out = TensorArtifact::open(at("a.attar"));
    EXPECT_TRUE(out) << error_of(out);
    if (!out) std::abort();
    const auto verified = out->verify(2);
    EXPECT_TRUE(verified) << error_of(verified);
    const auto compared = out->compare(original, 2);
    EXPECT_TRUE(compared) << error_of(compared);
    if (found != nullptr) *found = compared.value_or(TensorComparison{});
    return *std::move(out);
  }

  std::string packed_table(const TensorArtifact& artifact) const {
    const auto bytes = artifact.read(artifact.find("embed").value());
    EXPECT_TRUE(bytes) << error_of(bytes);
    return std::string(base::as_text(*bytes));
  }
};

TEST_F(Trimming, KeptRowsComeBackAndOthersAreZeros) {
  const auto other = make_tensor("head", brain, {300, columns}, TensorContent::weights, 2);
  const auto path = put("m.safetensors", safetensors_file({table(), other}));
  const auto whole = pack_tensors(path, at("w.attar"), {.threads = 2});
  ASSERT_TRUE(whole) << error_of(whole);
  const TrimOptions trim{.rows = {{.pattern = "emb*", .rows = put("rows.txt", list() + "\n15 \r\n15\n")}}};
  for (const unsigned threads : {1u, 3u}) {
    const auto report = pack_tensors(path, at("a.attar"), {.trim = trim, .threads = threads});
    ASSERT_TRUE(report) << error_of(report);
    ASSERT_EQ(report->trimmed.size(), 1u);
    EXPECT_EQ(report->trimmed[0].name, "embed");
    EXPECT_EQ(report->trimmed[0].rows, rows);
    EXPECT_EQ(report->trimmed[0].dropped, rows - 1001);
    EXPECT_TRUE(report->lost.empty());
    // Two thirds of the table cost next to nothing.
    EXPECT_LT(report->types.front().packed_bytes + report->types.back().packed_bytes,
              0.55 * static_cast<double>(whole->bytes));
    TensorComparison found;
    const TensorArtifact artifact = opened(path, &found);
    EXPECT_EQ(found.identical, 1u);
    ASSERT_EQ(found.trimmed.size(), 1u);
    EXPECT_EQ(found.trimmed[0].dropped, rows - 1001);
    EXPECT_EQ(artifact.tensor(0).dropped_rows, rows - 1001);
    EXPECT_EQ(artifact.tensor(1).dropped_rows, 0u);
    EXPECT_EQ(artifact.tensor(0).shape, (std::vector<std::uint64_t>{rows, columns}));
    const std::string was = table().bytes, is = packed_table(artifact), zeros(columns * 4, '\0');
    for (std::uint64_t i = 0; i < rows; ++i)
      ASSERT_TRUE(row_of(is, i, columns * 4) == (keeps(i) ? row_of(was, i, columns * 4) : zeros)) << i;
    const auto restored = artifact.restore(at("back"), 2);
    ASSERT_TRUE(restored) << error_of(restored);
    EXPECT_EQ(fs::file_size(at("back")), fs::file_size(path));
  }
}

TEST_F(Trimming, UnderABudgetKeptRowsAreAllThatCounts) {
  const auto path = put("m.safetensors", safetensors_file({table()}));
  // The kept rows as a table of their own.
  MadeTensor alone{.name = "embed", .type = "F32", .shape = {1001, columns}, .bytes = {}};
  const std::string was = table().bytes;
  for (std::uint64_t i = 0; i < rows; ++i)
    if (keeps(i)) alone.bytes += row_of(was, i, columns * 4);
  const auto single_path = put("k.safetensors", safetensors_file({alone}));
  const TrimOptions trim{.rows = {{.pattern = "embed", .rows = put("rows.txt", list())}}};
  for (const double budget : {72'000.0, 110'000.0}) {
    SCOPED_TRACE(budget);
    const LossOptions loss{.budget = Budget{.value = budget}};
    const auto least = pack_tensors(single_path, at("k.attar"), {.loss = loss, .threads = 2});
    ASSERT_TRUE(least) << error_of(least);
    const auto plan = plan_tensors(path, {.loss = loss, .trim = trim, .threads = 2});
    ASSERT_TRUE(plan) << error_of(plan);
    const auto report = pack_tensors(path, at("a.attar"), {.loss = loss, .trim = trim, .threads = 2});
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_LE(static_cast<double>(report->bytes), budget);
    ASSERT_EQ(report->lost.size(), 1u);
    const double error = report->lost[0].loss.relative_error;
    EXPECT_NEAR(error, least->lost[0].loss.relative_error, 0.12 * error);
    EXPECT_NEAR(plan->lost[0].loss.relative_error, error, 0.15 * error);
    TensorComparison found;
    const std::string is = packed_table(opened(path, &found));
    EXPECT_NEAR(found.lost.at(0).loss.relative_error, error, 1e-9 * error);
    // As a reader of the file would measure it.
    double square = 0, squared_error = 0;
    for (std::uint64_t i = 0; i < rows * columns; ++i) {
      if (!keeps(i / columns)) continue;
      const auto x = static_cast<double>(base::load<float>(std::as_bytes(std::span(was)).data() + 4 * i));
      const auto y = static_cast<double>(base::load<float>(std::as_bytes(std::span(is)).data() + 4 * i));
      square += x * x;
      squared_error += (x - y) * (x - y);
    }
    EXPECT_NEAR(error, squared_error / square, 1e-9 * error);
  }
}

// Sums over kept rows are the same however a table is cut, and those of all rows without what stands for dropped ones.
TEST_F(Trimming, WhatStandsForDroppedRowsCountsNothing) {
  const std::vector<std::uint64_t> shapes[] = {{300, 96}, {50, 3}, {16, 2, 5}, {2, 1}};
  base::Random random(4);
  for (const std::vector<std::uint64_t>& shape : shapes) {
    SCOPED_TRACE(shape.front());
    const MadeTensor made = make_tensor("embed", single, shape, TensorContent::weights, 5);
    const base::ByteView table = std::as_bytes(std::span(made.bytes));
    format::KeptRowsEntry kept{.rows = shape.front(), .bits = std::vector<std::byte>(shape.front() / 8 + 1)};
    for (std::uint64_t i = 0; i + 1 < kept.rows; ++i)
      if (i == 0 || random.below(2) == 0) kept.keep(i);
    kept.filler = 0;
    const std::vector<std::byte> trimmed = trimmed_table(table, kept);
    std::vector<std::byte> back = trimmed;
    for (std::size_t i = 3; i < back.size(); i += 4) back[i] ^= std::byte{1};
    const codec::Element element{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
    const BlockLoss all = measure_kept_rows(element, trimmed, back, &kept, trimmed.size(), 0);
    for (int cut = 0; cut < 10; ++cut) {
      const std::uint64_t at = 4 * random.below(trimmed.size() / 4 + 1);
      const base::ByteView was = trimmed, is = back;
      BlockLoss parts = measure_kept_rows(element, was.first(at), is.first(at), &kept, was.size(), 0);
      parts.add(measure_kept_rows(element, was.subspan(at), is.subspan(at), &kept, was.size(), at));
      EXPECT_NEAR(parts.square, all.square, 1e-12 * all.square);
      EXPECT_NEAR(parts.squared_error, all.squared_error, 1e-12 * all.squared_error);
      EXPECT_EQ(parts.max_error, all.max_error);
    }
    LossyTensor tensor{.view = {.schema = {.element = element, .count = trimmed.size() / 4}, .bytes = trimmed}};
    tensor.finer.assign(kept.rows, 3);
    fit_kept_rows(tensor, kept);
    const double whole = measure_loss(element, trimmed, trimmed).square;
    EXPECT_NEAR(whole - tensor.filled_square, all.square, 1e-9 * whole);
    EXPECT_NEAR(tensor.filled_weighed_square, 8 * tensor.filled_square, 1e-9 * whole);
  }
}

TEST_F(Trimming, TiedTablesAreTrimmedTogetherAndOthersStayApart) {
  auto head = table();
  head.name = "head";
  // A third is what is left of the first, and keeps all of its rows.
  const auto rows_file = put("rows.txt", list());
  MadeTensor left{.name = "left", .type = "F32", .shape = {rows, columns}, .bytes = {}};
  const std::string was = table().bytes;
  for (std::uint64_t i = 0; i < rows; ++i)
    left.bytes += keeps(i) ? std::string(row_of(was, i, columns * 4)) : std::string(columns * 4, '\0');
  const auto path = put("m.safetensors", safetensors_file({table(), head, left}));
  const auto report =
      pack_tensors(path, at("a.attar"),
                   {.loss = {.budget = Budget{.value = 300'000}},
                    .trim = {.rows = {{.pattern = "embed", .rows = rows_file}, {.pattern = "head", .rows = rows_file}}},
                    .threads = 2});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->shared_tensors, 1u);
  EXPECT_EQ(report->trimmed.size(), 2u);
  TensorComparison found;
  opened(path, &found);
  EXPECT_EQ(found.lost.size(), 3u);
}

TEST_F(Trimming, AVersionOfATrimmedTableNeedsItsChangesAlone) {
  const auto path = put("m.safetensors", safetensors_file({table()}));
  const TrimOptions trim{.rows = {{.pattern = "embed", .rows = put("rows.txt", list())}}};
  ASSERT_TRUE(pack_tensors(path, at("base.attar"), {.trim = trim}));
  auto later = table();
  later.bytes[4 * columns] ^= 1;
  const auto tuned = put("t.safetensors", safetensors_file({later}));
  const auto report = pack_tensors(tuned, at("a.attar"), {.base = at("base.attar"), .trim = trim});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->base_tensors + report->delta_tensors, 1u);
  opened(tuned);
  const auto artifact = TensorArtifact::open(at("a.attar"));
  expect_error(artifact->compare(path), ErrorCode::invalid_argument, {"other numbers"});
}

TEST_F(Trimming, ListsThatAreNoneAreRefused) {
  const auto path =
      put("m.safetensors", safetensors_file({table(), make_tensor("norm", single, {96}, TensorContent::weights, 3)}));
  const auto with = [&](const std::string& text, const std::string& name = "embed") {
    return pack_tensors(path, at("b.attar"), {.trim = {.rows = {{.pattern = name, .rows = put("rows.txt", text)}}}});
  };
  for (const char* line : {"3000", "18446744073709551615", "99999999999999999999999", "-1", "1.5", "x", "1 2", "0x1"})
    expect_error(with(std::string("5\n") + line + "\n"), ErrorCode::invalid_data, {"line 2"});
  expect_error(with(""), ErrorCode::invalid_data, {"rows.txt", "empty"});
  expect_error(with("\n \n"), ErrorCode::invalid_data, {"rows.txt", "empty"});
  expect_error(with(std::string(5000, '1')), ErrorCode::over_limit, {"line 1"});
  expect_error(with("1\n", "none*"), ErrorCode::invalid_argument, {"'none*'"});
  expect_error(with("1\n", "norm"), ErrorCode::invalid_argument, {"'norm'"});
  expect_error(pack_tensors(path, at("b.attar"), {.trim = {.rows = {{.pattern = "embed", .rows = at("absent.txt")}}}}),
               ErrorCode::io, {"absent.txt"});
  const auto rows_file = put("rows.txt", "1\n");
  expect_error(
      pack_tensors(path, at("b.attar"),
                   {.trim = {.rows = {{.pattern = "embed", .rows = rows_file}, {.pattern = "*", .rows = rows_file}}}}),
      ErrorCode::invalid_argument, {"two lists", "'embed'"});
  expect_error(pack_tensors(path, at("b.attar"), {.trim = {.tokens = rows_file}}), ErrorCode::invalid_argument,
               {"embeddings.word_embeddings.weight"});
  expect_error(
      pack_tensors(path, at("b.attar"),
                   {.loss = {.progressive = true}, .trim = {.rows = {{.pattern = "embed", .rows = rows_file}}}}),
      ErrorCode::invalid_argument, {"all rows"});
  EXPECT_FALSE(fs::exists(at("b.attar")));
  for (const char* text : {"", "embed", "=rows.txt", "embed="})
    expect_error(parse_kept_rows(text), ErrorCode::invalid_argument, {"rows.txt"});
  // One that keeps all rows changes nothing and says so.
  std::string all;
  for (std::uint64_t i = 0; i < rows; ++i) all += fmt::format("{}\n", rows - 1 - i);
  const auto report = with(all);
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_TRUE(report->trimmed.empty());
  EXPECT_EQ(report->notes.size(), 1u);
}

TEST_F(Trimming, AnEncoderRunsOnAndItsKeptTokensMeanTheSame) {
  const fs::path model = at("tiny");
  write_tiny_model(model);
  const auto tokens = put("tokens.txt", "the\ncat\n.\na\n##b\n");
  const auto report = pack_tensors(model, at("a.attar"), {.trim = {.tokens = tokens}, .threads = 2});
  ASSERT_TRUE(report) << error_of(report);
  ASSERT_EQ(report->trimmed.size(), 1u);
  EXPECT_EQ(report->trimmed[0].rows - report->trimmed[0].dropped, 9u);
  opened(model);
  const std::vector<std::string_view> texts = {"the cat.", "ab the cat", "the z", "cat, cat", "the \u2603"};
  const auto rows_of = [&](const fs::path& path) {
    const auto encoder = open_encoder(path.string(), "f32");
    EXPECT_TRUE(encoder) << error_of(encoder);
    std::vector<std::vector<float>> out;
    base::ThreadPool pool(1);
    for (const std::string_view text : texts) {
      out.emplace_back((*encoder)->info().dims);
      EXPECT_TRUE((*encoder)->encode({&text, 1}, pool, out.back()));
    }
    return out;
  };
  const auto before = rows_of(model), after = rows_of(at("a.attar"));
  EXPECT_EQ(before[0], after[0]);
  EXPECT_EQ(before[1], after[1]);
  // A dropped token is one that nobody knows.
  EXPECT_NE(before[2], after[2]);
  EXPECT_EQ(after[2], before[4]);
  EXPECT_NE(before[3], after[3]);
  // The weights' file alone, in its folder; and a token that is none.
  const auto file = pack_tensors(model / "model.safetensors", at("a.attar"), {.trim = {.tokens = tokens}});
  ASSERT_TRUE(file) << error_of(file);
  EXPECT_EQ(file->trimmed.size(), 1u);
  expect_error(pack_tensors(model, at("b.attar"), {.trim = {.tokens = put("bad.txt", "the\ndog\n")}}),
               ErrorCode::invalid_data, {"line 2"});
}

}  // namespace
}  // namespace attar::engine
