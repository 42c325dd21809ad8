// Answers to questions in words against judgements: the measures of known rankings, and what is judged.
#include <fmt/format.h>

#include <set>
#include <sstream>

#include "attar/documents.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t documents = 14;

// How much a document at a rank counts.
double discount(double rank) { return 1 / std::log2(rank + 1); }

class EvaluatesDocuments : public EngineTest {
 protected:
  // Document i says "lighthouse" in i of its words, so that no two rank alike; the even ones say "harbour" as well.
  void SetUp() override {
    EngineTest::SetUp();
    std::string lines;
    for (std::uint32_t i = 0; i < documents; ++i) {
      std::string text = "A keeper writes into the book.";
      for (std::uint32_t n = 0; n < i; ++n) text += " The lighthouse.";
      for (std::uint32_t n = 0; i % 2 == 0 && n < documents - i; ++n) text += " A harbour.";
      lines += fmt::format("{{\"id\": \"d{}\", \"title\": \"Page {}\", \"text\": \"{}\"}}\n", i, i, text);
    }
    put("pages.jsonl", lines);
    queries_ = put("queries.jsonl",
                   "{\"_id\": \"q1\", \"text\": \"lighthouse\"}\n{\"_id\": \"q2\", \"text\": \"harbour\"}\n"
                   "{\"_id\": \"q3\", \"text\": \"volcano\"}\n{\"_id\": \"q4\", \"text\": \"keeper\"}\n");
  }

  Artifact packed(const std::string& input = "pages.jsonl") {
    PackDocumentsOptions options;
    options.pack.budget = parse_budget("60kB").value();
    const auto out = pack_documents(at(input), at("a.attar"), options);
    EXPECT_TRUE(out && out->plan.reachable) << error_of(out);
    return Artifact::open(at("a.attar")).value();
  }

  // Ids of what is found, best first.
  static std::vector<std::string> ranking(const Artifact& artifact, const std::string& question, SearchMode mode) {
    const auto search = TextSearch::open(artifact).value();
    const auto found = search.ask(std::span(&question, 1), {.k = documents, .mode = mode}).value();
    std::vector<std::string> out;
    for (const Answer& answer : found.of.front()) out.push_back(answer.id);
    return out;
  }

  std::filesystem::path queries_;
};

TEST_F(EvaluatesDocuments, AKnownRankingHasKnownMeasures) {
  const Artifact artifact = packed();
  const auto first = ranking(artifact, "lighthouse", SearchMode::lexical),
             second = ranking(artifact, "harbour", SearchMode::lexical);
  ASSERT_GE(first.size(), 5u);
  ASSERT_FALSE(second.empty());
  // The artifact does not hold "elsewhere"; q3 finds nothing, q4 has nothing relevant, q5 is not asked.
  const auto qrels =
      put("qrels.txt", fmt::format("q1 0 {} 2\nq1 0 {} 1\nq1 0 elsewhere 3\nq1 0 {} 0\nq2 0 {} 1\nq3 0 d0 1\nq4 0 d1 "
                                   "0\nq5 0 d1 1\n",
                                   first[1], first[3], first[0], second[0]));
  const auto found = evaluate_documents(
      artifact, {.queries = queries_, .qrels = qrels, .ask = {.mode = SearchMode::lexical}, .ks = {10, 1, 3, 3}});
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->questions, 4u);
  EXPECT_EQ(found->judged, 3u);
  EXPECT_GT(found->questions_per_second, 0);
  const double ideal = 3 + 2 * discount(2) + discount(3), gain = 2 * discount(2);
  const std::map<std::string, double> expected = {
      {"mrr", (0.5 + 1 + 0) / 3},
      {"hit@1", 1.0 / 3},
      {"hit@3", 2.0 / 3},
      {"hit@10", 2.0 / 3},
      {"recall@1", 1.0 / 3},
      {"recall@3", (1.0 / 3 + 1) / 3},
      {"recall@10", (2.0 / 3 + 1) / 3},
      {"ndcg@1", 1.0 / 3},
      {"ndcg@3", (gain / ideal + 1) / 3},
      {"ndcg@10", ((gain + discount(4)) / ideal + 1) / 3},
  };
  ASSERT_EQ(found->measures.size(), expected.size());
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(found->measures.contains(name)) << name;
    const Measure& measure = found->measures.at(name);
    EXPECT_NEAR(measure.mean, value, 1e-12) << name;
    EXPECT_LE(measure.low, measure.mean);
    EXPECT_GE(measure.high, measure.mean);
    EXPECT_EQ(measure.minimum, 0) << "of q3";
  }
  EXPECT_TRUE(found->semantic.empty() && found->lexical.empty() && found->above_lexical.empty());
}

