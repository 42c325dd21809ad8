#include <fmt/format.h>

#include "cli/support.h"

namespace attar::cli {
namespace {

class Documents : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    std::filesystem::create_directories(at("notes/ops"));
    write_whole(at("notes/ops/keys.md"), "# Keys\n\nTo rotate the keys, run the script\non the bastion host.\n");
    write_whole(at("notes/bread.txt"), "Knead flour, water and salt.\nBake the dough.\n");
    write_whole(at("notes/broken.bin"), std::string("\0\1\2\3", 4));
    write_whole(at("products.jsonl"),
                "{\"id\": \"a\", \"title\": \"Lamp\", \"body\": \"A red lamp for the desk.\", \"price\": 12}\n"
                "{\"id\": \"b\", \"title\": \"Chair\", \"body\": \"A blue chair for the garden.\", \"price\": 80}\n"
                "{\"id\": \"c\", \"title\": \"Table\", \"body\": \"A red table for the kitchen.\", \"price\": 150}\n");
  }
  Ran packed() { return attar({"pack", "notes", "-o", "notes.attar", "--json"}); }
};

TEST_F(Documents, APackedFolderAnswersQuestions) {
  const Ran ran = packed();
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json documents = ran.json()["documents"];
  EXPECT_EQ(documents["count"], 2);
  EXPECT_EQ(documents["skipped"].size(), 1u);
  EXPECT_EQ(documents["skipped"][0]["path"], "broken.bin");
  for (const char* key : {"text_bytes", "encoder", "seconds"}) EXPECT_TRUE(documents.contains(key)) << key;
  for (const char* mode : {"--hybrid", "--semantic", "--lexical"}) {
    const Ran found = attar({"search", "notes.attar", "how do I rotate the keys", mode, "--json"});
    ASSERT_EQ(found.status, 0) << found.err;
    const Json line = found.lines().at(0);
    EXPECT_EQ(line["query"], "how do I rotate the keys");
    const Json& hit = line["hits"].at(0);
    std::vector<std::string> keys;
    for (const auto& [key, value] : hit.items()) keys.push_back(key);
    EXPECT_EQ(keys, (std::vector<std::string>{"document", "folded", "heading", "id", "lexical", "line", "marks", "more",
                                              "path", "reading", "record", "relevance", "row", "score", "semantic",
                                              "snippet", "title"}));
    EXPECT_EQ(hit["path"], "ops/keys.md");
    EXPECT_EQ(hit["semantic"].is_null(), std::string_view(mode) == "--lexical");
    EXPECT_EQ(hit["lexical"].is_null(), std::string_view(mode) == "--semantic");
  }
  EXPECT_EQ(attar({"verify", "notes.attar"}).status, 0);
  EXPECT_NE(attar({"info", "notes.attar"}).out.find("texts"), std::string::npos);
}

TEST_F(Documents, AnswersShowPlaceWordsAndTime) {
  packed();
  const Ran found = attar({"search", "notes.attar", "rotate keys", "bake dough", "-k", "1", "--explain"});
  ASSERT_EQ(found.status, 0) << found.err;
  EXPECT_NE(found.out.find("ops/keys.md:"), std::string::npos) << found.out;
  EXPECT_NE(found.out.find("*rotate*"), std::string::npos) << found.out;
  EXPECT_NE(found.out.find("bread.txt:"), std::string::npos) << found.out;
  EXPECT_NE(found.out.find("encoding the questions"), std::string::npos) << found.out;
  const Ran json = attar({"search", "notes.attar", "rotate keys", "--explain", "--json"});
  ASSERT_EQ(json.lines().size(), 2u);
  expect_keys(json.lines()[1]["explain"]["seconds"],
              {{"encode", 'n'}, {"semantic", 'n'}, {"lexical", 'n'}, {"fuse", 'n'}, {"read", 'n'}, {"show", 'n'}});
  EXPECT_EQ(attar({"search", "notes.attar", "rotate", "--where", "path like 'none%'"}).status, 1);
  EXPECT_EQ(attar({"search", "notes.attar", "\"keys the rotate\""}).status, 1);
}

