#include "cli/support.h"

namespace attar::cli {
namespace {

class ContextCommand : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write_whole(at("report.md"),
                "# Report\n\nThe deploy of ERR-17 ran on 12 May. It was started by Ann. Nobody saw the warning of the "
                "registry.\n\n## Why\n\n"
                "The deploy failed because the token had expired. Then it rained all day. The roses were in bloom, as "
                "they are in May. "
                "A cat sat on the fence and looked at them. It was late when they went home.\n");
    std::string log;
    for (int i = 0; i < 200; ++i)
      log += "2026-11-28 10:00:" + std::to_string(10 + i % 50) + " INFO request " + std::to_string(i) + " served\n";
    write_whole(at("app.log"), log + "2026-11-28 10:02:00 ERROR disk is full\n");
  }
};

TEST_F(ContextCommand, TextGoesToStandardOutputAndCutsComeBack) {
  const Ran ran = attar({"context", "report.md", "--tokens", "45", "--query", "why did the deploy fail"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("because the token had expired."), std::string::npos) << ran.out;
  EXPECT_TRUE(ran.err.empty()) << ran.err;
  const Json json =
      attar({"context", "report.md", "--tokens", "45", "--query", "why did the deploy fail", "--json"}).json();
  EXPECT_EQ(json["text"], ran.out);
  expect_keys(json, {{"text", 's'},
                     {"outcome", 's'},
                     {"tokens", 'n'},
                     {"input_tokens", 'n'},
                     {"budget", 'n'},
                     {"tokenizer", 's'},
                     {"estimated", 'b'},
                     {"inputs", 'a'},
                     {"kept", 'a'},
                     {"cuts", 'a'},
                     {"left_out", 'a'}});
  EXPECT_EQ(json["outcome"], "cut");
  const std::string source = read_whole(at("report.md"));
  for (const Json& cut : json["cuts"]) {
    const std::string id = cut["id"];
    const Ran restored = attar({"context", "--restore", id, "report.md"});
    ASSERT_EQ(restored.status, 0) << restored.err;
    EXPECT_EQ(restored.out,
              source.substr(cut["begin"], cut["end"].get<std::size_t>() - cut["begin"].get<std::size_t>()));
    EXPECT_EQ(attar({"context", "--restore", id, "app.log"}).status, 2);
  }
}

TEST_F(ContextCommand, StandardInputIsReadAndItsKindFound) {
  const Ran ran = attar({"context", "-", "--tokens", "60", "--json"}, read_whole(at("app.log")));
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.json()["inputs"][0]["kind"], "log");
  const std::string text = ran.json()["text"];
  EXPECT_NE(text.find("ERROR disk is full"), std::string::npos) << text;
  EXPECT_NE(text.find("alike"), std::string::npos) << text;
}

TEST_F(ContextCommand, WhatMustBeKeptAndDoesNotFitEndsWithThree) {
  const Ran ran = attar({"context", "report.md", "--tokens", "12", "--keep", "ERR-\\d+"});
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find("give --tokens "), std::string::npos) << ran.err;
  const Ran kept = attar({"context", "--keep", "ERR-\\d+", "--keep", "roses", "report.md", "--ratio", "0.8"});
  ASSERT_EQ(kept.status, 0) << kept.err;
  EXPECT_NE(kept.out.find("ERR-17"), std::string::npos);
  EXPECT_NE(kept.out.find("roses"), std::string::npos);
}

TEST_F(ContextCommand, ExplainTellsWhatWentAndWhy) {
  const Ran ran =
      attar({"context", "report.md", "app.log", "--ratio", "0.03", "--query", "why did the deploy fail", "--explain"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("==> report.md <=="), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("an estimate"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("relevance at most"), std::string::npos) << ran.err;
}

TEST_F(ContextCommand, WrongUseSaysWhatIsRight) {
  EXPECT_NE(attar({"context", "report.md"}).err.find("--tokens 4000"), std::string::npos);
  EXPECT_EQ(attar({"context", "report.md"}).status, 2);
  EXPECT_EQ(attar({"context", "--tokens", "10"}).status, 2);
  EXPECT_EQ(attar({"context", "report.md", "--tokens", "0"}).status, 2);
  EXPECT_EQ(attar({"context", "report.md", "--tokens", "10", "--as", "poem"}).status, 2);
  EXPECT_EQ(attar({"context", "report.md", "--tokens", "10", "--keep", "("}).status, 2);
  EXPECT_EQ(attar({"context", "nothing.md", "--tokens", "10"}).status, 2);
  EXPECT_EQ(attar({"context", "--restore", "zz", "report.md"}).status, 2);
}

TEST_F(ContextCommand, EvidenceIsMeasured) {
  write_whole(
      at("q.jsonl"),
      R"({"question": "why did the deploy fail", "evidence": ["The deploy failed because the token had expired."]})"
      "\n");
  const Ran ran = attar({"context", "report.md", "--ratio", "0.5", "--eval", "q.jsonl", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"kept", 'n'},
                           {"lower_bound", 'n'},
                           {"all_kept", 'n'},
                           {"evidence", 'n'},
                           {"evidence_kept", 'n'},
                           {"tokens", 'n'},
                           {"input_tokens", 'n'},
                           {"seconds", 'n'},
                           {"scope", 's'},
                           {"questions", 'a'}});
  EXPECT_EQ(ran.json()["kept"], 1);
  EXPECT_NE(attar({"context", "report.md", "--ratio", "0.5", "--eval", "q.jsonl"}).out.find("at least"),
            std::string::npos);
}

}  // namespace
}  // namespace attar::cli
