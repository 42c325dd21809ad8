#include <cmath>

#include "cli/support.h"

namespace attar::cli {
namespace {

class Search : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    pack_docs();
  }
};

void expect_hits(const Json& line, std::size_t query, std::size_t count) {
  expect_keys(line, {{"query", 'n'}, {"hits", 'a'}});
  EXPECT_EQ(line["query"], query);
  ASSERT_EQ(line["hits"].size(), count);
  double last = INFINITY;
  for (const Json& hit : line["hits"]) {
    expect_keys(hit, {{"id", 's'}, {"score", 'n'}, {"row", 'n'}});
    EXPECT_LE(hit["score"].get<double>(), last) << "best first";
    last = hit["score"].get<double>();
  }
}

TEST_F(Search, OneObjectAQuery) {
  const Ran ran = attar({"search", "docs.attar", "--vector", "q.npy", "-k", "4", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  const auto lines = ran.lines();
  ASSERT_EQ(lines.size(), queries);
  for (std::size_t q = 0; q < lines.size(); ++q) expect_hits(lines[q], q, 4);
  for (const Json& hit : lines[3]["hits"]) EXPECT_EQ(hit["id"], std::to_string(hit["row"].get<int>()));
  const Ran third = attar({"search", "docs.attar", "--vector", "q.npy", "--vector-row", "3", "-k", "4", "--json"});
  ASSERT_EQ(third.lines().size(), 1u);
  EXPECT_EQ(third.lines()[0], lines[3]) << "a query by itself finds what it finds among others";
}

TEST_F(Search, VectorsComeFromFilesFromStandardInputAndInPlace) {
  const auto values = clustered(queries, dims, 2);
  const Json first(std::vector<float>(values.begin(), values.begin() + dims));
  const Ran named = attar({"search", "docs.attar", "--vector", "q.npy", "--vector-row", "0", "--json"});
  ASSERT_EQ(named.status, 0) << named.err;
  EXPECT_EQ(attar({"search", "docs.attar", "--vector", first.dump(), "--json"}).out, named.out);
  EXPECT_EQ(
      attar({"search", "docs.attar", "--vector", "-", "--vector-row", "0", "--json"}, read_whole(at("q.npy"))).out,
      named.out);
}

TEST_F(Search, TellsPeopleInATable) {
  const Ran ran = attar({"search", "docs.attar", "--vector", "q.npy", "-k", "3"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("query 0\nrank")) << ran.out.substr(0, 200);
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), static_cast<std::ptrdiff_t>(queries * 5));
  const Ran one = attar({"search", "docs.attar", "--vector", "q.npy", "--vector-row", "0", "-k", "3"});
  EXPECT_TRUE(one.out.starts_with("rank")) << one.out;
}

TEST_F(Search, NothingNearEnoughEndsWithOne) {
  const Ran far =
      attar({"search", "docs.attar", "--vector", "q.npy", "--vector-row", "0", "--cutoff", "1.5", "--json"});
  EXPECT_EQ(far.status, 1) << far.err;
  EXPECT_TRUE(far.lines().at(0)["hits"].empty());
  const Ran all =
      attar({"search", "docs.attar", "--vector", "q.npy", "--vector-row", "0", "--cutoff", "-1.5", "--json"});
  EXPECT_EQ(all.status, 0);
  expect_hits(all.lines().at(0), 0, 10);
}

TEST_F(Search, ExactNeedsTheOriginals) {
  const Ran without = attar({"search", "docs.attar", "--vector", "q.npy", "--exact", "--json"});
  EXPECT_EQ(without.status, 2) << without.out;
  EXPECT_NE(without.err.find("--base"), std::string::npos) << without.err;
  const auto with =
      attar({"search", "docs.attar", "--vector", "docs.npy", "--exact", "--base", "docs.npy", "-k", "1", "--json"})
          .lines();
  ASSERT_EQ(with.size(), rows);
  for (std::size_t row = 0; row < rows; ++row) {
    ASSERT_EQ(with[row]["hits"].at(0)["row"], row) << "a row is nearest to itself";
    EXPECT_NEAR(with[row]["hits"][0]["score"].get<double>(), 1, 1e-5);
  }
  ASSERT_EQ(attar({"pack", "docs.npy", "-o", "kept.attar", "--codec", "lvq", "--budget", "250B/vec", "--keep-originals",
                   "f32", "-q"})
                .status,
            0);
  const auto kept = attar({"search", "kept.attar", "--vector", "q.npy", "--exact", "-k", "5", "--json"});
  EXPECT_EQ(
      kept.out,
      attar({"search", "docs.attar", "--vector", "q.npy", "--exact", "--base", "docs.npy", "-k", "5", "--json"}).out);
}

TEST_F(Search, ExplainTellsWhereTimeAndErrorWent) {
  const auto lines =
      attar({"search", "docs.attar", "--vector", "q.npy", "--explain", "--base", "docs.npy", "--json"}).lines();
  ASSERT_EQ(lines.size(), queries + 1);
  const Json explain = lines.back().value("explain", Json());
  expect_keys(explain, {{"seconds", 'o'}, {"passing", '0'}, {"error", 'o'}});
  expect_keys(explain["seconds"],
              {{"open", 'n'}, {"queries", 'n'}, {"filter", 'n'}, {"verify", 'n'}, {"prepare", 'n'}, {"scan", 'n'}});
  expect_keys(explain["error"], {{"agreement", 'n'}, {"mean_score_error", 'n'}});
  EXPECT_GT(explain["error"]["agreement"].get<double>(), 0.8);
  EXPECT_LT(explain["error"]["mean_score_error"].get<double>(), 0.05);
  const auto blind = attar({"search", "docs.attar", "--vector", "q.npy", "--explain", "--json"}).lines();
  EXPECT_TRUE(blind.back()["explain"]["error"].is_null());
  const Ran words = attar({"search", "docs.attar", "--vector", "q.npy", "--explain"});
  EXPECT_NE(words.out.find("where the time went"), std::string::npos);
}

TEST_F(Search, IdsAreShownWhereThereAreSome) {
  std::string ids;
  for (std::size_t i = 0; i < rows; ++i) ids += "doc-" + std::to_string(i * 7) + "\n";
  write_whole(at("ids.txt"), ids);
  pack_docs({"--ids", "ids.txt"});
  const Ran ran = attar({"search", "docs.attar", "--vector", "q.npy", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json answer = ran.lines().at(0);
  for (const Json& hit : answer["hits"]) EXPECT_EQ(hit["id"], "doc-" + std::to_string(hit["row"].get<int>() * 7));
  EXPECT_NE(attar({"search", "docs.attar", "--vector", "q.npy"}).out.find("doc-"), std::string::npos);
}

TEST_F(Search, RefusesQueriesThatDoNotFit) {
  const auto asks = [&](const std::string& vector) {
    return attar({"search", "docs.attar", "--vector", vector, "--json"});
  };
  expect_error(asks("[1, 2, 3]"), 2, "invalid_argument", "3 dimensions");
  expect_error(asks("[1, \"two\"]"), 2, "invalid_argument", "JSON array of numbers");
  expect_error(asks("[]"), 2, "invalid_argument", "JSON array of numbers");
  expect_error(asks("[1e99, 0]"), 2, "invalid_argument", "JSON array of numbers");
  expect_error(asks("[[[[["), 2, "invalid_argument", "JSON array of numbers");
  expect_error(asks("none.npy"), 2, "io", "");
  expect_error(attar({"search", "docs.attar", "--vector", "q.npy", "--vector-row", "240", "--json"}), 2,
               "invalid_argument", "rows 0 to 239");
  expect_error(attar({"search", "docs.npy", "--vector", "q.npy", "--json"}), 4, "corrupt", "");
}

TEST_F(Search, AnswersAreTheSameWithoutAMapAndAtAnyNumberOfThreads) {
  const Ran one = attar({"search", "docs.attar", "--vector", "q.npy", "-T", "1", "--json"});
  EXPECT_EQ(attar({"search", "docs.attar", "--vector", "q.npy", "-T", "2", "--no-mmap", "--json"}).out, one.out);
}

}  // namespace
}  // namespace attar::cli
