#include "cli/support.h"

namespace attar::cli {
namespace {

class CorpusCli : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write_whole(
        at("corpus.jsonl"),
        "{\"id\": \"a\", \"text\": \"To rotate the keys run the script on the bastion host before noon.\"}\n"
        "{\"id\": \"b\", \"text\": \"Knead the dough and bake the bread.\"}\n"
        "{\"id\": \"c\", \"text\": \"To rotate the keys, run the script on the bastion host before noon!\"}\n"
        "{\"id\": \"d\", \"text\": \"To rotate the keys run the script on the bastion host before midnight.\"}\n"
        "{\"id\": \"e\"}\n");
    write_whole(at("target.txt"), "Bake the bread in the oven.\n");
  }
};

TEST_F(CorpusCli, DedupWritesLinesAndSaysWhatWent) {
  const Ran ran = attar({"dedup", "corpus.jsonl", "-o", "kept.jsonl", "--clusters", "clusters.jsonl", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json json = ran.json();
  expect_keys(json, {{"path", 's'},
                     {"documents", 'n'},
                     {"kept", 'n'},
                     {"exact_duplicates", 'n'},
                     {"near_duplicates", 'n'},
                     {"semantic_duplicates", 'n'},
                     {"clusters", 'n'},
                     {"bands", 'n'},
                     {"rows", 'n'},
                     {"chance_to_miss", 'n'},
                     {"pairs_offered", 'n'},
                     {"pairs_verified", 'n'},
                     {"vectors_compared", 'n'},
                     {"scratch_bytes", 'n'},
                     {"skipped", 'o'},
                     {"seconds", 'o'}});
  expect_keys(json["seconds"], {{"read", 'n'}, {"compare", 'n'}, {"semantic", 'n'}, {"write", 'n'}});
  EXPECT_EQ(json["kept"], 2);
  EXPECT_EQ(json["exact_duplicates"], 1);
  EXPECT_EQ(json["near_duplicates"], 1);
  EXPECT_EQ(json["skipped"]["first"][0]["line"], 5);
  EXPECT_EQ(read_whole(at("clusters.jsonl")), "{\"kept\": 1, \"exact\": [3], \"near\": [4], \"semantic\": []}\n");
  const Ran again = attar({"dedup", "corpus.jsonl", "-o", "kept.jsonl"});
  EXPECT_EQ(again.status, 2) << "no file is overwritten unasked";
  EXPECT_EQ(attar({"dedup", "corpus.jsonl", "-o", "kept.jsonl", "-f"}).status, 0);
}

TEST_F(CorpusCli, StreamsGoThrough) {
  const Ran ran = attar({"dedup", "-", "-o", "-", "--exact"}, "one text\nanother\nOne, text\n");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "one text\nanother\n");
  EXPECT_NE(ran.err.find("2 of 3 documents kept"), std::string::npos) << ran.err;
  EXPECT_EQ(attar({"dedup", "-", "-o", "-", "-q"}, "a\n").err, "");
  EXPECT_EQ(attar({"pack-windows", "-", "-o", "-", "-q"}, "a b\nc\n").out,
            "{\"texts\": [\"a b\", \"c\"], \"tokens\": 2}\n");
  EXPECT_EQ(attar({"select", "-", "--like", "target.txt", "--budget", "1docs", "-o", "-", "-q"},
                  "the war of the kings\nbake the bread in the oven\n")
                .out,
            "bake the bread in the oven\n");
}

TEST_F(CorpusCli, SelectChoosesWithinABudget) {
  const Ran ran =
      attar({"select", "corpus.jsonl", "--like", "target.txt", "--budget", "1docs", "-o", "c.jsonl", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"path", 's'},
                           {"documents", 'n'},
                           {"target_documents", 'n'},
                           {"target_bytes", 'n'},
                           {"chosen", 'n'},
                           {"bytes", 'n'},
                           {"tokens", 'n'},
                           {"near_duplicates", 'n'},
                           {"distance", 'o'},
                           {"skipped", 'o'},
                           {"seconds", 'o'}});
  expect_keys(ran.json()["distance"], {{"nearest", 'n'}, {"farthest", 'n'}, {"pool_median", 'n'}});
  expect_keys(ran.json()["seconds"], {{"read", 'n'}, {"near", 'n'}, {"write", 'n'}});
  EXPECT_EQ(Json::parse(read_whole(at("c.jsonl")))["id"], "b");
  EXPECT_EQ(attar({"select", "corpus.jsonl", "--like", "target.txt", "--budget", "5B", "-o", "n.jsonl"}).status, 1);
}

TEST_F(CorpusCli, WindowsAreCountedAgainstOtherWays) {
  const Ran ran = attar({"pack-windows", "corpus.jsonl", "--window", "32", "-o", "w.jsonl", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"path", 's'},
                           {"documents", 'n'},
                           {"tokens", 'n'},
                           {"tokenizer", 's'},
                           {"estimated", 'b'},
                           {"window", 'n'},
                           {"windows", 'n'},
                           {"fill", 'n'},
                           {"documents_cut", 'n'},
                           {"pieces", 'n'},
                           {"first_fit", 'o'},
                           {"concatenate", 'o'},
                           {"skipped", 'o'},
                           {"seconds", 'o'}});
  expect_keys(ran.json()["first_fit"], {{"windows", 'n'}, {"fill", 'n'}, {"documents_cut", 'n'}});
  expect_keys(ran.json()["seconds"], {{"read", 'n'}, {"fit", 'n'}, {"write", 'n'}});
  EXPECT_EQ(ran.json()["documents_cut"], 0);
}

TEST_F(CorpusCli, ErrorsNameTheOptionAndWhatIsValid) {
  expect_error(attar({"dedup", "corpus.jsonl", "-o", "x", "--near", "1.2", "--json"}), 2, "invalid_argument", "--near");
  expect_error(attar({"dedup", "corpus.jsonl", "-o", "x", "--shingles", "3", "--json"}), 2, "invalid_argument",
               "3w or 8c");
  expect_error(attar({"dedup", "corpus.jsonl", "-o", "x", "--keep", "last", "--json"}), 2, "invalid_argument",
               "first or longest");
  expect_error(attar({"dedup", "corpus.jsonl", "-o", "x", "--text-field", "body", "--json"}), 2, "invalid_data",
               "body");
  expect_error(attar({"dedup", "corpus.jsonl", "-o", "corpus.jsonl", "-f", "--json"}), 2, "invalid_argument",
               "another output");
  expect_error(attar({"select", "corpus.jsonl", "--like", "target.txt", "--budget", "5", "-o", "x", "--json"}), 2,
               "invalid_argument", "5000docs");
  expect_error(attar({"select", "-", "--like", "-", "--budget", "5docs", "-o", "x", "--json"}), 2, "invalid_argument",
               "not both");
  expect_error(attar({"pack-windows", "corpus.jsonl", "-o", "x", "--window", "3", "--json"}), 2, "invalid_argument",
               "16");
  expect_error(attar({"pack-windows", "corpus.jsonl", "-o", "x", "--tokenizer", "gpt-0", "--json"}), 2, "io",
               "give a tokenizer");
  EXPECT_EQ(names(), (std::vector<std::string>{"corpus.jsonl", "docs.npy", "q.npy", "target.txt"}));
}

}  // namespace
}  // namespace attar::cli