TEST_F(EvaluatesDocuments, EachLegStandsBesideBoth) {
  const Artifact artifact = packed();
  const auto qrels = put("qrels.tsv", fmt::format("query-id\tcorpus-id\tscore\nq1\t{}\t1\nq2\t{}\t1\nq4\td3\t2\n",
                                                  ranking(artifact, "lighthouse", SearchMode::lexical)[2],
                                                  ranking(artifact, "harbour", SearchMode::semantic)[0]));
  const auto both =
      evaluate_documents(artifact, {.queries = queries_, .qrels = qrels, .ask = {.diverse = true}, .ks = {2, 10}});
  ASSERT_TRUE(both) << error_of(both);
  for (const SearchMode leg : {SearchMode::semantic, SearchMode::lexical}) {
    const auto alone =
        evaluate_documents(artifact, {.queries = queries_, .qrels = qrels, .ask = {.mode = leg}, .ks = {2, 10}});
    ASSERT_TRUE(alone) << error_of(alone);
    const bool by_meaning = leg == SearchMode::semantic;
    const DocumentMeasures& beside = by_meaning ? both->semantic : both->lexical;
    const auto& above = by_meaning ? both->above_semantic : both->above_lexical;
    ASSERT_EQ(beside.size(), both->measures.size());
    ASSERT_EQ(above.size(), both->measures.size());
    for (const auto& [name, measure] : both->measures) {
      EXPECT_EQ(beside.at(name).mean, alone->measures.at(name).mean) << name;
      const PairedDifference& difference = above.at(name);
      EXPECT_NEAR(difference.mean, measure.mean - beside.at(name).mean, 1e-12) << name;
      EXPECT_LE(difference.low, difference.mean);
      EXPECT_GE(difference.high, difference.mean);
    }
  }
}

TEST_F(EvaluatesDocuments, ARunIsWrittenAsTrecHasIt) {
  const Artifact artifact = packed();
  const auto qrels = put("qrels.txt", "q1 0 d3 1\n");
  const auto found = evaluate_documents(artifact, {.queries = queries_,
                                                   .qrels = qrels,
                                                   .run = at("out.trec"),
                                                   .tag = "mine",
                                                   .ask = {.mode = SearchMode::lexical},
                                                   .ks = {4}});
  ASSERT_TRUE(found) << error_of(found);
  std::vector<std::string> expected;
  for (const auto& [id, question] : {std::pair("q1", "lighthouse"), {"q2", "harbour"}, {"q4", "keeper"}}) {
    const auto ranked = ranking(artifact, question, SearchMode::lexical);
    for (std::size_t i = 0; i < 4; ++i) expected.push_back(fmt::format("{} Q0 {} {}", id, ranked.at(i), i + 1));
  }
  std::istringstream in(read_whole(at("out.trec")));
  std::vector<std::string> lines;
  for (std::string query, q0, document, rank, score, tag; in >> query >> q0 >> document >> rank >> score >> tag;) {
    lines.push_back(fmt::format("{} {} {} {}", query, q0, document, rank));
    EXPECT_GT(std::stod(score), 0);
    EXPECT_EQ(tag, "mine");
  }
  EXPECT_EQ(lines, expected) << "every question, judged or not";
}

