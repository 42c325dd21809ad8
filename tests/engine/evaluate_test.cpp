// Recall, relevance and fresh certificates of an artifact on queries of the user's choice.
#include "attar/evaluate.h"

#include <fmt/format.h>

#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 20;
constexpr std::uint64_t rows = 900;
constexpr std::uint64_t queries = 150;

class Evaluates : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1);
    asked_ = clustered(queries, dims, 2);
    base_ = put_vectors("base.npy", values_, dims);
    queries_ = put_vectors("queries.npy", asked_, dims);
  }
  Artifact packed(const PackOptions& options, const std::string& name = "a.attar") {
    auto out = pack_and_open(base_, at(name), options);
    EXPECT_TRUE(out.artifact) << out.failed;
    return std::move(out.artifact).value();
  }
  std::vector<std::uint32_t> nearest(Metric metric, std::size_t q, std::size_t k) const {
    auto out = rows_of(ranked(metric, std::span(asked_).subspan(q * dims, dims), values_));
    out.resize(k);
    return out;
  }
  std::filesystem::path put_truth(Metric metric, std::uint32_t k) {
    std::string bytes;
    for (std::size_t q = 0; q < queries; ++q) {
      const auto append = [&](std::uint32_t value) { bytes.append(reinterpret_cast<const char*>(&value), 4); };
      append(k);
      for (const std::uint32_t row : nearest(metric, q, k)) append(row);
    }
    return put("truth.ivecs", bytes);
  }
  // Recall@k by counting.
  double counted(const Artifact& artifact, std::uint32_t k) const {
    double hits = 0;
    const auto found = artifact.search(asked_, {.k = k});
    EXPECT_TRUE(found) << error_of(found);
    for (std::size_t q = 0; q < queries; ++q) {
      const auto expected = nearest(artifact.metric(), q, k);
      for (const SearchHit& hit : found->hits[q])
        hits += std::find(expected.begin(), expected.end(), hit.row) != expected.end() ? 1 : 0;
    }
    return hits / static_cast<double>(queries * k);
  }

  std::vector<float> values_, asked_;
  std::filesystem::path base_, queries_;
};

TEST_F(Evaluates, RecallIsTheSameFromEverySourceOfTruth) {
  for (const Metric metric : all_metrics) {
    const Artifact artifact = packed({.metric = metric, .codec = "rbin"});
    const auto base = evaluate(artifact, {.queries = queries_, .base = base_});
    const Artifact keeper = packed({.metric = metric, .codec = "rbin", .keep_originals = "f32"}, "kept.attar");
    const auto kept = evaluate(keeper, {.queries = queries_});
    const auto beside = evaluate(keeper, {.queries = queries_, .base = base_});
    const auto truth = evaluate(artifact, {.queries = queries_, .truth = put_truth(metric, 100)});
    ASSERT_TRUE(base) << error_of(base);
    ASSERT_TRUE(kept) << error_of(kept);
    ASSERT_TRUE(beside) << error_of(beside);
    ASSERT_TRUE(truth) << error_of(truth);
    EXPECT_EQ(base->queries, queries);
    ASSERT_EQ(base->recall.size(), 3u);
    for (const std::uint32_t k : {1u, 10u, 100u}) {
      const Measure& measure = base->recall.at(k);
      EXPECT_NEAR(measure.mean, counted(artifact, k), 1e-9) << metric_name(metric) << " " << k;
      EXPECT_NEAR(measure.mean, truth->recall.at(k).mean, 1e-9);
      EXPECT_NEAR(kept->recall.at(k).mean, counted(keeper, k), 1e-9) << metric_name(metric) << " " << k;
      EXPECT_NEAR(kept->recall.at(k).mean, beside->recall.at(k).mean, 1e-9);
      EXPECT_GE(kept->recall.at(k).mean, measure.mean);
      EXPECT_LE(measure.low, measure.mean);
      EXPECT_GE(measure.high, measure.mean);
      EXPECT_LE(measure.minimum, measure.p05);
      EXPECT_LE(measure.p05, measure.p50);
      EXPECT_LE(measure.p50, measure.p95);
      EXPECT_LE(measure.p95, 1);
    }
    EXPECT_GT(base->recall.at(10).mean, 0.5);
    EXPECT_LT(base->recall.at(10).mean, 1);
    EXPECT_GT(base->queries_per_second, 0);
  }
}