TEST_F(Documents, AnswersAreASet) {
  packed();
  for (const std::vector<std::string>& extra :
       std::vector<std::vector<std::string>>{{"--diverse"},
                                             {"--fold"},
                                             {"--min-relevance", "auto"},
                                             {"--read", "0"},
                                             {"--ranks"},
                                             {"--meaning", "0.5"},
                                             {"--expand", "echo bake the dough"}}) {
    std::vector<std::string> line = {"search", "notes.attar", "rotate keys", "--json"};
    line.insert(line.end(), extra.begin(), extra.end());
    const Ran found = attar(line);
    ASSERT_EQ(found.status, 0) << extra[0] << found.err;
    EXPECT_EQ(found.lines().at(0)["hits"].at(0)["path"], "ops/keys.md") << extra[0];
  }
  EXPECT_EQ(attar({"search", "notes.attar", "rotate keys", "--min-relevance", "1"}).status, 1);
  EXPECT_EQ(attar({"search", "notes.attar", "rotate keys", "--min-relevance", "much"}).status, 2);
  EXPECT_EQ(attar({"search", "notes.attar", "rotate keys", "--lexical", "--diverse"}).status, 2);
  EXPECT_EQ(attar({"search", "notes.attar", "rotate keys", "--meaning", "2"}).status, 2);
  const Ran failed = attar({"search", "notes.attar", "rotate keys", "--expand", "exit 9"});
  EXPECT_EQ(failed.status, 2);
  EXPECT_NE(failed.err.find("status 9"), std::string::npos) << failed.err;
}

TEST_F(Documents, AreTunedOnJudgedQuestions) {
  std::string records, questions, judgements = "query-id\tcorpus-id\tscore\n";
  for (int i = 0; i < 40; ++i) {
    records += fmt::format("{{\"_id\": \"d{}\", \"text\": \"the thing number {} is kept\"}}\n", i, i);
    questions += fmt::format("{{\"_id\": \"q{}\", \"text\": \"number {}\"}}\n", i, i);
    if (i < 25) judgements += fmt::format("q{}\td{}\t1\n", i, i);
  }
  write_whole(at("things.jsonl"), records);
  write_whole(at("q.jsonl"), questions);
  write_whole(at("qrels.tsv"), judgements);
  ASSERT_EQ(attar({"pack", "things.jsonl", "-o", "things.attar"}).status, 0);
  const std::vector<std::string> line = {"eval",    "things.attar", "--queries", "q.jsonl",
                                         "--qrels", "qrels.tsv",    "--json",    "--tune"};
  const Ran ran = attar(line);
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json tuned = ran.json()["tuned"];
  EXPECT_GE(tuned["meaning"], 0);
  EXPECT_LE(tuned["meaning"], 1);
  expect_keys(tuned["gain"], {{"mean", 'n'}, {"low", 'n'}, {"high", 'n'}});
  EXPECT_EQ(ran.json()["judged"], 25);
  auto expanded = line;
  for (const std::string& word :
       {std::string("--expand"), fmt::format("echo once >> '{}'; echo a thing", at("ran").string())})
    expanded.push_back(word);
  ASSERT_EQ(attar(expanded).status, 0);
  EXPECT_EQ(std::filesystem::file_size(at("ran")), 40 * std::string_view("once\n").size())
      << "for each question, not for each leg";
  auto one_leg = line;
  one_leg.emplace_back("--lexical");
  EXPECT_EQ(attar(one_leg).status, 2);
  write_whole(at("qrels.tsv"), judgements.substr(0, judgements.find("q19")));
  const Ran few = attar(line);
  EXPECT_EQ(few.status, 2);
  EXPECT_NE(few.err.find("19 are judged"), std::string::npos) << few.err;
}