// Without ids documents have the names of their files, and those of one file are one.
TEST_F(EvaluatesDocuments, DocumentsAreNamedByTheirPathsWhereTheyHaveNoIds) {
  std::filesystem::create_directory(at("notes"));
  put("notes/tower.txt", "The lighthouse stands on the rock.\n");
  put("notes/list.csv", "text\nA lighthouse of stone\nA lighthouse of iron\nA lighthouse of wood\n");
  const Artifact artifact = packed("notes");
  const auto found = evaluate_documents(artifact, {.queries = queries_,
                                                   .qrels = put("qrels.txt", "q1 0 list.csv 1\nq1 0 tower.txt 1\n"),
                                                   .run = at("out.trec"),
                                                   .ask = {.each_row = true},
                                                   .ks = {10}});
  ASSERT_TRUE(found) << error_of(found);
  for (const char* name : {"recall@10", "ndcg@10", "mrr", "hit@10"})
    for (const DocumentMeasures* measures : {&found->measures, &found->semantic, &found->lexical})
      EXPECT_DOUBLE_EQ(measures->at(name).mean, 1) << name;
  std::istringstream in(read_whole(at("out.trec")));
  std::multiset<std::string> names;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("q1 ")) names.insert(line.substr(6, line.find(' ', 6) - 6));
  EXPECT_EQ(names, (std::multiset<std::string>{"list.csv", "tower.txt"}));
}

// Questions are asked some hundreds at a time, and each keeps its own expansion.
TEST_F(EvaluatesDocuments, ManyQuestionsKeepTheirExpansions) {
  const Artifact artifact = packed();
  std::string questions, qrels;
  std::vector<std::string> expansions;
  for (int i = 0; i < 600; ++i) {
    questions += "volcano\n";
    qrels += fmt::format("{} 0 d13 1\n", i + 1);
    expansions.emplace_back(i == 599 ? "lighthouse" : "");
  }
  EvaluateDocumentsOptions options{.queries = put("many.txt", questions),
                                   .qrels = put("many.qrels", qrels),
                                   .ask = {.mode = SearchMode::lexical, .expansions = expansions},
                                   .ks = {documents}};
  const auto found = evaluate_documents(artifact, options);
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_NEAR(found->measures.at(fmt::format("recall@{}", documents)).mean, 1.0 / 600, 1e-12);
  options.ask.expansions.pop_back();
  expect_error(evaluate_documents(artifact, options), ErrorCode::invalid_argument, {"599", "600"});
}

TEST_F(EvaluatesDocuments, WrongUseIsRefused) {
  const Artifact artifact = packed();
  const auto qrels = put("qrels.txt", "q1 0 d3 1\n");
  const auto refused = [&](const EvaluateDocumentsOptions& options, ErrorCode code,
                           std::initializer_list<std::string_view> words) {
    expect_error(evaluate_documents(artifact, options), code, words);
  };
  refused({.queries = queries_, .qrels = {}}, ErrorCode::invalid_argument, {"--qrels"});
  refused({.queries = {}, .qrels = qrels}, ErrorCode::invalid_argument, {"--queries"});
  refused({.queries = queries_, .qrels = qrels, .ks = {}}, ErrorCode::invalid_argument, {"k"});
  refused({.queries = queries_, .qrels = qrels, .ks = {0}}, ErrorCode::invalid_argument, {"k"});
  refused({.queries = queries_, .qrels = qrels, .confidence = 1}, ErrorCode::invalid_argument, {"confidence"});
  refused({.queries = queries_, .qrels = qrels, .run = at("r"), .tag = "two words"}, ErrorCode::invalid_argument,
          {"tag"});
  refused({.queries = queries_, .qrels = qrels, .ask = {.where = "colour = 1"}}, ErrorCode::invalid_argument,
          {"colour"});
  refused({.queries = queries_, .qrels = qrels, .ask = {.mode = SearchMode::lexical, .diverse = true}},
          ErrorCode::invalid_argument, {"--hybrid"});
  refused({.queries = queries_, .qrels = put("none.txt", "q9 0 d3 1\n")}, ErrorCode::invalid_data, {"none.txt"});
  EXPECT_FALSE(std::filesystem::exists(at("r")));
  const auto base = put_vectors("base.npy", clustered(200, 16, 1), 16);
  ASSERT_TRUE(pack(base, at("vectors.attar"), {}));
  expect_error(evaluate_documents(Artifact::open(at("vectors.attar")).value(), {.queries = queries_, .qrels = qrels}),
               ErrorCode::invalid_argument, {"no texts"});
}

}  // namespace
}  // namespace attar::engine
