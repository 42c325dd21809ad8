// Goals of every kind, from the file of vectors to the file that was written.
#include "attar/pack.h"

#include <cmath>
#include <limits>

#include "attar/evaluate.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint64_t rows = 2000;
constexpr std::uint32_t dims = 32;

class Packs : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    base_ = put_vectors("base.npy", clustered(rows, dims, 1), dims);
    queries_ = put_vectors("queries.npy", clustered(600, dims, 2), dims);
  }

  std::filesystem::path base_, queries_;
};

std::vector<Candidate> chosen(const PackReport& report) {
  std::vector<Candidate> out;
  for (const Candidate& candidate : report.candidates)
    if (candidate.chosen) out.push_back(candidate);
  return out;
}

// What holds for every file that was packed.
void expect_sound(const PackReport& report, const Artifact& artifact, const std::filesystem::path& path) {
  EXPECT_EQ(report.path, path.string());
  EXPECT_EQ(report.bytes, std::filesystem::file_size(path));
  EXPECT_EQ(report.bytes, sum_of(report.parts));
  EXPECT_DOUBLE_EQ(report.bytes_per_row, static_cast<double>(report.bytes) / static_cast<double>(report.rows));
  const auto picked = chosen(report);
  ASSERT_EQ(picked.size(), 1u);
  EXPECT_EQ(picked[0].bytes, report.bytes);
  const auto info = artifact.info();
  ASSERT_TRUE(info) << error_of(info);
  EXPECT_EQ(info->bytes, report.bytes);
  EXPECT_EQ(info->plan, report.plan);
  EXPECT_EQ(info->codec, picked[0].codec);
  EXPECT_EQ(info->certificates, report.certificates);
  EXPECT_FALSE(info->certificate_stale);
  EXPECT_TRUE(artifact.verify(1));
}