TEST_F(Evaluates, ExactCodesHaveFullRecall) {
  const Artifact artifact = packed({.codec = "f32"});
  const auto found = evaluate(artifact, {.queries = queries_, .base = base_, .ks = {10, 1, 10, 900, 901}});
  ASSERT_TRUE(found) << error_of(found);
  std::vector<std::uint32_t> ks;
  for (const auto& [k, measure] : found->recall) {
    ks.push_back(k);
    EXPECT_EQ(measure.mean, 1);
    EXPECT_EQ(measure.minimum, 1);
    EXPECT_LE(measure.high, 1);
  }
  EXPECT_EQ(ks, (std::vector<std::uint32_t>{1, 10, 900})) << "each once, and none above the rows";
}

TEST_F(Evaluates, NamesTheWorstQueries) {
  const Artifact artifact = packed({.budget = parse_budget("18B/vec").value()});
  const auto found = evaluate(artifact, {.queries = queries_, .base = base_, .ks = {1, 10}, .worst = 7});
  ASSERT_TRUE(found) << error_of(found);
  ASSERT_EQ(found->worst.size(), 7u);
  EXPECT_EQ(found->worst[0].recall, found->recall.at(10).minimum);
  for (std::size_t i = 1; i < 7; ++i) EXPECT_GE(found->worst[i].recall, found->worst[i - 1].recall);
  const auto hits = artifact.search(std::span(asked_).subspan(found->worst[0].query * dims, dims), {.k = 10});
  const auto expected = nearest(Metric::cosine, found->worst[0].query, 10);
  const auto right = std::count_if(hits->hits[0].begin(), hits->hits[0].end(), [&](const SearchHit& hit) {
    return std::find(expected.begin(), expected.end(), hit.row) != expected.end();
  });
  EXPECT_DOUBLE_EQ(found->worst[0].recall, static_cast<double>(right) / 10);
  EXPECT_EQ(evaluate(artifact, {.queries = queries_, .base = base_, .worst = 1000})->worst.size(), queries);
}

// Each query's judged row is the one at rank 1 + q mod 4 of its answers.
TEST_F(Evaluates, RelevanceByRowsAndByIds) {
  const Artifact numbered = packed({.codec = "f32"}, "numbers.attar");
  const Artifact named = packed({.ids = put_ids("ids.txt", rows), .codec = "f32"}, "named.attar");
  std::string by_number = "query-id\tcorpus-id\tscore\n", by_id, names;
  for (std::size_t q = 0; q < queries; ++q) {
    const std::uint32_t row = nearest(Metric::cosine, q, 4)[q % 4];
    by_number += fmt::format("{}\t{}\t1\n", q, row);
    by_id += fmt::format("query{} 0 id-{} 1\n", q, 3 * row);
    names += fmt::format("query{}\n", q);
  }
  const auto numbers =
      evaluate(numbered, {.queries = queries_, .qrels = put("qrels.tsv", by_number), .ks = {1, 3, 10}});
  ASSERT_TRUE(numbers) << error_of(numbers);
  EXPECT_TRUE(numbers->recall.empty());
  const auto ids = evaluate(
      named,
      {.queries = queries_, .qrels = put("qrels.txt", by_id), .query_ids = put("names.txt", names), .ks = {1, 3, 10}});
  ASSERT_TRUE(ids) << error_of(ids);
  for (const Evaluation* found : {&*numbers, &*ids}) {
    // Of 150 queries 38, 38, 37 and 37 have their row at ranks 1 to 4.
    EXPECT_NEAR(found->relevance.at("hit@1").mean, 38.0 / 150, 1e-12);
    EXPECT_NEAR(found->relevance.at("hit@3").mean, 113.0 / 150, 1e-12);
    EXPECT_NEAR(found->relevance.at("hit@10").mean, 1, 1e-12);
    EXPECT_NEAR(found->relevance.at("mrr").mean, (38 + 38 / 2.0 + 37 / 3.0 + 37 / 4.0) / 150, 1e-12);
    EXPECT_NEAR(found->relevance.at("ndcg@10").mean,
                (38 + 38 / std::log2(3.0) + 37 / std::log2(4.0) + 37 / std::log2(5.0)) / 150, 1e-12);
  }
  const auto both = evaluate(numbered, {.queries = queries_, .base = base_, .qrels = at("qrels.tsv")});
  ASSERT_TRUE(both) << error_of(both);
  EXPECT_EQ(both->recall.at(10).mean, 1);
  EXPECT_FALSE(both->relevance.empty());
}

