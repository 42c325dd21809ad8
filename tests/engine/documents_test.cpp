// Documents through the public API: a folder becomes an artifact within its budget, and questions find where the answer
// stands.
#include "attar/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "engine/support.h"
#include "format/container_bytes.h"

namespace attar::engine {
namespace {

class Documents : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    write("notes/ops/keys.md",
          "# Keys\n\nEvery server holds a signing key.\n\n## Rotation\n\nTo rotate the keys, run the rotation script "
          "on the bastion host.\n"
          "Wait for replication before the old key is removed.\n");
    write("notes/ops/backup.txt", "Backups run each night at two.\nThe restore drill happens every month.\n");
    write("notes/recipes/bread.md",
          "# Bread\n\nKnead flour, water, salt and yeast.\nBake the dough for forty minutes.\n");
    write("notes/src/tool.py", "def compress(data):\n    \"\"\"Packs bytes with zstd.\"\"\"\n    return pack(data)\n");
    write("notes/page.html",
          "<html><head><title>Garden</title></head><body><p>Tomatoes need sun and water.</p></body></html>");
    write("notes/.gitignore", "*.log\n");
    write("notes/noise.log", "rotate the keys rotate the keys\n");
    write("notes/broken.bin", std::string("\x7f"
                                          "ELF\0\0\0\0",
                                          8));
  }

  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(at(name).parent_path());
    std::ofstream(at(name), std::ios::binary) << text;
  }

  DocumentsOutcome packed(const PackDocumentsOptions& options = {}, const std::string& input = "notes") {
    auto out = pack_documents(at(input), at("notes.attar"), options);
    EXPECT_TRUE(out && out->plan.reachable) << error_of(out);
    return out ? *out : DocumentsOutcome{};
  }
  Artifact opened() { return Artifact::open(at("notes.attar")).value(); }

  static std::vector<Answer> ask(const Artifact& artifact, const std::string& question,
                                 const AskOptions& options = {}) {
    const auto search = TextSearch::open(artifact);
    EXPECT_TRUE(search) << error_of(search);
    auto found = search->ask(std::span(&question, 1), options);
    EXPECT_TRUE(found) << error_of(found);
    return found ? found->of.front() : std::vector<Answer>{};
  }
};

TEST_F(Documents, AreFoundByMeaningByWordsAndByBoth) {
  const auto outcome = packed();
  EXPECT_EQ(outcome.documents.documents, 5u);
  ASSERT_EQ(outcome.documents.skipped.size(), 1u);
  EXPECT_EQ(outcome.documents.skipped[0].path, "broken.bin");
  const Artifact artifact = opened();
  EXPECT_TRUE(artifact.verify(1));
  for (const SearchMode mode : {SearchMode::hybrid, SearchMode::semantic, SearchMode::lexical}) {
    const auto found = ask(artifact, "how do I rotate the keys", {.mode = mode});
    ASSERT_FALSE(found.empty());
    const Answer& best = found.front();
    EXPECT_EQ(best.path, "ops/keys.md");
    EXPECT_EQ(best.title, "Keys");
    EXPECT_EQ(best.semantic.has_value(), mode != SearchMode::lexical);
    EXPECT_EQ(best.lexical.has_value(), mode != SearchMode::semantic);
    EXPECT_GT(best.score, 0);
    EXPECT_LE(best.score, 1);
    EXPECT_TRUE(std::ranges::is_sorted(found, std::ranges::greater(), &Answer::score));
    for (const auto& [begin, end] : best.marks) EXPECT_LE(end, best.snippet.size());
  }
  EXPECT_EQ(ask(artifact, "tomato plants", {.mode = SearchMode::semantic}).front().title, "Garden");
}

TEST_F(Documents, SayTheLineWhereTheSnippetBegins) {
  packed({.chunk_tokens = 12});
  const Artifact artifact = opened();
  const auto found = ask(artifact, "old key is removed", {.mode = SearchMode::lexical, .snippet_bytes = 40});
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().path, "ops/keys.md");
  EXPECT_EQ(found.front().line, 8u);
  EXPECT_NE(found.front().snippet.find("old key"), std::string::npos);
  EXPECT_EQ(found.front().heading, "Keys > Rotation");
  // The page is no text of its file: no line is claimed.
  EXPECT_EQ(ask(artifact, "tomatoes", {.mode = SearchMode::lexical}).front().line, 0u);
}

