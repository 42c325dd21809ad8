// tests/golden/<codec>-v<wire version>[-<case>].attar: written once, giving the same answers for ever, on every machine
// and instruction-set level. Beside each stands what it answers, as JSON. (Documents are asked in words:
// golden_documents_test.cpp.)
//
// A new wire version of a codec gets a new pair of files; old pairs are never written again. To write the pairs that
// are missing: run this binary with --gtest_filter=GoldenArtifacts.* and ATTAR_WRITE_GOLDEN=1 in the environment.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/plan_text.h"
#include "engine/support.h"
#include "format/container_bytes.h"
#include "index/graph/links.h"
#include "index/lists.h"

namespace attar::engine {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t queries = 5;
constexpr std::uint32_t k = 7;

std::filesystem::path golden_folder() { return std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden"; }

std::string golden_name(const codec::CodecInfo& info) { return fmt::format("{}-v{}", info.name, info.wire_max); }

// What a file answers. Floats are kept by their shortest decimals, so that they compare exactly.
struct Answers {
  std::string codec, metric, digest;
  std::vector<float> queries;
  std::vector<std::vector<SearchHit>> hits = {}, exact = {};  // exact: empty where no originals were kept
  std::vector<float> decoded = {};
  std::vector<std::string> ids = {};
};

Result<Answers> ask(const Artifact& artifact, std::span<const float> asked) {
  ATTAR_TRY(artifact.verify(1));
  ATTAR_ASSIGN(const auto info, artifact.info());
  Answers out{.codec = info.codec,
              .metric = std::string(metric_name(info.metric)),
              .digest = info.content_digest,
              .queries = {asked.begin(), asked.end()}};
  ATTAR_ASSIGN(auto found, artifact.search(asked, {.k = k}));
  out.hits = std::move(found.hits);
  if (!info.originals.empty()) {
    ATTAR_ASSIGN(auto exact, artifact.search(asked, {.k = k, .exact = true}));
    out.exact = std::move(exact.hits);
  }
  out.decoded.resize(artifact.rows() * artifact.dims());
  ATTAR_TRY(artifact.decode(0, out.decoded));
  for (std::uint32_t row = 0; row < artifact.rows(); ++row) {
    ATTAR_ASSIGN(auto id, artifact.id(row));
    out.ids.push_back(std::move(id));
  }
  return out;
}

std::string lists_text(const std::vector<std::vector<SearchHit>>& lists) {
  std::vector<std::string> texts;
  for (const auto& hits : lists) {
    std::vector<std::string> list;
    list.reserve(hits.size());
    for (const SearchHit& hit : hits) list.push_back(fmt::format("[{}, {}]", hit.row, hit.score));
    texts.push_back(fmt::format("  [{}]", fmt::join(list, ", ")));
  }
  return texts.empty() ? "[]" : fmt::format("[\n{}]", fmt::join(texts, ",\n"));
}

std::string text_of(const Answers& answers) {
  return fmt::format(
      "{{\"codec\": \"{}\", \"metric\": \"{}\",\n\"content_digest\": \"{}\",\n\"queries\": [{}],\n\"hits\": "
      "{},\n\"exact\": "
      "{},\n\"decoded\": [{}],\n\"ids\": [\"{}\"]}}\n",
      answers.codec, answers.metric, answers.digest, fmt::join(answers.queries, ", "), lists_text(answers.hits),
      lists_text(answers.exact), fmt::join(answers.decoded, ", "), fmt::join(answers.ids, "\", \""));
}

std::vector<std::vector<SearchHit>> lists_from(const Json& lists) {
  std::vector<std::vector<SearchHit>> out;
  for (const Json& hits : lists) {
    out.emplace_back();
    for (const Json& hit : hits) out.back().push_back({hit.at(0).get<std::uint32_t>(), hit.at(1).get<float>()});
  }
  return out;
}

// Components that matter less and less, so that many widths are used.
std::vector<float> sloped(std::uint64_t rows, std::uint32_t dims, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(rows * dims);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(random.normal() * std::exp2(-static_cast<double>(i % dims) / 9));
  return out;
}

struct Golden {
  std::string name;
  std::string codec;
  Metric metric = Metric::cosine;
  std::string originals = {};
  std::uint64_t rows = 40;
  std::uint32_t dims = 12;
  std::string budget = "400B/vec";
  bool slope = false;
  std::string index = "flat";
  index::Look look = {};  // in place of the planner's, which takes one look at so few rows

  [[nodiscard]] std::vector<float> vectors(std::uint64_t count, std::uint64_t seed) const {
    return slope ? sloped(count, dims, seed) : clustered(count, dims, seed, 0.6, 8);
  }
};

std::vector<Golden> goldens() {
  std::vector<Golden> out;
  // Metrics and originals take turns, so that each meets several codecs.
  for (std::size_t turn = 0; const codec::Codec* codec : codec::registry()) {
    out.push_back({.name = golden_name(codec->info()),
                   .codec = std::string(codec->info().name),
                   .metric = all_metrics[turn % 3],
                   .originals = turn % 2 == 0   ? ""
                                : turn % 4 == 1 ? "f16"
                                                : "f32"});
    ++turn;
  }
  // The main codec at rates where other widths than its widest are used.
  for (const auto& [name, dims, budget] : {std::tuple("least", 96u, "116B/vec"), std::tuple("narrow", 48u, "108B/vec"),
                                           std::tuple("middle", 48u, "125B/vec"), std::tuple("wide", 48u, "134B/vec")})
    out.push_back({.name = fmt::format("{}-{}", golden_name(codec::find_codec("tcq")->info()), name),
                   .codec = "tcq",
                   .metric = Metric::l2,
                   .rows = 60,
                   .dims = dims,
                   .budget = budget,
                   .slope = true});
  // Inverted lists; the version is that of the section of lists.
  for (const auto& [name, metric, rows, budget] :
       {std::tuple("", Metric::cosine, 600u, "60B/vec"), std::tuple("-l2", Metric::l2, 300u, "80B/vec")})
    out.push_back({.name = fmt::format("ivf-v{}{}", index::lists_wire_version, name),
                   .codec = "tcq",
                   .metric = metric,
                   .rows = rows,
                   .budget = budget,
                   .index = "ivf"});
  // Lists that are looked at twice, and not all of them.
  out.push_back({.name = fmt::format("ivf-v{}-looks", index::lists_wire_version),
                 .codec = "tcq",
                 .rows = 400,
                 .dims = 48,
                 .budget = "90B/vec",
                 .slope = true,
                 .index = "ivf",
                 .look = {.head = 1, .shortlist = 40, .window = 300, .probe = 50'000'000}});
  // Graphs whose walks end before they have come to every row.
  for (const auto& [name, metric, rows] : {std::tuple("", Metric::cosine, 700u), std::tuple("-l2", Metric::l2, 500u)})
    out.push_back({.name = fmt::format("graph-v{}{}", index::graph::links_wire_version, name),
                   .codec = "esq",
                   .metric = metric,
                   .rows = rows,
                   .budget = "120B/vec",
                   .index = "graph",
                   .look = {.beam = 16}});
  // Originals row by row, and a second look at them.
  for (const auto& [originals, metric, index] :
       {std::tuple("i8", Metric::inner_product, "ivf"), std::tuple("f16", Metric::l2, "flat"),
        std::tuple("f32", Metric::cosine, "ivf")})
    out.push_back({.name = fmt::format("rows-v1-{}", originals),
                   .codec = "tcq",
                   .metric = metric,
                   .originals = originals,
                   .rows = 300,
                   .budget = "120B/vec",
                   .index = index});
  return out;
}

// Writes another look into a file's plan.
void look_so(const std::filesystem::path& path, const index::Look& look) {
  const std::string text = read_whole(path);
  const std::size_t from = text.find("{\"codec\""), to = text.find('}', text.find("\"proxy\":", from)) + 1;
  auto plan = plan_from_json(std::string_view(text).substr(from, to - from));
  ASSERT_TRUE(plan) << error_of(plan);
  plan->look = look;
  const std::string changed = to_json(*plan);
  const std::size_t room = text.find_first_not_of(' ', to) - from;
  ASSERT_LE(changed.size(), room);
  std::string out = text;
  out.replace(from, room, changed + std::string(room - changed.size(), ' '));
  const auto bytes = std::as_bytes(std::span(out));
  format::raw::Bytes file(bytes.begin(), bytes.end());
  format::raw::seal_sections(file);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(file.data()), std::ssize(file));
}

class GoldenArtifacts : public EngineTest {
 protected:
  void write_missing() {
    for (const Golden& golden : goldens()) {
      const auto path = golden_folder() / (golden.name + ".attar");
      if (std::filesystem::exists(path)) continue;
      const auto base = put_vectors("golden.npy", golden.vectors(golden.rows, 1), golden.dims);
      auto packed = pack_and_open(base, path,
                                  {.budget = parse_budget(golden.budget).value(),
                                   .metric = golden.metric,
                                   .ids = put_ids("ids.txt", golden.rows),
                                   .codec = golden.codec,
                                   .index = golden.index,
                                   .keep_originals = golden.originals,
                                   .threads = 1});
      ASSERT_TRUE(packed.artifact) << path << ": " << packed.failed;
      if (golden.look != index::Look{}) {
        ASSERT_NO_FATAL_FAILURE(look_so(path, golden.look));
        auto changed = Artifact::open(path);
        ASSERT_TRUE(changed) << error_of(changed);
        packed.artifact = std::move(*changed);
      }
      const auto answers = ask(*packed.artifact, golden.vectors(queries, 2));
      ASSERT_TRUE(answers) << error_of(answers);
      std::ofstream(golden_folder() / (golden.name + ".json")) << text_of(*answers);
    }
  }
};

TEST_F(GoldenArtifacts, GiveTheSameAnswersForEver) {
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr) write_missing();
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder())) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json") || name.starts_with("documents-") || name.starts_with("tensors-")) continue;
    SCOPED_TRACE(entry.path().filename());
    const Json expected = Json::parse(read_whole(entry.path()));
    const auto artifact = Artifact::open(std::filesystem::path(entry.path()).replace_extension(".attar"));
    ASSERT_TRUE(artifact) << error_of(artifact);
    const auto asked = expected.at("queries").get<std::vector<float>>();
    const auto answers = ask(*artifact, asked);
    ASSERT_TRUE(answers) << error_of(answers);
    EXPECT_EQ(answers->codec, expected.at("codec").get<std::string>());
    EXPECT_EQ(answers->metric, expected.at("metric").get<std::string>());
    EXPECT_EQ(answers->digest, expected.at("content_digest").get<std::string>());
    EXPECT_EQ(answers->hits, lists_from(expected.at("hits")));
    EXPECT_EQ(answers->exact, lists_from(expected.at("exact")));
    EXPECT_EQ(answers->decoded, expected.at("decoded").get<std::vector<float>>());
    EXPECT_EQ(answers->ids, expected.at("ids").get<std::vector<std::string>>());
    EXPECT_EQ(answers->hits.size(), asked.size() / artifact->dims());
    ++seen;
  }
  EXPECT_GE(seen, goldens().size());
}

