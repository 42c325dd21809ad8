// What an open artifact tells: ids, decoded rows, its parts, its soundness.
#include <unistd.h>

#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 16;
constexpr std::uint64_t rows = 300;

class Artifacts : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1);
    base_ = put_vectors("base.npy", values_, dims);
  }
  Artifact packed(const PackOptions& options, const std::string& name = "a.attar") {
    auto out = pack_and_open(base_, at(name), options);
    EXPECT_TRUE(out.artifact) << out.failed;
    return std::move(out.artifact).value();
  }

  std::vector<float> values_;
  std::filesystem::path base_;
};

TEST_F(Artifacts, RowsWithoutIdsAreNumbers) {
  const Artifact artifact = packed({.codec = "f16"});
  EXPECT_FALSE(artifact.info()->has_ids);
  EXPECT_EQ(artifact.id(0).value(), "0");
  EXPECT_EQ(artifact.id(299).value(), "299");
  expect_error(artifact.id(300), ErrorCode::invalid_argument, {"no row 300", "0 to 299"});
  EXPECT_EQ(artifact.row_of("17").value(), 17u);
  for (const char* none : {"300", "-1", "", "17 ", " 17", "1.0", "id-3", "99999999999999999999"})
    EXPECT_EQ(artifact.row_of(none).value(), std::nullopt) << none;
}

TEST_F(Artifacts, IdsAreKept) {
  const Artifact artifact = packed({.ids = put_ids("ids.txt", rows), .codec = "f16"});
  EXPECT_TRUE(artifact.info()->has_ids);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::string id = "id-" + std::to_string(3 * row);
    EXPECT_EQ(artifact.id(row).value(), id);
    EXPECT_EQ(artifact.row_of(id).value(), row);
  }
  expect_error(artifact.id(300), ErrorCode::invalid_argument, {"no row 300"});
  for (const char* none : {"id-1", "17", "", "id-"}) EXPECT_EQ(artifact.row_of(none).value(), std::nullopt) << none;
}

TEST_F(Artifacts, DecodeRows) {
  const Artifact artifact = packed({.metric = Metric::l2, .codec = "f32"});
  std::vector<float> all(rows * dims);
  ATTAR_ASSERT_OK(artifact.decode(0, all));
  EXPECT_EQ(all, values_);
  std::vector<float> some(3 * dims);
  ATTAR_ASSERT_OK(artifact.decode(297, some));
  EXPECT_TRUE(std::equal(some.begin(), some.end(), values_.begin() + 297 * dims));
  ATTAR_ASSERT_OK(artifact.decode(300, {}));
  expect_error(artifact.decode(298, some), ErrorCode::invalid_argument, {"298", "301", "300"});
  expect_error(artifact.decode(~std::uint64_t{0}, some), ErrorCode::invalid_argument);
  expect_error(artifact.decode(0, std::span(some).first(dims + 1)), ErrorCode::invalid_argument, {"17 values", "16"});
}

TEST_F(Artifacts, CosineDecodesTheNormalisedRows) {
  const Artifact artifact = packed({.metric = Metric::cosine, .codec = "f32"});
  std::vector<float> all(rows * dims);
  ATTAR_ASSERT_OK(artifact.decode(0, all));
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto original = std::span(values_).subspan(row * dims, dims);
    double norm = 0;
    for (const float value : original) norm += static_cast<double>(value) * static_cast<double>(value);
    for (std::uint32_t j = 0; j < dims; ++j)
      EXPECT_NEAR(all[row * dims + j], static_cast<double>(original[j]) / std::sqrt(norm), 1e-6);
  }
}

TEST_F(Artifacts, ADecodedPartEqualsThatPartOfTheWhole) {
  for (const std::string& codec : codec_names()) {
    const Artifact artifact = packed({.codec = codec});
    std::vector<float> all(rows * dims);
    ATTAR_ASSERT_OK(artifact.decode(0, all));
    for (const auto& [first, count] : {std::pair{0u, 1u}, {31u, 2u}, {33u, 100u}, {299u, 1u}, {64u, 32u}}) {
      std::vector<float> part(count * dims);
      ATTAR_ASSERT_OK(artifact.decode(first, part));
      EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + first * dims)) << codec << " " << first;
    }
  }
}

TEST_F(Artifacts, InfoDescribesTheFile) {
  const Artifact artifact = packed({.budget = parse_budget("160B/vec").value(),
                                    .metric = Metric::inner_product,
                                    .ids = put_ids("ids.txt", rows),
                                    .keep_originals = "f16",
                                    .seed = 9});
  const auto info = artifact.info();
  ASSERT_TRUE(info) << error_of(info);
  EXPECT_EQ(info->path, at("a.attar").string());
  EXPECT_EQ(info->rows, rows);
  EXPECT_EQ(info->dims, dims);
  EXPECT_EQ(info->metric, Metric::inner_product);
  EXPECT_EQ(info->bytes, std::filesystem::file_size(at("a.attar")));
  EXPECT_EQ(info->bytes_per_row, static_cast<double>(info->bytes) / rows);
  EXPECT_EQ(info->format_version, 1u);
  EXPECT_TRUE(info->has_ids);
  EXPECT_EQ(info->originals, "f16");
  EXPECT_EQ(info->content_digest.size(), 64u);
  std::vector<std::string> names;
  for (const Part& part : info->parts) names.push_back(part.name);
  EXPECT_EQ(names, (std::vector<std::string>{"schema", "plan", "ids", "model", "codes", "model 1", "originals",
                                             "certificate", "container"}));
  EXPECT_EQ(info->parts[6].bytes, rows * dims * 2);
  EXPECT_EQ(info->parts[4].bytes, static_cast<std::uint64_t>(std::llround(info->code_bytes_per_row * rows)));
  EXPECT_NE(info->plan.find(info->codec), std::string::npos);
  EXPECT_NE(info->plan_json.find(R"("budget":"160B/vec")"), std::string::npos) << info->plan_json;
  EXPECT_NE(info->plan_json.find(R"("seed":9)"), std::string::npos);
  ASSERT_EQ(info->certificates.size(), 1u);
  EXPECT_EQ(info->certificates[0].content_digest, info->content_digest);
  EXPECT_EQ(artifact.rows(), rows);
  EXPECT_EQ(artifact.dims(), dims);
  EXPECT_EQ(artifact.metric(), Metric::inner_product);
}