TEST_F(Documents, HoldPhrasesAndConditions) {
  packed();
  const Artifact artifact = opened();
  EXPECT_EQ(ask(artifact, "\"rotate the keys\"").size(), 1u);
  EXPECT_TRUE(ask(artifact, "\"keys the rotate\"").empty());
  const auto elsewhere = ask(artifact, "rotate the keys", {.where = "path like 'recipes/%'"});
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_EQ(elsewhere.front().path, "recipes/bread.md");
  EXPECT_TRUE(ask(artifact, "rotate", {.where = "path = 'nowhere'"}).empty());
  const std::string question = "keys";
  const auto wrong = TextSearch::open(artifact)->ask(std::span(&question, 1), {.where = "colour = 'red'"});
  EXPECT_EQ(wrong.error().code, ErrorCode::invalid_argument);
}

TEST_F(Documents, StandForTheirRowsUnlessAllAreWanted) {
  std::string text = "# Chapters\n\n";
  for (int i = 0; i < 40; ++i)
    text += fmt::format("## Part {}\n\nThe lighthouse keeper counts ship number {} tonight.\n\n", i, i);
  write("notes/long.md", text);
  packed({.chunk_tokens = 24});
  const Artifact artifact = opened();
  const auto by_document = ask(artifact, "lighthouse keeper", {.mode = SearchMode::lexical});
  ASSERT_EQ(by_document.size(), 1u);
  EXPECT_GT(by_document.front().more, 5u);
  const auto by_row = ask(artifact, "lighthouse keeper", {.mode = SearchMode::lexical, .each_row = true});
  EXPECT_EQ(by_row.size(), 10u);
  for (const Answer& answer : by_row) EXPECT_EQ(answer.document, by_row.front().document);
  // What the legs offer each other stays within what a search may be asked for.
  const Artifact limited = Artifact::open(at("notes.attar"), {.limits = {.max_hits = 12}}).value();
  EXPECT_EQ(ask(limited, "lighthouse keeper", {.k = 3, .each_row = true}).size(), 3u);
}

TEST_F(Documents, AnswersAreReadFoldedAndCutByRelevance) {
  write("notes/ops/keys-copy.md",
        "# Keys\n\nEvery server holds a signing key.\n\n## Rotation\n\nTo rotate the keys, run the rotation script "
        "on the bastion host.\n"
        "Wait for replication before the old key is removed!\n");
  packed();
  const Artifact artifact = opened();
  const std::string question = "how do I rotate the keys";
  const auto plain = ask(artifact, question);
  ASSERT_GE(plain.size(), 2u);
  EXPECT_TRUE(plain[0].path.starts_with("ops/keys") && plain[1].path.starts_with("ops/keys"));
  EXPECT_TRUE(plain[0].reading && *plain[0].reading > 0.5f);
  EXPECT_TRUE(plain[0].relevance && *plain[0].relevance > *plain.back().relevance);
  EXPECT_FALSE(ask(artifact, question, {.read = 0}).front().reading);
  EXPECT_FALSE(ask(artifact, question, {.mode = SearchMode::lexical}).front().relevance);
  for (const bool diverse : {false, true}) {
    const auto folded = ask(artifact, question, {.fold = !diverse, .diverse = diverse});
    EXPECT_EQ(folded.size() + 1, plain.size());
    EXPECT_EQ(folded.front().folded, 1u);
  }
  const auto relevant = ask(artifact, question, {.min_relevance = *plain[1].relevance});
  EXPECT_EQ(relevant.size(), 2u);
  EXPECT_TRUE(ask(artifact, question, {.min_relevance = 1}).empty());
}

