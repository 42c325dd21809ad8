#include <fmt/format.h>

#include "cli/support.h"

namespace attar::cli {
namespace {

class CacheCommands : public CliTest {};

TEST_F(CacheCommands, GetPutGet) {
  const Ran miss = attar({"cache", "get", "c", "How do I reset my PIN?"});
  EXPECT_EQ(miss.status, 1);
  EXPECT_EQ(miss.out, "");
  EXPECT_NE(miss.err.find("miss, empty"), std::string::npos) << miss.err;
  write_whole(at("answer.txt"), "In the app.\nUnder cards.\n");
  ASSERT_EQ(attar({"cache", "put", "c", "How do I reset my PIN?", "--answer", "@answer.txt", "-q"}).status, 0);
  const Ran hit = attar({"cache", "get", "c", "-"}, "how do I reset my pin\n");
  EXPECT_EQ(hit.status, 0) << hit.err;
  EXPECT_EQ(hit.out, "In the app.\nUnder cards.\n");
  EXPECT_NE(hit.err.find("hit, exact"), std::string::npos) << hit.err;
}

TEST_F(CacheCommands, JsonTellsAll) {
  const Ran put = attar({"cache", "put", "c", "How do I reset my PIN?", "--answer", "-", "--json"}, "In the app.");
  ASSERT_EQ(put.status, 0) << put.err;
  expect_keys(put.json(), {{"id", 'n'}, {"entries", 'n'}, {"bytes", 'n'}});
  const Ran near = attar({"cache", "get", "c", "How can I reset my PIN?", "--json"});
  EXPECT_EQ(near.status, 1);
  expect_keys(near.json(), {{"hit", 'b'},
                            {"answer", '0'},
                            {"why", 's'},
                            {"gate", '0'},
                            {"id", 'n'},
                            {"prompt", 's'},
                            {"similarity", 'n'},
                            {"probability", 'n'}});
  EXPECT_EQ(near.json()["why"], "unsure");
  const std::string id = near.json()["id"].dump();
  EXPECT_EQ(attar({"cache", "put", "c", "How can I reset my PIN?", "--answer", "x", "--after", id, "--same"}).status,
            0);
  const Ran gated = attar({"cache", "get", "c", "How can I reset my PIN in 5 days?", "--json"});
  EXPECT_EQ(gated.json()["gate"], "number");
  const Ran stats = attar({"cache", "stats", "c", "--json"});
  expect_keys(stats.json(), {{"entries", 'n'},
                             {"answers", 'n'},
                             {"bytes", 'n'},
                             {"max_bytes", 'n'},
                             {"max_entries", 'n'},
                             {"prompts", 'n'},
                             {"hits", 'n'},
                             {"by", 'o'},
                             {"error", 'n'},
                             {"wrong_estimate", 'n'},
                             {"encoder", 's'}});
  EXPECT_EQ(stats.json()["entries"], 2);
  EXPECT_EQ(stats.json()["answers"], 1);
  EXPECT_NE(attar({"cache", "stats", "c"}).out.find("at most 2% expected"), std::string::npos);
  const Ran removed = attar({"cache", "rm", "c", "1", "2", "--json"});
  expect_keys(removed.json(), {{"removed", 'n'}, {"entries", 'n'}});
  EXPECT_EQ(removed.json()["entries"], 0);
}

TEST_F(CacheCommands, AReplaySaysWhatACacheHadSaved) {
  std::string log;
  for (int i = 0; i < 300; ++i)
    log += fmt::format("{{\"prompt\": \"tell me about topic {} please, {}\", \"answer\": \"{}\"}}\n", i % 3, i, i % 3);
  write_whole(at("log.jsonl"), log);
  const Ran ran = attar({"cache", "replay", "log.jsonl", "--error", "5%", "--into", "c", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"prompts", 'n'},
                           {"hits", 'n'},
                           {"by", 'o'},
                           {"wrong", 'n'},
                           {"wrong_exact", 'n'},
                           {"error", 'n'},
                           {"candidate_right", 'n'},
                           {"answer_known", 'n'},
                           {"answer_bytes_saved", 'n'},
                           {"seconds", 'o'},
                           {"cache", 'o'}});
  EXPECT_EQ(ran.json()["error"], 0.05);
  EXPECT_EQ(ran.json()["prompts"], 300);
  EXPECT_EQ(attar({"cache", "stats", "c", "--json"}).json()["prompts"], 300);
  EXPECT_NE(attar({"cache", "replay", "log.jsonl"}).out.find("perfect judge"), std::string::npos);
}

TEST_F(CacheCommands, MisuseIsAnsweredWithWhatWorks) {
  expect_error(attar({"cache", "gte", "c", "--json"}), 2, "invalid_argument", "did you mean get");
  expect_error(attar({"cache", "get", "c", "x", "--eror", "1%", "--json"}), 2, "invalid_argument", "--error");
  expect_error(attar({"cache", "get", "c", "x", "--error", "150%", "--json"}), 2, "invalid_argument",
               "as in 2% or 0.02");
  expect_error(attar({"cache", "get", "c", "x", "--budget", "30%", "--json"}), 2, "invalid_argument", "as in 500MB");
  expect_error(attar({"cache", "put", "c", "x", "--answer", "y", "--same", "--other", "--json"}), 2, "invalid_argument",
               "--same");
  expect_error(attar({"cache", "put", "c", "-", "--answer", "-", "--json"}), 2, "invalid_argument", "not both");
  expect_error(attar({"cache", "put", "c", "x", "--answer", "@none.txt", "--json"}), 2, "io", "none.txt");
  expect_error(attar({"cache", "stats", "nowhere", "--json"}), 2, "io", "is no cache");
  const Ran none = attar({"cache"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("name one of its commands: get, put"), std::string::npos) << none.err;
  const Ran wrong = attar({"cache", "get", "c"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.err.find("attar cache get answers.cache"), std::string::npos) << wrong.err;
  EXPECT_NE(attar({"cache", "get", "--help"}).out.find("Examples:"), std::string::npos);
  EXPECT_NE(attar({"cache", "--help"}).out.find("replay"), std::string::npos);
}

}  // namespace
}  // namespace attar::cli