TEST_F(Evaluates, OnlyJudgedQueriesCountAndMissingDocumentsStayInTheIdeal) {
  const Artifact artifact = packed({.codec = "f32"});
  const std::uint32_t first = nearest(Metric::cosine, 0, 1)[0];
  // Query 1 has nothing relevant; "elsewhere" is a document that the artifact does not hold.
  const auto qrels = put("qrels.txt", fmt::format("0 0 {} 1\n0 0 elsewhere 1\n1 0 5 0\n", first));
  const auto found = evaluate(artifact, {.queries = queries_, .qrels = qrels, .ks = {10}});
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_DOUBLE_EQ(found->relevance.at("hit@10").mean, 1);
  EXPECT_NEAR(found->relevance.at("ndcg@10").mean, 1 / (1 + 1 / std::log2(3.0)), 1e-12);
  expect_error(evaluate(artifact, {.queries = queries_, .qrels = put("none.txt", "unknown 0 5 1\n")}),
               ErrorCode::invalid_data, {"none.txt", "--query-ids"});
}

TEST_F(Evaluates, WrongUseIsRefused) {
  const Artifact artifact = packed({.codec = "f16"});
  const auto refused = [&](const EvaluateOptions& options, ErrorCode code,
                           std::initializer_list<std::string_view> words) {
    expect_error(evaluate(artifact, options), code, words);
  };
  const auto truth = put_truth(Metric::cosine, 20);
  refused({.queries = {}}, ErrorCode::invalid_argument, {"--queries"});
  refused({.queries = queries_}, ErrorCode::invalid_argument, {"--base", "--truth", "--qrels"});
  refused({.queries = queries_, .base = base_, .truth = truth}, ErrorCode::invalid_argument, {"name one"});
  refused({.queries = queries_, .base = base_, .ks = {0}}, ErrorCode::invalid_argument, {"k is 0"});
  refused({.queries = queries_, .base = base_, .ks = {}}, ErrorCode::invalid_argument, {"no k"});
  refused({.queries = queries_, .base = base_, .ks = {901}}, ErrorCode::invalid_argument, {"900"});
  refused({.queries = queries_, .base = base_, .confidence = 1}, ErrorCode::invalid_argument, {"confidence"});
  refused({.queries = queries_, .truth = truth}, ErrorCode::invalid_data, {"truth.ivecs", "20"});
  refused({.queries = base_, .truth = truth, .ks = {10}}, ErrorCode::invalid_data, {"truth.ivecs", "150", "900"});
  refused({.queries = queries_, .base = put_vectors("o.npy", clustered(10, dims, 1), dims)}, ErrorCode::invalid_data,
          {"o.npy"});
  refused({.queries = put_vectors("q3.npy", clustered(10, 3, 1), 3), .base = base_}, ErrorCode::invalid_data,
          {"q3.npy"});
}

// --- a fresh certificate
// ------------------------------------------------------------------------------------------------

class CertifiesAgain : public Evaluates {
 protected:
  void SetUp() override {
    Evaluates::SetUp();
    fresh_ = put_vectors("fresh.npy", clustered(400, dims, 3), dims);
  }
  std::filesystem::path fresh_;
};

