// Artifacts with a graph: packed, searched, filtered and damaged through the public API.
#include "engine/flipped_bits.h"
#include "engine/support.h"
#include "format/reader.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 24;
constexpr std::uint64_t rows = 6000;

class GraphIndex : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1, 0.6, 200);
    base_ = put_vectors("base.npy", values_, dims);
    asked_ = clustered(400, dims, 2, 0.6, 200);
    queries_ = put_vectors("queries.npy", asked_, dims);
  }
  [[nodiscard]] PackOptions options(Metric metric = Metric::cosine) const {
    return {.budget = parse_budget("130B/vec").value(),
            .metric = metric,
            .queries = queries_,
            .index = "graph",
            .threads = 2};
  }
  // Of ten hits for each of the first hundred queries, the share that is among the truth.
  [[nodiscard]] double recall(Metric metric, const Artifact& artifact,
                              std::span<const std::uint64_t> allowed = {}) const {
    const auto found = artifact.search(std::span(asked_).first(100 * dims), {.k = 10, .allowed = allowed});
    EXPECT_TRUE(found) << error_of(found);
    if (!found) return 0;
    std::size_t hits = 0, all = 0;
    for (std::size_t q = 0; q < 100; ++q) {
      auto truth = ranked(metric, std::span(asked_).subspan(q * dims, dims), values_);
      if (!allowed.empty())
        std::erase_if(truth, [&](const auto& hit) { return (allowed[hit.row / 64] >> (hit.row % 64) & 1) == 0; });
      truth.resize(std::min<std::size_t>(truth.size(), 10));
      const auto own = rows_of(found->hits[q]);
      EXPECT_EQ(own.size(), truth.size());
      all += truth.size();
      for (const auto& hit : truth) hits += std::count(own.begin(), own.end(), hit.row) == 1 ? 1u : 0u;
    }
    return static_cast<double>(hits) / static_cast<double>(all);
  }

  std::vector<float> values_, asked_;
  std::filesystem::path base_, queries_;
};

TEST_F(GraphIndex, EveryMetricFindsWhatIsNearest) {
  for (const Metric metric : all_metrics) {
    SCOPED_TRACE(metric_name(metric));
    const auto packed = pack_and_open(base_, at("graph.attar"), options(metric));
    ASSERT_TRUE(packed.artifact) << packed.failed;
    const PackReport& report = packed.outcome.report;
    EXPECT_EQ(std::filesystem::file_size(at("graph.attar")), report.bytes);
    EXPECT_LE(report.bytes, 130 * rows);
    EXPECT_EQ(sum_of(report.parts), report.bytes);
    EXPECT_NE(report.plan.find("links a row, esq"), std::string::npos) << report.plan;
    EXPECT_GT(recall(metric, *packed.artifact), 0.94);
    ATTAR_ASSERT_OK(packed.artifact->verify(2));
  }
}

TEST_F(GraphIndex, TheReportTellsWhatCodesAndGraphLose) {
  const auto packed = pack_and_open(base_, at("graph.attar"), options());
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const auto& found = packed.outcome.report.explanation;
  ASSERT_TRUE(found);
  EXPECT_GT(found->links, 20u);
  EXPECT_GT(found->steps, 5);
  EXPECT_LT(found->row_share, 0.5);
  EXPECT_EQ(found->lists, 0u);
  EXPECT_GE(found->codec_recall + 0.002, found->plan_recall);
  const auto graph = std::ranges::find(packed.outcome.report.parts, std::string("graph"), &Part::name);
  ASSERT_NE(graph, packed.outcome.report.parts.end());
  EXPECT_GT(graph->bytes, 64 * rows);
}

TEST_F(GraphIndex, AFilterIsKeptWhateverItPasses) {
  const auto packed = pack_and_open(base_, at("graph.attar"), options());
  ASSERT_TRUE(packed.artifact) << packed.failed;
  for (const std::uint32_t step : {2u, 10u, 100u, 1'500u}) {
    std::vector<std::uint64_t> allowed((rows + 63) / 64);
    for (std::uint32_t row = 0; row < rows; row += step) allowed[row / 64] |= std::uint64_t{1} << (row % 64);
    EXPECT_GT(recall(Metric::cosine, *packed.artifact, allowed), 0.95) << "every " << step;
  }
}

TEST_F(GraphIndex, ThreadsDoNotChangeTheFile) {
  auto one = options();
  one.threads = 1;
  ASSERT_TRUE(pack(base_, at("one.attar"), one));
  ASSERT_TRUE(pack(base_, at("two.attar"), options()));
  EXPECT_EQ(read_whole(at("one.attar")), read_whole(at("two.attar")));
}

TEST_F(GraphIndex, AFloorIsCertifiedByANarrowerWalk) {
  auto wanted = options();
  const auto widest = pack_and_open(base_, at("graph.attar"), wanted);
  ASSERT_TRUE(widest.artifact) << widest.failed;
  wanted.floor = parse_floor("0.85@10").value();
  const auto packed = pack_and_open(base_, at("graph.attar"), wanted);
  ASSERT_TRUE(packed.artifact) << packed.failed;
  ASSERT_EQ(packed.outcome.report.certificates.size(), 1u);
  EXPECT_GE(packed.outcome.report.certificates[0].lower_bound, 0.85);
  EXPECT_LT(packed.outcome.report.explanation->steps, widest.outcome.report.explanation->steps);
}

TEST_F(GraphIndex, OriginalsRankWhatTheWalkFinds) {
  auto wanted = options();
  wanted.budget = parse_budget("250B/vec").value();
  wanted.keep_originals = "f16";
  const auto packed = pack_and_open(base_, at("graph.attar"), wanted);
  ASSERT_TRUE(packed.artifact) << packed.failed;
  EXPECT_GT(recall(Metric::cosine, *packed.artifact), 0.96);
}

TEST_F(GraphIndex, FewRowsWorkAsMany) {
  for (const std::uint64_t few : {1ull, 2ull, 5ull, 70ull}) {
    const auto base = put_vectors("few.npy", std::span(values_).first(few * dims), dims);
    auto wanted = options();
    wanted.budget = parse_budget("100kB").value();
    const auto packed = pack_and_open(base, at("few.attar"), wanted);
    ASSERT_TRUE(packed.artifact) << few << ": " << packed.failed;
    const auto found = packed.artifact->search(std::span(asked_).first(2 * dims), {.k = 10});
    ASSERT_TRUE(found) << error_of(found);
    for (const auto& hits : found->hits) EXPECT_EQ(hits.size(), std::min<std::uint64_t>(few, 10));
    ATTAR_ASSERT_OK(packed.artifact->verify(1));
  }
}

TEST_F(GraphIndex, AFlippedBitIsRefusedOrHarmless) {
  const auto packed = pack_and_open(base_, at("graph.attar"), options());
  ASSERT_TRUE(packed.artifact) << packed.failed;
  expect_flips_refused_or_harmless(at("graph.attar"), std::span(asked_).first(3 * dims), 200);
}

TEST_F(GraphIndex, CodesThatCannotBeWalkedAreRefusedByName) {
  auto wrong = options();
  wrong.codec = "tcq";
  expect_error(pack(base_, at("graph.attar"), wrong), ErrorCode::invalid_argument, {"tcq", "esq"});
}

}  // namespace
}  // namespace attar::engine