TEST_F(Documents, ArePlannedWithoutBeingWritten) {
  const Ran ran = attar({"plan", "notes", "--budget", "60kB"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("broken.bin"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("nothing written"), std::string::npos) << ran.out;
  EXPECT_EQ(attar({"plan", "notes", "--budget", "60kB", "--json"}).json()["documents"]["count"], 2);
}

TEST_F(Documents, VectorsOfTheLastTimeAreUsedAgain) {
  const std::string encoder = "cmd:sed -e 's/.*/1 2 3/'";
  const auto pack = [&](const std::vector<std::string>& extra) {
    std::vector<std::string> line = {"pack", "notes", "-o", "notes.attar", "--json", "--encoder", encoder};
    line.insert(line.end(), extra.begin(), extra.end());
    const Ran ran = attar(line);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return ran.json()["documents"];
  };
  EXPECT_EQ(pack({})["encoded"], 2);
  EXPECT_TRUE(std::filesystem::exists(at("notes.attar.vectors")));
  EXPECT_EQ(pack({})["reused"], 2);
  EXPECT_EQ(pack({"--reuse", "none"})["reused"], 0);
  EXPECT_EQ(attar({"search", "notes.attar", "rotate", "--encoder", encoder}).status, 0);
  EXPECT_EQ(attar({"search", "notes.attar", "rotate", "--vector", "[1, 2, 3]"}).status, 0);
  EXPECT_EQ(attar({"search", "notes.attar", "rotate"}).status, 2);
  EXPECT_EQ(attar({"pack", "docs.npy", "-o", "x.attar", "--reuse", "y"}).status, 2);
  const std::string own = read_whole(at("products.jsonl"));
  expect_error(attar({"pack", "notes", "-o", "x.attar", "--reuse", "products.jsonl", "--json"}), 2, "invalid_argument",
               "name another one");
  EXPECT_EQ(read_whole(at("products.jsonl")), own);
  EXPECT_EQ(attar({"pack", "notes", "-o", "-", "--encoder", encoder}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(at("-.vectors")));
}

TEST_F(Documents, RecordsKeepTheFieldsThatAreNamed) {
  const Ran ran = attar({"pack", "products.jsonl", "-o", "p.attar", "--text", "title,body", "--meta", "price",
                         "--budget", "50kB", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_LE(ran.json()["bytes"], 50'000);
  const Ran found = attar({"search", "p.attar", "something red", "--where", "price > 100", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  ASSERT_EQ(found.lines().at(0)["hits"].size(), 1u);
  EXPECT_EQ(found.lines().at(0)["hits"][0]["id"], "c");
  EXPECT_EQ(found.lines().at(0)["hits"][0]["record"], 3);
}

class EvaluatesDocuments : public Documents {
 protected:
  void SetUp() override {
    Documents::SetUp();
    ASSERT_EQ(attar({"pack", "products.jsonl", "-o", "p.attar", "--text", "title,body", "--budget", "50kB"}).status, 0);
    write_whole(at("queries.jsonl"),
                "{\"_id\": \"q1\", \"text\": \"a lamp\"}\n{\"_id\": \"q2\", \"text\": \"blue chair\"}\n"
                "{\"_id\": \"q3\", \"text\": \"anything\"}\n");
    write_whole(at("qrels.tsv"), "query-id\tcorpus-id\tscore\nq1\ta\t1\nq2\tb\t2\nq2\telsewhere\t1\n");
  }
  Ran evaluated(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"eval",    "p.attar",   "--queries", "queries.jsonl",
                                      "--qrels", "qrels.tsv", "-k",        "1,10"};
    words.insert(words.end(), more.begin(), more.end());
    return attar(words);
  }
  static void expect_measures(const Json& measures) {
    expect_keys(measures, {{"hit@1", 'o'},
                           {"hit@10", 'o'},
                           {"mrr", 'o'},
                           {"ndcg@1", 'o'},
                           {"ndcg@10", 'o'},
                           {"recall@1", 'o'},
                           {"recall@10", 'o'}});
    for (const auto& [name, measure] : measures.items())
      expect_keys(
          measure,
          {{"mean", 'n'}, {"low", 'n'}, {"high", 'n'}, {"p05", 'n'}, {"p50", 'n'}, {"p95", 'n'}, {"minimum", 'n'}});
  }
};

TEST_F(EvaluatesDocuments, MeasuresHaveTheKeysOfTheManual) {
  for (const std::string mode : {"hybrid", "semantic", "lexical"}) {
    const Ran ran = evaluated({"--" + mode, "--json"});
    ASSERT_EQ(ran.status, 0) << ran.err;
    const Json json = ran.json();
    const char legs = mode == "hybrid" ? 'o' : '0';
    expect_keys(json, {{"path", 's'},
                       {"rows", 'n'},
                       {"bytes", 'n'},
                       {"mode", 's'},
                       {"questions", 'n'},
                       {"judged", 'n'},
                       {"confidence", 'n'},
                       {"relevance", 'o'},
                       {"legs", legs},
                       {"tuned", '0'},
                       {"run", '0'},
                       {"questions_per_second", 'n'}});
    EXPECT_EQ(json["mode"], mode);
    EXPECT_EQ(json["questions"], 3);
    EXPECT_EQ(json["judged"], 2);
    expect_measures(json["relevance"]);
    EXPECT_EQ(json["relevance"]["mrr"]["mean"], 1);
    EXPECT_EQ(json["relevance"]["recall@10"]["mean"], 0.75) << "one of four halves is elsewhere";
    if (legs == '0') continue;
    expect_keys(json["legs"], {{"semantic", 'o'}, {"lexical", 'o'}});
    for (const auto& [name, leg] : json["legs"].items()) {
      expect_keys(leg, {{"relevance", 'o'}, {"above", 'o'}});
      expect_measures(leg["relevance"]);
      EXPECT_EQ(leg["above"].size(), leg["relevance"].size());
      for (const auto& [measure, above] : leg["above"].items())
        expect_keys(above, {{"mean", 'n'}, {"low", 'n'}, {"high", 'n'}});
    }
  }
  const Ran told = evaluated({"--confidence", "0.9"});
  EXPECT_NE(told.out.find("2 of 3 questions are judged"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("hybrid above it"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("90% interval"), std::string::npos) << told.out;
}

TEST_F(EvaluatesDocuments, ARunIsWrittenAndNothingElseOverwritten) {
  const Ran ran = evaluated({"--lexical", "--run", "out.trec", "--tag", "mine", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.json()["run"], "out.trec");
  std::istringstream in(read_whole(at("out.trec")));
  std::string query, q0, document, rank, score, tag;
  ASSERT_TRUE(in >> query >> q0 >> document >> rank >> score >> tag);
  EXPECT_EQ(query + " " + q0 + " " + document + " " + rank + " " + tag, "q1 Q0 a 1 mine");
  EXPECT_GT(std::stod(score), 0);
  const Ran again = evaluated({"--lexical", "--run", "out.trec"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("out.trec"), std::string::npos) << again.out;
  write_whole(at("notes.txt"), "mine");
  EXPECT_EQ(evaluated({"--run", "notes.txt"}).status, 2);
  EXPECT_EQ(read_whole(at("notes.txt")), "mine");
  EXPECT_EQ(evaluated({"--run", "notes.txt", "-f"}).status, 0);
  const std::string packed = read_whole(at("p.attar"));
  for (const char* input : {"p.attar", "queries.jsonl", "qrels.tsv"})
    expect_error(evaluated({"--run", input, "-f", "--json"}), 2, "invalid_argument", "also an input");
  EXPECT_EQ(read_whole(at("p.attar")), packed);
}

TEST_F(EvaluatesDocuments, WrongUseSaysWhatIsRight) {
  expect_error(attar({"eval", "p.attar", "--queries", "queries.jsonl", "--json"}), 2, "invalid_argument", "--qrels");
  expect_error(evaluated({"--base", "docs.npy", "--json"}), 2, "invalid_argument", "--base");
  expect_error(evaluated({"--lexical", "--semantic", "--json"}), 2, "invalid_argument", "exclude");
  expect_error(evaluated({"--lexical", "--diverse", "--json"}), 2, "invalid_argument", "--hybrid");
  expect_error(evaluated({"--run", "-", "--json"}), 2, "invalid_argument", "--run");
  expect_error(evaluated({"--run", "out.trec", "--tag", "two words", "--json"}), 2, "invalid_argument", "tag");
  expect_error(evaluated({"--where", "colour = 'red'", "--json"}), 2, "invalid_argument", "colour");
  write_whole(at("others.tsv"), "query-id\tcorpus-id\tscore\nq9\ta\t1\n");
  expect_error(attar({"eval", "p.attar", "--queries", "queries.jsonl", "--qrels", "others.tsv", "--json"}), 2,
               "invalid_data", "judges none");
  pack_docs();
  expect_error(attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy", "--run", "r", "--json"}), 2,
               "invalid_argument", "--run");
}

TEST_F(Documents, TextsBecomeVectors) {
  write_whole(at("texts.txt"), "one text\nanother text\n");
  const Ran ran = attar({"embed", "texts.txt", "-o", "texts.npy", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"path", 's'}, {"texts", 'n'}, {"dims", 'n'}, {"encoder", 's'}, {"seconds", 'n'}});
  EXPECT_EQ(ran.json()["texts"], 2);
  EXPECT_TRUE(std::filesystem::exists(at("texts.npy")));
  EXPECT_EQ(attar({"embed", "texts.txt", "-o", "texts.npy"}).status, 2) << "no overwriting without -f";
}

TEST_F(Documents, WrongUseSaysWhatIsRight) {
  packed();
  ASSERT_EQ(attar({"pack", "docs.npy", "-o", "docs.attar", "--codec", "lvq", "--budget", "60B/vec"}).status, 0);
  const Ran words = attar({"search", "docs.attar", "a question"});
  EXPECT_EQ(words.status, 2);
  EXPECT_NE(words.err.find("--vector"), std::string::npos) << words.err;
  const Ran none = attar({"search", "notes.attar"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("--vector"), std::string::npos) << none.err;
  EXPECT_EQ(attar({"search", "notes.attar", "x", "--lexical", "--semantic"}).status, 2);
  EXPECT_EQ(attar({"search", "notes.attar", "x", "--vector", "[1, 2]"}).status, 2) << "of other dimensions";
  EXPECT_EQ(attar({"pack", "docs.npy", "-o", "x.attar", "--encoder", "models"}).status, 2);
  EXPECT_EQ(attar({"pack", "nowhere", "-o", "x.attar"}).status, 2);
  EXPECT_EQ(attar({"pack", "notes", "-o", "x.attar", "--ids", "q.npy"}).status, 2);
}

}  // namespace
}  // namespace attar::cli