TEST_F(CertifiesAgain, OnNewQueries) {
  const Artifact artifact = packed({.floor = parse_floor("0.8@10").value(), .queries = queries_});
  const auto certificate = certify_again(artifact, {.queries = fresh_, .base = base_});
  ASSERT_TRUE(certificate) << error_of(certificate);
  EXPECT_EQ(certificate->floor, 0.8) << "the plan's own";
  EXPECT_EQ(certificate->k, 10u);
  EXPECT_TRUE(certificate->passed);
  EXPECT_GE(certificate->lower_bound, 0.8);
  EXPECT_EQ(certificate->queries_given, 400u);
  EXPECT_LE(certificate->queries, 400u);
  EXPECT_FALSE(certificate->proxy);
  EXPECT_FALSE(certificate->reused_log);
  EXPECT_EQ(certificate->content_digest, artifact.info()->content_digest);
  const auto recall = evaluate(artifact, {.queries = fresh_, .base = base_, .ks = {10}});
  EXPECT_NEAR(certificate->estimate, recall->recall.at(10).mean, 0.01) << "near-duplicates weigh less";
  EXPECT_EQ(artifact.info()->certificates.size(), 1u) << "the file did not change";

  const auto stricter =
      certify_again(artifact, {.queries = fresh_, .base = base_, .floor = parse_floor("0.9999@5").value()});
  ASSERT_TRUE(stricter) << error_of(stricter);
  EXPECT_FALSE(stricter->passed);
  EXPECT_EQ(stricter->k, 5u);
}

TEST_F(CertifiesAgain, WithoutAFloorTheBoundStandsAlone) {
  const Artifact artifact = packed({.budget = parse_budget("30B/vec").value(), .keep_originals = ""});
  const auto certificate = certify_again(artifact, {.queries = fresh_, .base = base_});
  ASSERT_TRUE(certificate) << error_of(certificate);
  EXPECT_FALSE(certificate->passed);
  EXPECT_EQ(certificate->floor, 0);
  EXPECT_GT(certificate->lower_bound, 0.3);
}

TEST_F(CertifiesAgain, FromTheOriginalsInTheFile) {
  const Artifact artifact = packed({.queries = queries_, .codec = "lvq", .keep_originals = "f32"});
  const auto kept = certify_again(artifact, {.queries = fresh_});
  const auto named = certify_again(artifact, {.queries = fresh_, .base = base_});
  ASSERT_TRUE(kept) << error_of(kept);
  ASSERT_TRUE(named) << error_of(named);
  EXPECT_EQ(*kept, *named);
}

TEST_F(CertifiesAgain, ACopyCarriesIt) {
  const Artifact artifact = packed({.floor = parse_floor("0.8@10").value(), .queries = queries_});
  const auto certificate = certify_again(artifact, {.queries = fresh_, .base = base_, .output = at("b.attar")});
  ASSERT_TRUE(certificate) << error_of(certificate);
  const auto copy = Artifact::open(at("b.attar"));
  ASSERT_TRUE(copy) << error_of(copy);
  const auto info = copy->info();
  ASSERT_TRUE(info) << error_of(info);
  EXPECT_EQ(info->content_digest, artifact.info()->content_digest);
  EXPECT_EQ(info->bytes, artifact.info()->bytes);
  EXPECT_FALSE(info->certificate_stale);
  ASSERT_FALSE(info->certificates.empty());
  EXPECT_EQ(info->certificates.back(), *certificate);
  EXPECT_TRUE(copy->verify(1));
  EXPECT_EQ(copy->search(asked_)->hits, artifact.search(asked_)->hits);
}

// Room is reserved for few: the newest is always there, and the file keeps its size.
TEST_F(CertifiesAgain, TheSameFileManyTimes) {
  (void)packed({.floor = parse_floor("0.8@10").value(), .queries = queries_});
  const auto size = std::filesystem::file_size(at("a.attar"));
  for (std::uint64_t seed = 10; seed < 16; ++seed) {
    const auto artifact = Artifact::open(at("a.attar"));
    ASSERT_TRUE(artifact) << error_of(artifact);
    const auto log = put_vectors("log.npy", clustered(200, dims, seed), dims);
    const auto certificate =
        certify_again(*artifact, {.queries = log, .base = base_, .output = at("a.attar"), .seed = seed});
    ASSERT_TRUE(certificate) << error_of(certificate);
    EXPECT_FALSE(certificate->reused_log);
    const auto again = Artifact::open(at("a.attar"));
    ASSERT_TRUE(again) << error_of(again);
    EXPECT_EQ(again->info()->certificates.back(), *certificate);
    EXPECT_TRUE(again->verify(1));
    EXPECT_EQ(std::filesystem::file_size(at("a.attar")), size);
  }
}