TEST_F(Documents, AnImaginedAnswerIsSearchedForBesideTheQuestion) {
  packed();
  const Artifact artifact = opened();
  const std::string question = "what grows in summer";
  const std::string imagined = "Tomatoes grow best with sun and water.";
  for (const SearchMode mode : {SearchMode::hybrid, SearchMode::semantic, SearchMode::lexical}) {
    const auto found = ask(artifact, question, {.mode = mode, .expansions = {imagined}});
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.front().title, "Garden");
    EXPECT_LE(found.front().score, 1);
    const auto by_command = ask(artifact, question, {.mode = mode, .expand = "echo '" + imagined + "'"});
    EXPECT_EQ(by_command.front().score, found.front().score);
  }
  EXPECT_TRUE(ask(artifact, question, {.mode = SearchMode::lexical}).empty()) << "no word of it stands anywhere";
  const auto search = TextSearch::open(artifact).value();
  const auto wrong = [&](const AskOptions& options) {
    return search.ask(std::span(&question, 1), options).error().code;
  };
  EXPECT_EQ(wrong({.expansions = {imagined, imagined}}), ErrorCode::invalid_argument);
  EXPECT_EQ(wrong({.expand = "exit 7"}), ErrorCode::io);
  EXPECT_EQ(wrong({.min_relevance = 1.5f}), ErrorCode::invalid_argument);
  EXPECT_EQ(wrong({.mode = SearchMode::lexical, .diverse = true}), ErrorCode::invalid_argument);
}

// A command that is an encoder: of four dimensions, from how often some letters stand in a line.
constexpr std::string_view letters =
    "cmd:while read -r line; do for c in a e o t; do s=$(printf %s \"$line\" | tr -cd $c); "
    "printf '%s ' $((${#s} + 1)); done; echo; done";

TEST_F(Documents, AreEncodedAgainWhereTheyChangedAlone) {
  const auto report = [&](const PackDocumentsOptions& options) { return packed(options).documents; };
  const PackDocumentsOptions options{.reuse = at("kept.vectors")};
  const auto first = report(options);
  EXPECT_EQ(first.reused, 0u);
  EXPECT_EQ(first.encoded, opened().rows());
  const std::string digest = opened().info()->content_digest;
  std::filesystem::remove(at("notes.attar"));
  const auto second = report(options);
  EXPECT_EQ(second.encoded, 0u);
  EXPECT_EQ(second.reused, first.encoded);
  EXPECT_EQ(opened().info()->content_digest, digest) << "what is found is what was made";
  write("notes/ops/backup.txt", "Backups run each night at three.\n");
  EXPECT_EQ(report(options).encoded, 1u);
  // A file that is damaged is said to be, and written anew; one of another encoder is.
  std::filesystem::resize_file(at("kept.vectors"), 200);
  const auto damaged = report(options);
  EXPECT_EQ(damaged.reused, 0u);
  EXPECT_NE(damaged.reuse_note.find("damaged"), std::string::npos) << damaged.reuse_note;
  EXPECT_EQ(report(options).encoded, 0u);
  auto other = options;
  other.encoder = letters;
  EXPECT_EQ(report(other).reused, 0u);
  EXPECT_EQ(report(other).encoded, 0u);
}

TEST_F(Documents, MayHaveVectorsOfTheirOwn) {
  write("two.jsonl", "{\"id\": \"a\", \"text\": \"red apples\"}\n{\"id\": \"b\", \"text\": \"green pears\"}\n");
  put_vectors("two.npy", std::vector<float>{1, 0, 0, 1}, 2);
  const auto outcome = packed({.vectors = at("two.npy")}, "two.jsonl");
  EXPECT_EQ(outcome.documents.encoder, "vectors of their own");
  const Artifact artifact = opened();
  EXPECT_EQ(artifact.dims(), 2u);
  EXPECT_EQ(ask(artifact, "pears", {.mode = SearchMode::lexical}).front().id, "b");
  EXPECT_EQ(ask(artifact, "fruit", {.mode = SearchMode::semantic, .vectors = {0.1f, 5}}).front().id, "b");
  EXPECT_EQ(ask(artifact, "fruit", {.vectors = {5, 0.1f}}).front().id, "a");
  const auto search = TextSearch::open(artifact).value();
  const std::string question = "fruit";
  const auto alone = search.ask(std::span(&question, 1), {});
  ASSERT_FALSE(alone);
  EXPECT_NE(alone.error().message.find("--vector"), std::string::npos) << alone.error().message;
  EXPECT_EQ(search.ask(std::span(&question, 1), {.vectors = {1, 2, 3}}).error().code, ErrorCode::invalid_argument);
  // Another number of vectors than of documents, and questions that nobody can encode.
  put_vectors("three.npy", std::vector<float>{1, 0, 0, 1, 1, 1}, 2);
  EXPECT_EQ(pack_documents(at("two.jsonl"), at("x.attar"), {.vectors = at("three.npy")}).error().code,
            ErrorCode::invalid_data);
  PackDocumentsOptions asked{.vectors = at("two.npy")};
  write("log.txt", "apples\n");
  asked.pack.queries = at("log.txt");
  EXPECT_EQ(pack_documents(at("two.jsonl"), at("x.attar"), asked).error().code, ErrorCode::invalid_argument);
}

