#include "attar/context.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/support.h"

namespace attar::engine {
namespace {

class ContextTest : public EngineTest {
 protected:
  static constexpr std::string_view report =
      "# Report\n\nThe deploy of ERR-17 ran on 12 May. It was started by Ann. Nobody saw the warning ERR-3 of the "
      "registry.\n\n"
      "## Why\n\nThe deploy failed because the token had expired. Then it rained all day. The roses were in bloom, as "
      "they are in May. "
      "A cat sat on the fence and looked at them. It was late when they went home.\n";

  [[nodiscard]] static std::vector<ContextInput> inputs() {
    return {{.name = "report.md", .text = std::string(report)}};
  }
};

TEST_F(ContextTest, TheBudgetIsInTokensOrAShareOrTheSmallerOfBoth) {
  const auto half = fit_context(inputs(), {.ratio = 0.5});
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_EQ(half->budget, half->input_tokens / 2);
  EXPECT_EQ(half->tokenizer, "characters/4");
  EXPECT_TRUE(half->estimated);
  EXPECT_EQ(half->outcome, ContextOutcome::cut);
  EXPECT_EQ(half->kinds, std::vector<ContextKind>{ContextKind::markdown});
  const auto both = fit_context(inputs(), {.tokens = 30, .ratio = 0.9});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->budget, 30u);
  EXPECT_LE(both->tokens, 30u);
}

TEST_F(ContextTest, PatternsAreMatchedOnTheSource) {
  const auto made = fit_context(inputs(), {.ratio = 0.6, .query = "roses", .keep = {R"(ERR-\d+)"}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_NE(made->text.find("ERR-17"), std::string::npos) << made->text;
  EXPECT_NE(made->text.find("ERR-3"), std::string::npos);
  const auto refused = fit_context(inputs(), {.tokens = 20, .keep = {R"(ERR-\d+)"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::goal_unreachable);
  EXPECT_NE(refused.error().message.find("give --tokens "), std::string::npos) << refused.error().message;
}

TEST_F(ContextTest, CutsAreRestoredFromTheInputThatWasCut) {
  const auto made = fit_context(inputs(), {.ratio = 0.5, .query = "why did the deploy fail"});
  ASSERT_TRUE(made);
  ASSERT_FALSE(made->cuts.empty());
  for (const ContextCut& cut : made->cuts) {
    const auto bytes = restore_context(inputs(), cut.id);
    ASSERT_TRUE(bytes) << cut.id;
    EXPECT_EQ(*bytes, report.substr(cut.begin, cut.end - cut.begin));
  }
  auto changed = inputs();
  changed[0].text[report.find("rained")] = 'R';
  const auto covering = std::ranges::find_if(made->cuts, [](const ContextCut& cut) {
    return cut.begin <= report.find("rained") && report.find("rained") < cut.end;
  });
  ASSERT_NE(covering, made->cuts.end());
  EXPECT_EQ(restore_context(changed, covering->id).error().code, ErrorCode::invalid_argument);
}

TEST_F(ContextTest, OptionsThatSayNothingOrTooMuchAreRefused) {
  const auto code = [&](const ContextOptions& options) { return fit_context(inputs(), options).error().code; };
  EXPECT_EQ(code({}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.ratio = 1.5}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.ratio = std::nan("")}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.tokens = 10, .keep = {"("}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code({.tokens = 10, .tokenizer = "no such"}), ErrorCode::io);
  EXPECT_EQ(fit_context({}, {.tokens = 10}).error().code, ErrorCode::invalid_argument);
}

TEST_F(ContextTest, FilesAndFoldersAreReadAsTexts) {
  std::filesystem::create_directories(at("notes"));
  put("notes/a.md", "# A\n");
  put("notes/b.html", "<html><body><p>Some words.</p></body></html>");
  put("notes/c.bin", std::string("\0\1", 2));
  put("notes/.gitignore", "d.txt\n");
  put("notes/d.txt", "left out");
  const auto read = read_context({at("notes"), at("notes/a.md")});
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[0].text, "# A\n");
  EXPECT_EQ((*read)[1].text.find("<p>"), std::string::npos);
  EXPECT_NE((*read)[1].text.find("Some words."), std::string::npos);
  EXPECT_EQ(read_context({at("notes/c.bin")}).error().code, ErrorCode::unsupported);
  EXPECT_EQ(read_context({at("none")}).error().code, ErrorCode::io);
  EXPECT_EQ(read_context({at("notes/a.md")}, {.most_bytes = 3}).error().code, ErrorCode::over_limit);
}

TEST_F(ContextTest, EvidenceIsCountedAndBounded) {
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines +=
        R"({"question": "why did the deploy fail", "evidence": ["The deploy failed because the token had expired."], "context": [{"title": "a", "text": "The deploy failed because the token had expired. It rained. The cat slept on the warm stove all day long, and so on. Nothing else was said about it in the paper of that day."}]})"
        "\n";
  const auto path = put("q.jsonl", lines);
  const auto made = evaluate_context({}, {.questions = path, .fit = {.ratio = 0.5}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->kept, 1);
  EXPECT_EQ(made->all_kept, 1);
  EXPECT_EQ(made->evidence_kept, 40u);
  EXPECT_GT(made->lower_bound, 0.85);
  EXPECT_LT(made->lower_bound, 1);
  EXPECT_LE(made->tokens * 2, made->input_tokens);
  EXPECT_NE(made->scope.find("does not promise"), std::string::npos);
  // The inputs where a question brings none.
  const auto own =
      put("own.jsonl", R"({"query": "why did the deploy fail", "evidence": ["the token had expired", "A cat sat"]})");
  const auto given = evaluate_context(inputs(), {.questions = own, .fit = {.ratio = 0.5}});
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->kept, 0.5);
  const auto code = [&](std::string_view line) {
    return evaluate_context({}, {.questions = put("bad.jsonl", line), .fit = {.ratio = 0.5}}).error().code;
  };
  EXPECT_EQ(code(""), ErrorCode::invalid_data);
  EXPECT_EQ(code("{"), ErrorCode::invalid_data);
  EXPECT_EQ(code(R"({"question": "a", "evidence": []})"), ErrorCode::invalid_data);
  EXPECT_EQ(code(R"({"question": "a", "evidence": ["x"], "context": "y"})"), ErrorCode::invalid_data);
  EXPECT_EQ(code(R"({"question": "a", "evidence": ["x"], "context": [{"title": "y"}]})"), ErrorCode::invalid_data);
  EXPECT_EQ(code(R"({"question": "a", "evidence": ["x"]})"), ErrorCode::invalid_argument);
}

TEST_F(ContextTest, TheHandbookKeepsWhatItsQuestionsAskFor) {
  const std::filesystem::path samples = std::filesystem::path(ATTAR_SOURCE_DIR) / "samples";
  const auto handbook = read_context({samples / "handbook"});
  ASSERT_TRUE(handbook) << handbook.error().message;
  for (const auto& [ratio, least] : {std::pair(0.4, 1.0), std::pair(0.3, 0.9)}) {
    const auto made =
        evaluate_context(*handbook, {.questions = samples / "handbook-questions.jsonl", .fit = {.ratio = ratio}});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_GE(made->kept, least);
    for (const ContextQuestion& question : made->questions) EXPECT_LE(question.tokens, question.budget);
  }
}

// ---- real data, where it is there ----

std::filesystem::path real_data() {
  const char* given = std::getenv("ATTAR_DATA");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(ATTAR_SOURCE_DIR) / ".." / "shared" / "data";
}

// Some copies of the set hold lists as text.
nlohmann::json listed(const nlohmann::json& value) {
  return value.is_string() ? nlohmann::json::parse(value.get<std::string>(), nullptr, false) : value;
}

TEST_F(ContextTest, RealQuestionsKeepTheirEvidence) {
  const auto file = real_data() / "text" / "hotpotqa100.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  std::string lines;
  for (const auto& entry : nlohmann::json::parse(read_whole(file))) {
    nlohmann::json line = {
        {"question", entry["question"]}, {"evidence", nlohmann::json::array()}, {"context", nlohmann::json::array()}};
    const nlohmann::json facts = listed(entry["supporting_facts"]);
    for (const auto& paragraph : listed(entry["context"])) {
      std::string text;
      for (std::size_t i = 0; i < paragraph[1].size(); ++i) {
        const auto sentence = paragraph[1][i].get<std::string>();
        text += sentence;
        for (const auto& fact : facts)
          if (fact[0] == paragraph[0] && fact[1] == i)
            line["evidence"].push_back(sentence.substr(std::min(sentence.find_first_not_of(' '), sentence.size())));
      }
      line["context"].push_back({{"title", paragraph[0]}, {"text", text}});
    }
    lines += line.dump() + "\n";
  }
  const auto path = put("hotpot.jsonl", lines);
  for (const auto& [ratio, least] : {std::pair(0.3, 0.92), std::pair(0.15, 0.82)}) {
    const auto made = evaluate_context({}, {.questions = path, .fit = {.ratio = ratio}});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->questions.size(), 100u);
    EXPECT_GE(made->kept, least);
  }
}

TEST_F(ContextTest, RealLogsKeepTheirErrors) {
  const auto folder = real_data() / "logs";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs " << folder;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto inputs = read_context({entry.path()});
    ASSERT_TRUE(inputs);
    const auto made = fit_context(*inputs, {.ratio = 0.5});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_LE(made->tokens * 2, made->input_tokens);
    const std::string& text = inputs->front().text;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      EXPECT_TRUE((line.find(" ERROR ") == std::string::npos && line.find(" FATAL ") == std::string::npos) ||
                  made->text.find(line) != std::string::npos)
          << entry.path() << line;
    }
  }
}

}  // namespace
}  // namespace attar::engine