TEST_F(CertifiesAgain, AReusedLogIsSaid) {
  const Artifact artifact = packed({.floor = parse_floor("0.8@10").value(), .queries = queries_});
  const auto same = certify_again(artifact, {.queries = queries_, .base = base_, .output = at("b.attar")});
  ASSERT_TRUE(same) << error_of(same);
  EXPECT_TRUE(same->reused_log) << "these chose the plan";
  EXPECT_NE(same->scope.find("graded an earlier artifact"), std::string::npos);
  ASSERT_TRUE(certify_again(artifact, {.queries = fresh_, .base = base_, .output = at("c.attar")}));
  const auto carried = Artifact::open(at("c.attar"));
  ASSERT_TRUE(carried) << error_of(carried);
  EXPECT_TRUE(certify_again(*carried, {.queries = fresh_, .base = base_})->reused_log) << "its certificate names them";
}

TEST_F(CertifiesAgain, OtherVectorsAreRefused) {
  const Artifact artifact = packed({.queries = queries_, .codec = "lvq"});
  std::vector<float> other = values_;
  other[777] += 0.001f;
  expect_error(
      certify_again(artifact,
                    {.queries = fresh_, .base = put_vectors("other.npy", other, dims), .output = at("b.attar")}),
      ErrorCode::invalid_data, {"other.npy", "not the vectors that were packed"});
  EXPECT_FALSE(std::filesystem::exists(at("b.attar")));
  expect_error(certify_again(artifact, {.queries = fresh_}), ErrorCode::invalid_argument, {"--base"});
  expect_error(certify_again(artifact, {.queries = {}, .base = base_}), ErrorCode::invalid_argument, {"--queries"});
  expect_error(certify_again(artifact, {.queries = fresh_, .base = base_, .floor = Floor{0.9, 901}}),
               ErrorCode::invalid_argument, {"recall@901", "900 rows"});
  expect_error(certify_again(artifact, {.queries = fresh_, .base = base_, .confidence = 0}),
               ErrorCode::invalid_argument, {"confidence"});
  for (const Floor& odd : {Floor{0, 10}, Floor{1, 10}, Floor{0.9, 0}})
    expect_error(certify_again(artifact, {.queries = fresh_, .base = base_, .floor = odd}), ErrorCode::invalid_argument,
                 {"floor"});
}

TEST_F(CertifiesAgain, ThreadsDoNotChangeIt) {
  const Artifact artifact = packed({.queries = queries_, .codec = "rbin"});
  const auto one = certify_again(artifact, {.queries = fresh_, .base = base_, .threads = 1});
  const auto three = certify_again(artifact, {.queries = fresh_, .base = base_, .threads = 3});
  ASSERT_TRUE(one && three);
  EXPECT_EQ(*one, *three);
}

// --- bench and doctor
// ---------------------------------------------------------------------------------------------------

TEST_F(Evaluates, BenchGivesRatesAndRefusesNonsense) {
  const Artifact artifact = packed({.codec = "lvq"});
  const Vectors log{.values = asked_, .dims = dims};
  for (const std::uint32_t batch : {1u, 8u, 150u}) {
    const auto rates = bench(artifact, log, {.batch = batch, .seconds = 0.001, .rounds = 3});
    ASSERT_TRUE(rates) << error_of(rates);
    ASSERT_EQ(rates->size(), 3u);
    for (const double rate : *rates) EXPECT_GT(rate, 0);
  }
  expect_error(bench(artifact, log, {.batch = 0}), ErrorCode::invalid_argument, {"batch of 0"});
  expect_error(bench(artifact, log, {.batch = 151}), ErrorCode::invalid_argument, {"batch of 151"});
  expect_error(bench(artifact, log, {.seconds = 0}), ErrorCode::invalid_argument);
  expect_error(bench(artifact, log, {.k = 0}), ErrorCode::invalid_argument);
  expect_error(bench(artifact, {}, {}), ErrorCode::invalid_argument, {"20 dimensions"});
}

TEST(Diagnosis, DescribesThisMachine) {
  const Diagnosis found = diagnose();
  EXPECT_FALSE(found.version.empty());
  EXPECT_FALSE(found.level.empty());
  EXPECT_GT(found.cores, 0u);
  EXPECT_GE(found.memory_bytes, found.memory_available);
  EXPECT_GT(found.memory_available, 0u);
  EXPECT_EQ(found.codecs.size(), codec_names().size());
  EXPECT_FALSE(found.libraries.empty());
}

}  // namespace
}  // namespace attar::engine