TEST_F(Documents, MayBeEncodedByACommand) {
  packed({.encoder = std::string(letters)});
  const Artifact artifact = opened();
  EXPECT_EQ(artifact.dims(), 4u);
  const std::string question = "oooo tttt";
  const auto search = TextSearch::open(artifact, std::string(letters)).value();
  EXPECT_TRUE(search.ask(std::span(&question, 1), {.mode = SearchMode::semantic}));
  EXPECT_FALSE(TextSearch::open(artifact)->ask(std::span(&question, 1), {}))
      << "a command runs where it is named alone";
  for (const std::string_view wrong : {"cmd:exit 1", "cmd:true", "cmd:echo a b c", "cmd:cat"})
    EXPECT_FALSE(pack_documents(at("notes"), at("x.attar"), {.encoder = std::string(wrong)})) << wrong;
  const auto few = pack_documents(at("notes"), at("x.attar"), {.encoder = "cmd:read -r line; echo 1 2 3"});
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().code, ErrorCode::invalid_data);
  EXPECT_EQ(pack_documents(at("notes"), at("x.attar"), {.late_chunking = true}).error().code, ErrorCode::unsupported);
}

TEST_F(Documents, AreFoundByThePartsOfTheirCompounds) {
  write("notes/src/form.pm", "package HTML::FormHandler;\nsub rotate_widgets { }\n");
  packed();
  const Artifact artifact = opened();
  EXPECT_EQ(ask(artifact, "form handler", {.mode = SearchMode::lexical}).front().path, "src/form.pm");
  EXPECT_EQ(ask(artifact, "widgets", {.mode = SearchMode::lexical}).front().path, "src/form.pm");
  EXPECT_TRUE(ask(artifact, "\"form handler\"").empty()) << "a phrase means what it says";
}

