// Originals kept beside the codes: a second look at the best rows, inside the budget.
#include <fmt/format.h>

#include "engine/support.h"
#include "format/container_bytes.h"
#include "format/reader.h"
#include "format/writer.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 24;
constexpr std::uint64_t rows = 1500;
constexpr std::uint64_t queries = 300;
constexpr std::uint32_t k = 10;

class Originals : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1);
    asked_ = clustered(40, dims, 3);
    base_ = put_vectors("base.npy", values_, dims);
    log_ = put_vectors("log.npy", clustered(queries, dims, 2), dims);
  }

  PackedFile packed(const std::string& originals, Metric metric = Metric::cosine, const std::string& index = "flat",
                    const std::string& codec = "rbin") {
    return pack_and_open(base_, at("a.attar"),
                         {.budget = parse_budget("220B/vec").value(),
                          .metric = metric,
                          .queries = log_,
                          .codec = codec,
                          .index = index,
                          .keep_originals = originals,
                          .threads = 2});
  }

  double recall(const Artifact& artifact, const SearchOptions& options = {.k = k}) const {
    const auto found = artifact.search(asked_, options);
    EXPECT_TRUE(found) << error_of(found);
    double hits = 0;
    for (std::size_t q = 0; q < found->hits.size(); ++q) {
      auto best = ranked(artifact.metric(), std::span(asked_).subspan(q * dims, dims), values_);
      best.resize(k);
      const auto expected = rows_of(best);
      for (const std::uint32_t row : rows_of(found->hits[q]))
        hits += std::find(expected.begin(), expected.end(), row) != expected.end() ? 1 : 0;
    }
    return hits / static_cast<double>(found->hits.size() * k);
  }

  std::vector<float> values_, asked_;
  std::filesystem::path base_, log_;
};

class OriginalsOf : public Originals,
                    public testing::WithParamInterface<std::tuple<const char*, Metric, const char*>> {};
std::string name_of(const testing::TestParamInfo<OriginalsOf::ParamType>& parameter) {
  const auto& [kind, metric, index] = parameter.param;
  return fmt::format("{}_{}_{}", kind, metric_name(metric), index);
}
INSTANTIATE_TEST_SUITE_P(, OriginalsOf,
                         testing::Combine(testing::Values("i8", "f16", "f32"), testing::ValuesIn(all_metrics),
                                          testing::Values("flat", "ivf")),
                         name_of);

// One bit a component finds half of the neighbours; ranked by the originals, next to all.
TEST_P(OriginalsOf, RankTheBestRowsByTheirOwnScores) {
  const auto& [kind, metric, index] = GetParam();
  const PackedFile kept = packed(kind, metric, index);
  ASSERT_TRUE(kept.artifact) << kept.failed;
  EXPECT_LE(std::filesystem::file_size(at("a.attar")), rows * 220);
  EXPECT_EQ(std::filesystem::file_size(at("a.attar")), kept.outcome.report.bytes);
  EXPECT_EQ(kept.artifact->info().value().originals, kind);
  EXPECT_NE(kept.outcome.report.plan.find(fmt::format("originals as {}", kind)), std::string::npos);
  EXPECT_NE(kept.outcome.report.why.find("ranked by the originals"), std::string::npos);
  EXPECT_GE(recall(*kept.artifact), 0.93);
  const auto found = kept.artifact->search(asked_, {.k = k});
  ASSERT_TRUE(found) << error_of(found);
  const double close = std::string_view(kind) == "i8" ? 0.03 : 2e-3;
  for (std::size_t q = 0; q < found->hits.size(); ++q) {
    const auto query = std::span(asked_).subspan(q * dims, dims);
    for (const SearchHit& hit : found->hits[q]) {
      const double exact = shown_score(metric, query, std::span(values_).subspan(hit.row * dims, dims));
      EXPECT_NEAR(hit.score, exact, close * std::max(1.0, std::abs(exact))) << "query " << q << " row " << hit.row;
    }
  }
}

TEST_F(Originals, AreWorthTheirBytes) {
  const PackedFile without = packed("none");
  ASSERT_TRUE(without.artifact) << without.failed;
  const double alone = recall(*without.artifact);
  EXPECT_EQ(without.artifact->info().value().originals, "");
  const PackedFile with = packed("f32");
  ASSERT_TRUE(with.artifact) << with.failed;
  EXPECT_GT(recall(*with.artifact), alone);
}

