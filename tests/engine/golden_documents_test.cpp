// tests/golden/documents-v<version>.attar: texts, words and vectors of a handful of documents, written once, answering
// the same questions for ever. The version is that of the sections of texts, documents and words, which are all 1.
//
// Beside it stands, as JSON, what it holds and answers: texts and rows, and no scores, for how the legs are weighed is
// no part of the format. To write it where it is missing: run this binary with --gtest_filter=Golden* and
// ATTAR_WRITE_GOLDEN=1 in the environment.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "attar/documents.h"
#include "engine/artifact_state.h"
#include "engine/support.h"
#include "index/lexical/builder.h"
#include "text/store/documents.h"
#include "text/store/texts.h"

namespace attar::engine {
namespace {

using Json = nlohmann::ordered_json;

std::filesystem::path golden_path(const char* ending) {
  return std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / (std::string("documents-v1") + ending);
}

struct Asked {
  std::string question;
  std::string mode;
  std::string where = {};
  bool diverse = false;
  std::uint32_t k = 1;  // so many are far enough before the others
};

// Every leg, a phrase, conditions, and letters beyond ASCII.
const std::vector<Asked>& asked() {
  static const std::vector<Asked> out = {
      {.question = "rotation of keys", .mode = "lexical", .k = 4},
      {.question = "\"rotate the keys\" on a host", .mode = "lexical"},
      {.question = "pruning in J\u00fcly", .mode = "lexical"},
      {.question = "growing vegetables", .mode = "semantic"},
      {.question = "furniture to sit on", .mode = "semantic", .k = 2},
      {.question = "how do I rotate the keys", .mode = "hybrid"},
      {.question = "something \"red\"", .mode = "hybrid", .where = "price > 100"},
      {.question = "a lamp", .mode = "hybrid", .where = "tags contains 'office'"},
      {.question = "who is told of a lost key", .mode = "hybrid", .diverse = true},
  };
  return out;
}

Result<Json> answer(const TextSearch& search, const Asked& asked) {
  const SearchMode mode = asked.mode == "lexical"    ? SearchMode::lexical
                          : asked.mode == "semantic" ? SearchMode::semantic
                                                     : SearchMode::hybrid;
  ATTAR_ASSIGN(const auto found, search.ask(std::span(&asked.question, 1), {.k = asked.k,
                                                                            .mode = mode,
                                                                            .where = asked.where,
                                                                            .each_row = true,
                                                                            .diverse = asked.diverse,
                                                                            .snippet_bytes = 0}));
  Json out = {{"question", asked.question}, {"mode", asked.mode}, {"where", asked.where}, {"diverse", asked.diverse}};
  out["answers"] = Json::array();
  for (const Answer& one : found.of.front())
    out["answers"].push_back({{"row", one.row},
                              {"document", one.document},
                              {"path", one.path},
                              {"title", one.title},
                              {"heading", one.heading},
                              {"id", one.id},
                              {"line", one.line},
                              {"record", one.record}});
  return out;
}

// What the file holds and answers.
Result<Json> ask(const Artifact& artifact) {
  ATTAR_TRY(artifact.verify(1));
  ATTAR_ASSIGN(const auto info, artifact.info());
  const TextParts& parts = *ArtifactAccess::state(artifact).text;
  Json out = {{"content_digest", info.content_digest}, {"encoder", parts.encoder.name}, {"texts", Json::array()}};
  for (std::uint32_t row = 0; row < artifact.rows(); ++row) {
    ATTAR_ASSIGN(const std::string text, parts.texts.text(row));
    out["texts"].push_back(text);
  }
  ATTAR_ASSIGN(const auto search, TextSearch::open(artifact));
  out["questions"] = Json::array();
  for (const Asked& one : asked()) {
    ATTAR_ASSIGN(Json answers, answer(search, one));
    out["questions"].push_back(std::move(answers));
  }
  return out;
}

class GoldenDocuments : public EngineTest {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(at(name).parent_path());
    std::ofstream(at(name), std::ios::binary) << text;
  }

  void write_missing() {
    if (std::filesystem::exists(golden_path(".attar"))) return;
    write("notes/ops/keys.md",
          "# Keys\n\nEvery server holds a signing key.\n\n## Rotation\n\nTo rotate the keys, run the rotation script "
          "on the bastion host.\nWait for replication before the old key is removed.\n\n## Loss\n\nWhoever loses a key "
          "tells the operators at once.\n");
    write("notes/bread.txt", "Knead flour, water, salt and yeast.\nBake the dough for forty minutes.\n");
    write("notes/garden.html",
          "<html><head><title>Garden</title></head><body><h1>Tomatoes</h1><p>Tomatoes need sun &amp; water; prune them "
          "in J&uuml;ly.</p></body></html>");
    write("notes/products.jsonl",
          "{\"id\": \"p1\", \"title\": \"Lamp\", \"body\": \"A red lamp for the desk.\", \"price\": 12, \"tags\": "
          "[\"light\", \"office\"]}\n"
          "{\"id\": \"p2\", \"title\": \"Chair\", \"body\": \"A blue chair for the garden.\", \"price\": 80.5}\n"
          "{\"id\": \"p3\", \"title\": \"Table\", \"body\": \"A red table for the kitchen.\", \"price\": 150}\n");
    PackDocumentsOptions options{.chunk_tokens = 24};
    options.pack.budget = parse_budget("14kB").value();
    options.pack.threads = 1;
    const auto packed = pack_documents(at("notes"), golden_path(".attar"), options);
    ASSERT_TRUE(packed && packed->plan.reachable) << error_of(packed);
    const auto artifact = Artifact::open(golden_path(".attar"));
    ASSERT_TRUE(artifact) << error_of(artifact);
    const auto answers = ask(*artifact);
    ASSERT_TRUE(answers) << error_of(answers);
    std::ofstream(golden_path(".json")) << answers->dump(1) << '\n';
  }
};

TEST_F(GoldenDocuments, GiveTheSameAnswersForEver) {
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr) write_missing();
  const Json expected = Json::parse(read_whole(golden_path(".json")));
  const auto artifact = Artifact::open(golden_path(".attar"));
  ASSERT_TRUE(artifact) << error_of(artifact);
  const auto answers = ask(*artifact);
  ASSERT_TRUE(answers) << error_of(answers);
  for (const char* key : {"content_digest", "encoder", "texts"}) EXPECT_EQ((*answers)[key], expected[key]) << key;
  ASSERT_EQ((*answers)["questions"].size(), expected["questions"].size());
  for (std::size_t i = 0; i < expected["questions"].size(); ++i)
    EXPECT_EQ((*answers)["questions"][i].dump(1), expected["questions"][i].dump(1));
}

// Whoever raises a version writes another file, and keeps this one.
TEST(GoldenDocumentsVersions, AreThoseThatThisBuildWrites) {
  EXPECT_EQ(text::texts_wire_version, 1);
  EXPECT_EQ(text::documents_wire_version, 1);
  EXPECT_EQ(index::lexical::wire_version, 1);
}

}  // namespace
}  // namespace attar::engine