TEST_F(Artifacts, GoalsOfAnySizeAreReadBack) {
  for (const char* budget :
       {"12345678901234567890%", "10000000000000000000000B/vec", "99999999999TB", "500.123456789bit"}) {
    const Artifact artifact = packed({.budget = parse_budget(budget).value(), .floor = Floor{1e-7, 3}, .codec = "f16"});
    const auto info = artifact.info();
    EXPECT_TRUE(info) << budget << ": " << error_of(info);
    EXPECT_TRUE(artifact.verify(1)) << budget;
  }
}

TEST_F(Artifacts, VerifyFindsDamageThatOpeningDoesNotReadAndTellsItsPlace) {
  ATTAR_ASSERT_OK(packed({.codec = "f16"}).verify(2));
  std::string bytes = read_whole(at("a.attar"));
  // The codes are the last section but the certificate.
  const std::size_t place = bytes.size() - 3072 - 2000;
  bytes[place] = static_cast<char>(bytes[place] ^ 4);
  const auto damaged = Artifact::open(put("b.attar", bytes));
  ASSERT_TRUE(damaged) << "opening reads header and directory only: " << error_of(damaged);
  expect_error(damaged->verify(1), ErrorCode::corrupt, {"b.attar", "codes"});
  expect_error(damaged->search(std::span(values_).first(dims)), ErrorCode::corrupt, {"codes"});
  std::vector<float> row(dims);
  expect_error(damaged->decode(0, row), ErrorCode::corrupt, {"codes"});
}

TEST_F(Artifacts, FilesThatOthersMayWriteAreCopied) {
  (void)packed({.codec = "f16"});
  const auto copied = Artifact::open(at("a.attar"), {.limits = {}, .mmap = false});
  const auto mapped = Artifact::open(at("a.attar"));
  ASSERT_TRUE(copied && mapped);
  EXPECT_EQ(copied->search(values_)->hits, mapped->search(values_)->hits);
  ASSERT_EQ(::truncate(at("a.attar").c_str(), 0), 0);
  EXPECT_TRUE(copied->verify(1)) << "its bytes are its own";
}

TEST_F(Artifacts, BytesInMemoryAreAnArtifactToo) {
  const Artifact file = packed({.ids = put_ids("ids.txt", rows), .codec = "lvq"});
  const std::string bytes = read_whole(at("a.attar"));
  const auto memory = Artifact::open_bytes(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(memory) << error_of(memory);
  EXPECT_EQ(memory->search(values_)->hits, file.search(values_)->hits);
  EXPECT_EQ(memory->id(7).value(), "id-21");
  EXPECT_TRUE(memory->info()->path.empty());
  EXPECT_TRUE(memory->verify(1));
  expect_error(Artifact::open_bytes(std::as_bytes(std::span(bytes)).first(1000)), ErrorCode::truncated);
}

TEST_F(Artifacts, LimitsHoldBeforeAnythingIsAllocated) {
  (void)packed({.codec = "tcq"});
  const auto refused = [&](const OpenLimits& limits, std::string_view word) {
    expect_error(Artifact::open(at("a.attar"), {.limits = limits}), ErrorCode::over_limit, {word});
  };
  refused({.max_sections = 3}, "max_sections");
  refused({.max_rows = rows - 1}, "300");
  refused({.max_dims = dims - 1}, "16");
  refused({.max_model_bytes = 8}, "max_model_bytes");
  refused({.max_text_bytes = 8}, "max_text_bytes");
  const auto open = Artifact::open(at("a.attar"), {.limits = {.max_hits = 5}});
  ASSERT_TRUE(open) << error_of(open);
  EXPECT_TRUE(open->search(std::span(values_).first(dims), {.k = 5}));
  expect_error(open->search(std::span(values_).first(dims), {.k = 6}), ErrorCode::invalid_argument, {"k is 6"});
}

TEST_F(Artifacts, OtherFilesAreRefused) {
  expect_error(Artifact::open(at("none.attar")), ErrorCode::io, {"none.attar"});
  expect_error(Artifact::open(base_), ErrorCode::corrupt, {"base.npy", "attar pack"});
  expect_error(Artifact::open(put("empty.attar", "")), ErrorCode::truncated, {"empty.attar"});
  expect_error(Artifact::open(folder_), ErrorCode::io);
}

}  // namespace
}  // namespace attar::engine