TEST_F(Packs, TheBestWithinABudget) {
  const auto packed =
      pack_and_open(base_, at("a.attar"), {.budget = parse_budget("20B/vec").value(), .queries = queries_});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const PackReport& report = packed.outcome.report;
  expect_sound(report, *packed.artifact, at("a.attar"));
  EXPECT_EQ(report.rows, rows);
  EXPECT_EQ(report.dims, dims);
  EXPECT_EQ(report.budget_bytes, 40'000u);
  EXPECT_LE(report.bytes, 40'000u);
  EXPECT_EQ(report.goal, "the best recall@10 within 20B/vec (40000 bytes)");
  EXPECT_EQ(report.queries, 600u);
  EXPECT_FALSE(report.proxy);
  EXPECT_EQ(report.tune_queries + report.certify_queries, 600u);
  for (const Candidate& candidate : report.candidates) {
    EXPECT_LE(candidate.bytes, 40'000u) << candidate.settings;
    // Kinds are compared at several depths (decision 0015): recall@10 alone, on 200 queries, may favour a close one.
    EXPECT_LE(candidate.recall, chosen(report)[0].recall + 0.01) << candidate.settings;
  }
  // Nothing was claimed, so that nothing passed: the figure stands alone.
  ASSERT_EQ(report.certificates.size(), 1u);
  const Certificate& certificate = report.certificates[0];
  EXPECT_FALSE(certificate.passed);
  EXPECT_EQ(certificate.floor, 0);
  EXPECT_GT(certificate.lower_bound, 0.5);
  EXPECT_LT(certificate.lower_bound, certificate.estimate);
  EXPECT_EQ(certificate.queries, report.certify_queries);
}

TEST_F(Packs, ALargerBudgetIsNoWorse) {
  double last = 0;
  for (const char* budget : {"10B/vec", "16B/vec", "24B/vec", "40B/vec", "150B/vec"}) {
    const auto plan = make_plan(base_, {.budget = parse_budget(budget).value(), .queries = queries_});
    ASSERT_TRUE(plan) << error_of(plan);
    ASSERT_TRUE(plan->reachable) << budget << ": " << plan->unreachable;
    EXPECT_GE(chosen(plan->report).at(0).recall, last - 0.005) << budget;
    last = chosen(plan->report).at(0).recall;
  }
  EXPECT_GT(last, 0.999);
}

TEST_F(Packs, TheSmallestAboveAFloor) {
  const auto packed =
      pack_and_open(base_, at("a.attar"), {.floor = parse_floor("0.9@10").value(), .queries = queries_});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const PackReport& report = packed.outcome.report;
  expect_sound(report, *packed.artifact, at("a.attar"));
  EXPECT_EQ(report.budget_bytes, 0u);
  EXPECT_EQ(report.goal, "recall@10 ≥ 0.9, the smallest plan");
  ASSERT_EQ(report.certificates.size(), 1u);
  const Certificate& certificate = report.certificates[0];
  EXPECT_TRUE(certificate.passed);
  EXPECT_EQ(certificate.floor, 0.9);
  EXPECT_GE(certificate.lower_bound, 0.9);
  EXPECT_GE(certificate.queries, certificate.queries_needed);
  EXPECT_LT(report.bytes, rows * dims * 2) << "well below half precision";
  // Another 600 queries of the same kind agree.
  const auto fresh = put_vectors("fresh.npy", clustered(600, dims, 3), dims);
  const auto measured = evaluate(*packed.artifact, {.queries = fresh, .base = base_, .ks = {10}});
  ASSERT_TRUE(measured) << error_of(measured);
  EXPECT_GE(measured->recall.at(10).high, 0.9);
}

TEST_F(Packs, SlowALowerFloorIsNoLarger) {
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  for (const char* floor : {"0.97@10", "0.9@10", "0.8@10", "0.6@10"}) {
    const auto plan = make_plan(base_, {.floor = parse_floor(floor).value(), .queries = queries_});
    ASSERT_TRUE(plan) << error_of(plan);
    ASSERT_TRUE(plan->reachable) << floor << ": " << plan->unreachable;
    EXPECT_LE(plan->report.bytes, last) << floor;
    last = plan->report.bytes;
  }
}

TEST_F(Packs, AFloorWithinABudget) {
  const auto packed = pack_and_open(
      base_, at("a.attar"),
      {.budget = parse_budget("100kB").value(), .floor = parse_floor("0.9@5").value(), .queries = queries_});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const PackReport& report = packed.outcome.report;
  expect_sound(report, *packed.artifact, at("a.attar"));
  EXPECT_LE(report.bytes, 100'000u);
  EXPECT_EQ(report.goal, "recall@5 ≥ 0.9 within 100000B (100000 bytes), the fastest plan");
  ASSERT_EQ(report.certificates.size(), 1u);
  EXPECT_TRUE(report.certificates[0].passed);
  EXPECT_EQ(report.certificates[0].k, 5u);
}

TEST_F(Packs, WithoutAGoalWithinAHundredthOfEightBits) {
  const auto packed = pack_and_open(base_, at("a.attar"), {.queries = queries_});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const PackReport& report = packed.outcome.report;
  expect_sound(report, *packed.artifact, at("a.attar"));
  EXPECT_NE(report.goal.find("within 0.01 of the recall@10 at 8 bits, so at least 0.9"), std::string::npos)
      << report.goal;
  EXPECT_GE(chosen(report)[0].recall, 0.97);
  EXPECT_LT(report.bytes, rows * (dims + 8) + 16'384);
}

TEST_F(Packs, WithoutQueriesRowsStandIn) {
  const auto packed = pack_and_open(base_, at("a.attar"), {.floor = parse_floor("0.9@10").value()});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  expect_sound(packed.outcome.report, *packed.artifact, at("a.attar"));
  EXPECT_TRUE(packed.outcome.report.proxy);
  EXPECT_TRUE(packed.outcome.report.certificates.at(0).proxy);
  EXPECT_NE(packed.outcome.report.certificates[0].scope.find("proxy queries"), std::string::npos);
}

TEST_F(Packs, APlanWritesNothingAndAgreesWithTheFile) {
  const PackOptions options{.budget = parse_budget("30B/vec").value(), .queries = queries_, .seed = 5};
  const auto planned = make_plan(base_, options);
  ASSERT_TRUE(planned) << error_of(planned);
  EXPECT_EQ(files(), (std::vector<std::string>{"base.npy", "queries.npy"}));
  EXPECT_TRUE(planned->report.path.empty());
  const auto packed = pack(base_, at("a.attar"), options);
  ASSERT_TRUE(packed) << error_of(packed);
  EXPECT_EQ(planned->report.plan, packed->report.plan);
  EXPECT_EQ(planned->report.bytes, packed->report.bytes);
  EXPECT_EQ(planned->report.certificates.at(0).estimate, packed->report.certificates.at(0).estimate);
}

TEST_F(Packs, EveryForcedCodec) {
  for (const std::string& codec : codec_names()) {
    const auto packed = pack_and_open(
        base_, at("a.attar"), {.budget = parse_budget("140B/vec").value(), .queries = queries_, .codec = codec});
    ASSERT_TRUE(packed.artifact) << codec << ": " << packed.failed;
    EXPECT_EQ(packed.artifact->info()->codec, codec);
    for (const Candidate& candidate : packed.outcome.report.candidates) EXPECT_EQ(candidate.codec, codec);
  }
}

// --- out of reach ----------------------------------------------------------------------------------------------------

TEST_F(Packs, NothingFits) {
  put("a.attar", "what was there");
  const auto packed = pack(base_, at("a.attar"), {.budget = parse_budget("5000B").value(), .queries = queries_});
  ASSERT_TRUE(packed) << error_of(packed);
  EXPECT_FALSE(packed->reachable);
  EXPECT_TRUE(packed->report.path.empty());
  EXPECT_EQ(packed->nearest.recall_in_budget, 0);
  EXPECT_GT(packed->nearest.least_bytes, 5000u);
  EXPECT_NE(packed->unreachable.find(std::to_string(packed->nearest.least_bytes)), std::string::npos)
      << packed->unreachable;
  EXPECT_EQ(read_whole(at("a.attar")), "what was there");
  EXPECT_EQ(files().size(), 3u);

  // The least size that was named works, one byte less does not.
  const auto least = packed->nearest.least_bytes;
  const auto at_least = make_plan(base_, {.budget = Budget{static_cast<double>(least)}, .queries = queries_});
  ASSERT_TRUE(at_least) << error_of(at_least);
  EXPECT_TRUE(at_least->reachable) << at_least->unreachable;
  EXPECT_LE(at_least->report.bytes, least);
  const auto below = make_plan(base_, {.budget = Budget{static_cast<double>(least - 1)}, .queries = queries_});
  ASSERT_TRUE(below) << error_of(below);
  EXPECT_FALSE(below->reachable);
  EXPECT_EQ(below->nearest.least_bytes, least);
}

TEST_F(Packs, AFloorThatTheBudgetCannotPay) {
  const auto packed =
      pack(base_, at("a.attar"),
           {.budget = parse_budget("12B/vec").value(), .floor = parse_floor("0.95@10").value(), .queries = queries_});
  ASSERT_TRUE(packed) << error_of(packed);
  ASSERT_FALSE(packed->reachable);
  EXPECT_FALSE(std::filesystem::exists(at("a.attar")));
  const Nearest& nearest = packed->nearest;
  EXPECT_GT(nearest.recall_in_budget, 0.1);
  EXPECT_LT(nearest.recall_in_budget, 0.95);
  EXPECT_GT(nearest.bytes_for_floor, 24'000u);
  EXPECT_LT(nearest.bytes_for_floor, rows * dims * 4);
  EXPECT_LE(nearest.least_bytes, 24'000u);
  EXPECT_NE(packed->unreachable.find("0.95@10 within 12B/vec"), std::string::npos) << packed->unreachable;
  EXPECT_NE(packed->unreachable.find(std::to_string(nearest.bytes_for_floor)), std::string::npos)
      << packed->unreachable;

  // Both ends hold what they promise: that recall inside the budget, and that size for the floor.
  const auto inside = make_plan(base_, {.budget = parse_budget("12B/vec").value(), .queries = queries_});
  ASSERT_TRUE(inside && inside->reachable);
  EXPECT_NEAR(chosen(inside->report).at(0).recall, nearest.recall_in_budget, 0.02);
  const auto larger = make_plan(base_, {.budget = Budget{static_cast<double>(nearest.bytes_for_floor) * 1.02},
                                        .floor = parse_floor("0.95@10").value(),
                                        .queries = queries_});
  ASSERT_TRUE(larger) << error_of(larger);
  EXPECT_TRUE(larger->reachable) << larger->unreachable;
}

TEST_F(Packs, AFloorThatNoSizeCanShow) {
  // 200 queries to certify with cannot show 0.9999, and the file ships with the estimate alone.
  const auto packed =
      pack_and_open(base_, at("a.attar"), {.floor = parse_floor("0.9999@10").value(), .queries = queries_});
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const auto& certificate = packed.outcome.report.certificates.at(0);
  EXPECT_FALSE(certificate.passed);
  EXPECT_GT(certificate.queries_needed, certificate.queries);
  EXPECT_NE(describe(certificate).find("needs"), std::string::npos);
}

// --- few rows
// ----------------------------------------------------------------------------------------------------------

class FewRows : public EngineTest, public testing::WithParamInterface<Metric> {};
INSTANTIATE_TEST_SUITE_P(, FewRows, testing::ValuesIn(all_metrics), metric_test_name);

TEST_P(FewRows, PackWithoutQueries) {
  for (const std::uint64_t count : {1u, 2u, 3u, 4u, 5u}) {
    const std::vector<float> values = clustered(count, 8, 1);
    const auto base = put_vectors("few.npy", values, 8);
    for (const char* budget : {"", "100kB"}) {
      PackOptions options{.metric = GetParam()};
      if (*budget != '\0') options.budget = parse_budget(budget).value();
      const auto packed = pack_and_open(base, at("few.attar"), options);
      ASSERT_TRUE(packed.artifact) << count << " rows: " << packed.failed;
      EXPECT_EQ(packed.outcome.report.bytes, std::filesystem::file_size(at("few.attar")));
      EXPECT_EQ(packed.outcome.report.bytes, sum_of(packed.outcome.report.parts));
      EXPECT_TRUE(packed.artifact->info()) << error_of(packed.artifact->info());
      EXPECT_EQ(packed.outcome.report.certificates.empty(), count < 3) << count << " rows";
      const auto found = packed.artifact->search(std::span(values).first(8), {.k = 10});
      ASSERT_TRUE(found) << error_of(found);
      EXPECT_EQ(found->hits.at(0).size(), count);
      // Under the inner product a longer row may come first.
      EXPECT_TRUE(GetParam() == Metric::inner_product || found->hits[0][0].row == 0u);
    }
  }
}

TEST_P(FewRows, PackWithALog) {
  const auto base = put_vectors("few.npy", clustered(3, 8, 1), 8);
  for (const std::uint64_t count : {1u, 2u, 100u}) {
    const auto queries = put_vectors("log.npy", clustered(count, 8, 2), 8);
    const auto packed = pack_and_open(base, at("few.attar"), {.metric = GetParam(), .queries = queries});
    ASSERT_TRUE(packed.artifact) << count << " queries: " << packed.failed;
  }
}

TEST_F(Packs, AFloorNeedsSomethingToMeasureWith) {
  const auto one = put_vectors("one.npy", clustered(1, 8, 1), 8);
  EXPECT_FALSE(pack(one, at("one.attar"), {.floor = parse_floor("0.9@1").value()}));
  const auto two = put_vectors("two.npy", clustered(2, 8, 1), 8);
  const auto log = put_vectors("log.npy", clustered(1, 8, 2), 8);
  expect_error(pack(two, at("two.attar"), {.floor = parse_floor("0.9@1").value(), .queries = log}),
               ErrorCode::invalid_argument, {"two", "--queries"});
}

TEST_F(Packs, MoreNeighboursThanRowsCannotBeMeasured) {
  const auto base = put_vectors("few.npy", clustered(20, 8, 1), 8);
  // Rows that stand in leave themselves out.
  expect_error(pack(base, at("a.attar"), {.floor = Floor{0.9, 20}}), ErrorCode::invalid_argument,
               {"recall@20", "20 rows", "0.9@19"});
  const auto log = put_vectors("log.npy", clustered(50, 8, 2), 8);
  expect_error(pack(base, at("a.attar"), {.floor = Floor{0.9, 21}, .queries = log}), ErrorCode::invalid_argument,
               {"recall@21"});
  const auto packed = pack(base, at("a.attar"), {.floor = Floor{0.5, 19}});
  ASSERT_TRUE(packed) << error_of(packed);
  EXPECT_TRUE(packed->reachable);
  const auto all = pack(base, at("b.attar"), {.floor = Floor{0.5, 20}, .queries = log});
  ASSERT_TRUE(all) << error_of(all);
  EXPECT_TRUE(all->reachable);
}

// --- wrong use
// ---------------------------------------------------------------------------------------------------------

TEST_F(Packs, WrongOptionsAreRefusedByName) {
  const auto refused = [&](const PackOptions& options, std::initializer_list<std::string_view> words) {
    expect_error(pack(base_, at("a.attar"), options), ErrorCode::invalid_argument, words);
  };
  refused({.codec = "mp3"}, {"mp3", "tcq", "f32"});
  refused({.keep_originals = "f64"}, {"f64", "f16", "f32"});
  refused({.memory_bytes = 1000}, {"64 MiB"});
  refused({.confidence = 1}, {"confidence"});
  refused({.confidence = 0}, {"confidence"});
  refused({.confidence = std::nan("")}, {"confidence"});
  refused({.floor = Floor{0.9, 0}}, {"floor"});
  refused({.floor = Floor{1, 10}}, {"floor"});
  refused({.floor = Floor{0, 10}}, {"floor"});
  refused({.floor = Floor{std::nan(""), 10}}, {"floor"});
  refused({.budget = Budget{-1}}, {"budget"});
  refused({.budget = Budget{std::nan("")}}, {"budget"});
  expect_error(pack(base_, {}, {}), ErrorCode::invalid_argument, {"name the file"});
  expect_error(pack(base_, folder_, {}), ErrorCode::invalid_argument, {"folder"});
  expect_error(pack(base_, at("missing/a.attar"), {}), ErrorCode::io, {"missing", "does not exist"});
  EXPECT_EQ(files(), (std::vector<std::string>{"base.npy", "queries.npy"}));
}

TEST_F(Packs, WrongDataIsRefusedByFileAndRow) {
  const auto refused = [&](const std::filesystem::path& base, const PackOptions& options, ErrorCode code,
                           std::initializer_list<std::string_view> words) {
    expect_error(pack(base, at("a.attar"), options), code, words);
  };
  std::vector<float> bad = clustered(50, 8, 1);
  bad[17 * 8 + 3] = std::numeric_limits<float>::quiet_NaN();
  refused(put_vectors("nan.npy", bad, 8), {}, ErrorCode::invalid_data, {"nan.npy", "17"});
  std::fill_n(bad.begin() + 17 * 8, 8, 0.0f);
  const auto zero = put_vectors("zero.npy", bad, 8);
  refused(zero, {.metric = Metric::cosine}, ErrorCode::invalid_data, {"zero.npy", "17"});
  EXPECT_TRUE(pack(zero, at("zero.attar"), {.metric = Metric::l2}));
  refused(base_, {.queries = put_vectors("q8.npy", clustered(50, 8, 2), 8)}, ErrorCode::invalid_data,
          {"q8.npy", "8", "32"});
  refused(base_, {.ids = put_ids("ids.txt", 1999)}, ErrorCode::invalid_data, {"ids.txt"});
  refused(at("none.npy"), {}, ErrorCode::io, {"none.npy"});
  refused(put("empty.npy", ""), {}, ErrorCode::invalid_data, {"empty.npy"});
  refused(put_vectors("norows.npy", {}, 8), {}, ErrorCode::invalid_data, {"norows.npy"});
  EXPECT_FALSE(std::filesystem::exists(at("a.attar")));
}

TEST_F(Packs, ThePreviousFileStaysUntilTheNewOneIsWhole) {
  put("a.attar", "what was there");
  EXPECT_FALSE(pack(base_, at("a.attar"), {.codec = "mp3"}));
  EXPECT_EQ(read_whole(at("a.attar")), "what was there");
  const auto packed = pack_and_open(base_, at("a.attar"), {.budget = parse_budget("20B/vec").value()});
  EXPECT_TRUE(packed.artifact) << packed.failed;
}

TEST_F(Packs, PackingAgainOnTheSameLogIsSaid) {
  const PackOptions options{.floor = parse_floor("0.9@10").value(), .queries = queries_};
  const auto first = pack(base_, at("a.attar"), options);
  ASSERT_TRUE(first && first->reachable);
  EXPECT_FALSE(first->report.certificates.at(0).reused_log);
  const auto second = pack(base_, at("a.attar"), options);
  ASSERT_TRUE(second && second->reachable);
  EXPECT_TRUE(second->report.certificates.at(0).reused_log);
  EXPECT_NE(second->report.certificates[0].scope.find("graded an earlier artifact"), std::string::npos);
}

}  // namespace
}  // namespace attar::engine