// Numbers that a plan from outside may hold set no memory aside that the rows do not need.
TEST_F(GoldenArtifacts, LooksBeyondAllRowsAreBounded) {
  constexpr std::uint32_t most = 0xffff'ffff;
  const auto lists = fmt::format("ivf-v{}-looks", index::lists_wire_version);
  const auto graph = fmt::format("graph-v{}", index::graph::links_wire_version);
  for (const auto& [name, look] : {std::tuple(lists, index::Look{.head = 1, .shortlist = most, .rescored = most}),
                                   std::tuple(graph, index::Look{.rescored = most, .beam = most})}) {
    SCOPED_TRACE(name);
    const auto path = at(name + ".attar");
    std::filesystem::copy_file(golden_folder() / (name + ".attar"), path);
    ASSERT_NO_FATAL_FAILURE(look_so(path, look));
    const auto artifact = Artifact::open(path);
    ASSERT_TRUE(artifact) << error_of(artifact);
    const std::vector<float> asked(artifact->dims(), 1);
    const auto found = artifact->search(asked, {.k = k}), whole = artifact->search(asked, {.k = k, .whole = true});
    ASSERT_TRUE(found && whole);
    EXPECT_EQ(found->hits, whole->hits);
  }
}

TEST_F(GoldenArtifacts, EveryVersionOfEveryCodecHasOne) {
  for (const codec::Codec* codec : codec::registry())
    for (std::uint32_t version = codec->info().wire_min; version <= codec->info().wire_max; ++version)
      for (const char* ending : {".attar", ".json"})
        EXPECT_TRUE(
            std::filesystem::exists(golden_folder() / fmt::format("{}-v{}{}", codec->info().name, version, ending)))
            << codec->info().name << " version " << version << ending;
}

}  // namespace
}  // namespace attar::engine