TEST_F(Documents, KeepTheirBudgetAndAreTheSameForAnyThreads) {
  std::string lines;
  for (int i = 0; i < 800; ++i)
    lines += fmt::format(
        "{{\"id\": \"p{}\", \"title\": \"Product {}\", \"body\": \"A {} thing number {} for the {}.\", \"price\": "
        "{}}}\n",
        i, i, i % 3 == 0 ? "red" : "blue", i, i % 2 == 0 ? "kitchen" : "garden", i % 97);
  write("products.jsonl", lines);
  const auto options = [](unsigned threads) {
    PackDocumentsOptions out{.text_fields = {"title", "body"}};
    out.pack.budget = parse_budget("150kB").value();
    out.pack.threads = threads;
    return out;
  };
  const auto outcome = packed(options(1), "products.jsonl");
  EXPECT_LE(outcome.plan.report.bytes, 150'000u);
  EXPECT_EQ(std::filesystem::file_size(at("notes.attar")), outcome.plan.report.bytes);
  const std::string digest = opened().info()->content_digest;
  packed(options(2), "products.jsonl");
  const Artifact artifact = opened();
  EXPECT_EQ(artifact.info()->content_digest, digest);
  const auto found = ask(artifact, "red kitchen thing", {.where = "price < 10"});
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found.front().snippet.find("red"), std::string::npos);
  EXPECT_EQ(std::get<std::int64_t>(artifact.field(found.front().row, "price").value()) < 10, true);
  EXPECT_EQ(found.front().id.substr(0, 1), "p");
  EXPECT_EQ(found.front().record, found.front().document + 1u);
  auto tight = options(1);
  tight.pack.budget = parse_budget("20kB").value();
  const auto refused = pack_documents(at("products.jsonl"), at("tight.attar"), tight);
  ASSERT_TRUE(refused) << error_of(refused);
  EXPECT_FALSE(refused->plan.reachable);
  EXPECT_NE(refused->plan.unreachable.find("texts, words and attributes"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(at("tight.attar")));
}

TEST_F(Documents, RefuseWhatDoesNotBelongTogether) {
  const auto base = put_vectors("base.npy", clustered(200, 16, 1), 16);
  ASSERT_TRUE(pack(base, at("vectors.attar"), {}));
  const Artifact vectors = Artifact::open(at("vectors.attar")).value();
  EXPECT_EQ(TextSearch::open(vectors).error().code, ErrorCode::invalid_argument);
  PackDocumentsOptions options;
  options.pack.ids = base;
  EXPECT_EQ(pack_documents(at("notes"), at("x.attar"), options).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(pack_documents(at("notes/recipes/none"), at("x.attar"), {}).error().code, ErrorCode::io);
  EXPECT_EQ(pack_documents(at("notes"), at("x.attar"), {.encoder = at("notes").string()}).error().code, ErrorCode::io);
  EXPECT_EQ(pack_documents(at("notes"), at("x.attar"), {.language = "klingon"}).error().code,
            ErrorCode::invalid_argument);
  options = {};
  options.pack.metric = Metric::l2;
  expect_error(pack_documents(at("notes"), at("x.attar"), options), ErrorCode::invalid_argument, {"cosine"});
  write("empty/blank.txt", "  \n");
  EXPECT_EQ(pack_documents(at("empty"), at("x.attar"), {}).error().code, ErrorCode::invalid_data);
  packed();
  const Artifact artifact = opened();
  const std::string question = "keys";
  const auto search = TextSearch::open(artifact).value();
  EXPECT_EQ(search.ask(std::span(&question, 1), {.k = 0}).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(search.ask({}, {})->of.empty());
}

TEST_F(Documents, AreToldFromVectors) {
  EXPECT_TRUE(holds_documents(at("notes")).value());
  EXPECT_TRUE(holds_documents(at("notes/ops/keys.md")).value());
  write("vectors.jsonl", "\n{\"id\": 1, \"embedding\": [0.5, 1, -2]}\n");
  write("texts.jsonl", "{\"id\": 1, \"tags\": [\"a\"], \"text\": \"words\"}\n");
  EXPECT_FALSE(holds_documents(at("vectors.jsonl")).value());
  EXPECT_TRUE(holds_documents(at("texts.jsonl")).value());
  EXPECT_FALSE(holds_documents(at("a.npy")).value());
  EXPECT_FALSE(holds_documents("-").value());
}

// Every byte of a small artifact, changed: an error or answers, never a crash; verify() sees each of them.
TEST_F(Documents, SurviveDamage) {
  packed();
  std::ifstream file(at("notes.attar"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::string question = "how do I \"rotate the keys\"";
  const std::size_t step = bytes.size() / 400 + 1;
  for (std::size_t place = 0; place < bytes.size(); place += step) {
    std::string damaged = bytes;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x41);
    const auto artifact = Artifact::open_bytes(std::as_bytes(std::span(damaged)));
    if (!artifact) continue;
    EXPECT_FALSE(artifact->verify(1)) << place;
    const auto search = TextSearch::open(*artifact);
    if (search) (void)search->ask(std::span(&question, 1), {});
  }
}

// A sound file with another width in one place: what is encoded and what is searched must be of one width.
TEST_F(Documents, NameTheWidthOfTheirVectors) {
  packed();
  const std::string bytes = read_whole(at("notes.attar"));
  const std::string width = "\"dims\":" + std::to_string(opened().dims());
  const std::size_t place = bytes.find(width);
  ASSERT_NE(place, std::string::npos);
  std::string changed = bytes;
  changed[place + width.size() - 1] = static_cast<char>(changed[place + width.size() - 1] ^ 1);
  const auto view = std::as_bytes(std::span(changed));
  format::raw::Bytes file(view.begin(), view.end());
  format::raw::seal_sections(file);
  expect_error(Artifact::open_bytes(file), ErrorCode::corrupt, {"encoder", "dimensions"});
}

TEST_F(Documents, AreEmbeddedByTheSameEncoder) {
  write("lines.txt", "rotate the keys\n\nbake bread\n");
  const auto report = embed(at("lines.txt"), at("lines.npy"), {});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->texts, 2u);
  const auto vectors = read_vectors(at("lines.npy"), {});
  ASSERT_TRUE(vectors);
  EXPECT_EQ(vectors->dims, report->dims);
  float sum = 0;
  for (std::uint32_t i = 0; i < vectors->dims; ++i) sum += vectors->values[i] * vectors->values[i];
  EXPECT_NEAR(sum, 1, 1e-5);
}

}  // namespace
}  // namespace attar::engine