TEST_F(Originals, FiltersSkippedRowsAndOtherDepthsHold) {
  const PackedFile kept = packed("f16", Metric::inner_product, "ivf");
  ASSERT_TRUE(kept.artifact) << kept.failed;
  std::vector<std::uint64_t> allowed((rows + 63) / 64, 0x0101'0101'0101'0101ull);
  const auto some = kept.artifact->search(asked_, {.k = 30, .allowed = allowed});
  ASSERT_TRUE(some) << error_of(some);
  for (const auto& hits : some->hits) {
    EXPECT_EQ(hits.size(), 30u);
    for (const SearchHit& hit : hits) EXPECT_EQ(hit.row % 8, 0u);
  }
  const auto whole = kept.artifact->search(asked_, {.k = static_cast<std::uint32_t>(rows + 7)});
  ASSERT_TRUE(whole) << error_of(whole);
  for (const auto& hits : whole->hits) EXPECT_EQ(hits.size(), rows);
  const auto all = kept.artifact->search(asked_, {.k = 12});
  ASSERT_TRUE(all) << error_of(all);
  std::vector<std::uint32_t> first;
  for (const auto& hits : all->hits) first.push_back(hits.front().row);
  const auto others = kept.artifact->search(asked_, {.k = 11, .skip = first});
  ASSERT_TRUE(others) << error_of(others);
  for (std::size_t q = 0; q < first.size(); ++q)
    for (const SearchHit& hit : others->hits[q]) EXPECT_NE(hit.row, first[q]);
}

// Codes that lie in blocks of 32 rows, said to be rows one by one.
TEST_F(Originals, ACodecThatNeedsNeighboursIsRefused) {
  using format::SectionKind;
  const auto golden = std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / "rbin-v1.attar";
  const auto reader = format::ArtifactReader::open(golden);
  ASSERT_TRUE(reader) << error_of(reader);
  auto writer = format::ArtifactWriter::create(at("odd.attar"), {.certificate_bytes = 300});
  ASSERT_TRUE(writer) << error_of(writer);
  const auto copy = [&](SectionKind from, SectionKind to, std::uint32_t instance) {
    const auto section = reader->section(from);
    ASSERT_TRUE(section) << error_of(section);
    format::SectionSpec spec = reader->find(from)->spec;
    spec.kind = to;
    spec.instance = instance;
    ATTAR_ASSERT_OK(writer->add(spec, section->bytes()));
  };
  for (const SectionKind kind : {SectionKind::schema, SectionKind::plan, SectionKind::model, SectionKind::codes})
    copy(kind, kind, 0);
  copy(SectionKind::model, SectionKind::model, 1);
  copy(SectionKind::codes, SectionKind::single_rows, 0);
  ATTAR_ASSERT_OK(writer->finish({}));
  expect_error(Artifact::open(at("odd.attar")), ErrorCode::corrupt, {"originals", "rbin", "one by one"});
}

// Behind right checksums: a search leaves such rows out, and never shows them.
TEST_F(Originals, RowsThatAreNoNumbersAreLeftOut) {
  namespace raw = format::raw;
  const std::string golden =
      read_whole(std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / "rows-v1-f32.attar");
  const auto input = std::as_bytes(std::span(golden));
  raw::Bytes bytes(input.begin(), input.end());
  for (std::uint64_t i = 0; i < raw::get<std::uint32_t>(bytes, raw::count_at); ++i) {
    const std::uint64_t entry = raw::entry_at(bytes, i);
    if (raw::get<std::uint32_t>(bytes, entry) != static_cast<std::uint32_t>(format::SectionKind::single_rows)) continue;
    const auto offset = raw::get<std::uint64_t>(bytes, entry + raw::offset_in);
    const auto length = raw::get<std::uint64_t>(bytes, entry + raw::length_in);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), length / 2, std::byte{0xff});
  }
  raw::seal_sections(bytes);
  const auto artifact = Artifact::open_bytes(bytes);
  ASSERT_TRUE(artifact) << error_of(artifact);
  const auto found = artifact->search(std::vector<float>(artifact->dims(), 0.25f), {.k = 300});
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->hits.front().size(), artifact->rows() / 2);
  for (const SearchHit& hit : found->hits.front()) EXPECT_FALSE(std::isnan(hit.score)) << hit.row;
}

TEST_F(Originals, DamageIsFoundWhereTheyAreRead) {
  const PackedFile kept = packed("f16");
  ASSERT_TRUE(kept.artifact) << kept.failed;
  std::string bytes = read_whole(at("a.attar"));
  std::uint64_t originals_at = 0;
  const ArtifactInfo info = kept.artifact->info().value();
  for (const Part& part : info.parts)
    if (part.name == "originals") originals_at = bytes.size() - 8192 - part.bytes / 2;
  ASSERT_NE(originals_at, 0u);
  bytes[originals_at] = static_cast<char>(bytes[originals_at] ^ 0x10);
  const auto damaged = Artifact::open(put("damaged.attar", bytes));
  ASSERT_TRUE(damaged) << error_of(damaged);
  const auto found = damaged->search(values_, {.k = k});
  expect_error(found, ErrorCode::corrupt, {"originals"});
}

}  // namespace
}  // namespace attar::engine
