// Attributes through the public API: packed to the byte within the budget, and a search among the rows of a condition
// is the best of all rows with the others left out.
#include <fmt/format.h>

#include "attar/evaluate.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 16;
constexpr std::uint64_t rows = 3000;

class Filter : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    base_ = put_vectors("base.npy", clustered(rows, dims, 1), dims);
    queries_ = clustered(20, dims, 2);
    std::string text;
    for (std::uint64_t row = 0; row < rows; ++row)
      text += fmt::format(
          "{{\"n\": {}, \"kind\": \"k{}\", \"flag\": {}, \"tags\": [\"t{}\", \"all\"], \"day\": \"2024-{:02}-01\"}}\n",
          row * 7919 % rows, row % 13, row % 2 == 0, row % 5, row % 12 + 1);
    meta_ = put("meta.jsonl", text);
  }
  PackOptions options(const std::string& index, const std::string& budget = "40B/vec") const {
    PackOptions out{.budget = parse_budget(budget).value(), .threads = 1};
    out.index = index;
    out.meta = meta_;
    out.meta_sorted = {"n"};
    out.keep_originals = "f32";
    out.budget = parse_budget("130B/vec").value();
    return out;
  }
  Artifact packed(const std::string& index) {
    const auto out = pack(base_, at("a.attar"), options(index));
    EXPECT_TRUE(out && out->reachable) << error_of(out);
    return Artifact::open(at("a.attar")).value();
  }
  static std::vector<std::uint32_t> rows_of(const std::vector<SearchHit>& hits) {
    std::vector<std::uint32_t> out;
    for (const SearchHit& hit : hits) out.push_back(hit.row);
    return out;
  }

  std::filesystem::path base_, meta_;
  std::vector<float> queries_;
};

TEST_F(Filter, SearchAmongRowsIsTheBestOfAllWithTheOthersLeftOut) {
  for (const std::string index : {"flat", "ivf"}) {
    const Artifact artifact = packed(index);
    // All rows by their score, each scored whole.
    const auto all = artifact.search(queries_, {.k = rows, .whole = true});
    ASSERT_TRUE(all) << error_of(all);
    for (const std::uint64_t count : {0u, 1u, 2u, 9u, 30u, 300u, 1500u, 3000u}) {
      SCOPED_TRACE(testing::Message() << index << ", " << count << " rows");
      const std::string where = fmt::format("n < {}", count);
      for (const bool whole : {false, true}) {
        const auto found = artifact.search(queries_, {.k = 10, .whole = whole, .where = where});
        ASSERT_TRUE(found) << error_of(found);
        EXPECT_EQ(found->passing, count);
        for (std::size_t q = 0; q < found->hits.size(); ++q) {
          ASSERT_EQ(found->hits[q].size(), std::min<std::uint64_t>(10, count));
          for (const SearchHit& hit : found->hits[q]) EXPECT_LT(hit.row * 7919ull % rows, count);
          if (!whole) continue;
          std::vector<std::uint32_t> expected;
          for (const SearchHit& hit : all->hits[q])
            if (hit.row * 7919ull % rows < count && expected.size() < 10) expected.push_back(hit.row);
          EXPECT_EQ(rows_of(found->hits[q]), expected);
        }
      }
      const auto exact = artifact.search(queries_, {.k = 10, .exact = true, .where = where});
      ASSERT_TRUE(exact) << error_of(exact);
      EXPECT_EQ(exact->passing, count);
      ASSERT_EQ(exact->hits.size(), 20u);
      EXPECT_EQ(exact->hits[0].size(), std::min<std::uint64_t>(10, count));
    }
  }
}

TEST_F(Filter, WhereAndAllowedBothHold) {
  const Artifact artifact = packed("flat");
  const auto even = artifact.rows_where("flag = true");
  ASSERT_TRUE(even) << error_of(even);
  EXPECT_EQ(even->count, rows / 2);
  const auto found =
      artifact.search(queries_, {.k = rows, .allowed = *even->words, .where = "kind = 'k3' and tags contains 'all'"});
  ASSERT_TRUE(found) << error_of(found);
  std::uint64_t expected = 0;
  for (std::uint64_t row = 0; row < rows; ++row) expected += row % 2 == 0 && row % 13 == 3;
  EXPECT_EQ(found->hits[0].size(), expected);
  for (const SearchHit& hit : found->hits[0]) EXPECT_TRUE(hit.row % 2 == 0 && hit.row % 13 == 3);
  const auto none = artifact.search(queries_, {.k = 5, .allowed = *even->words, .where = "flag = false"});
  ASSERT_TRUE(none) << error_of(none);
  EXPECT_TRUE(none->hits[0].empty());
}

TEST_F(Filter, TheBudgetHoldsToTheByteAndInfoTellsOfTheFields) {
  const auto outcome = pack(base_, at("a.attar"), options("flat"));
  ASSERT_TRUE(outcome && outcome->reachable) << error_of(outcome);
  EXPECT_EQ(outcome->report.bytes, std::filesystem::file_size(at("a.attar")));
  EXPECT_LE(outcome->report.bytes, 130 * rows);
  const auto artifact = Artifact::open(at("a.attar"));
  ASSERT_TRUE(artifact) << error_of(artifact);
  ASSERT_TRUE(artifact->verify());
  const auto info = artifact->info();
  ASSERT_TRUE(info) << error_of(info);
  std::uint64_t sum = 0, columns = 0;
  for (const Part& part : info->parts) {
    sum += part.bytes;
    columns += part.name.starts_with("attributes") ? part.bytes : 0;
  }
  EXPECT_EQ(sum, info->bytes);
  ASSERT_EQ(info->fields.size(), 5u);
  std::uint64_t fields = 0;
  for (const FieldInfo& field : info->fields) fields += field.bytes;
  EXPECT_EQ(fields, columns);
  EXPECT_EQ(info->fields[0].name, "n");
  EXPECT_EQ(info->fields[0].type, "integer");
  EXPECT_TRUE(info->fields[0].sorted);
  EXPECT_EQ(info->fields[0].least, FieldValue(std::int64_t{0}));
  EXPECT_EQ(info->fields[0].most, FieldValue(std::int64_t{2999}));
  EXPECT_EQ(info->fields[1].distinct, 13u);
  EXPECT_EQ(info->fields[4].type, "date");
  EXPECT_EQ(artifact->field(14, "kind").value(), FieldValue(std::string("k1")));
  EXPECT_EQ(artifact->field(14, "tags").value(), FieldValue(std::vector<std::string>{"t4", "all"}));
  EXPECT_EQ(artifact->field(14, "day").value(), FieldValue(std::string("2024-03-01")));
  EXPECT_EQ(artifact->field(14, "nope").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(artifact->field(rows, "kind").error().code, ErrorCode::invalid_argument);
}

TEST_F(Filter, ErrorsOfPacking) {
  PackOptions wrong = options("flat");
  wrong.meta_fields = {"n", "kinds"};
  EXPECT_NE(error_of(pack(base_, at("b.attar"), wrong)).find("did you mean 'kind'"), std::string::npos);
  wrong = options("flat");
  wrong.meta.clear();
  EXPECT_FALSE(pack(base_, at("b.attar"), wrong));
  wrong = options("flat");
  wrong.meta = put("short.jsonl", "{\"n\": 1}\n");
  EXPECT_NE(error_of(pack(base_, at("b.attar"), wrong)).find("has 1 rows of attributes, and the vectors have 3000"),
            std::string::npos);
  wrong = options("flat");
  wrong.budget = parse_budget("1B/vec").value();
  const auto outcome = pack(base_, at("b.attar"), wrong);
  ASSERT_TRUE(outcome) << error_of(outcome);
  EXPECT_NE(outcome->unreachable.find("of them attributes"), std::string::npos) << outcome->unreachable;
  EXPECT_FALSE(std::filesystem::exists(at("b.attar")));
}

TEST_F(Filter, SlowRecallAmongTheRowsOfACondition) {
  const Artifact artifact = packed("ivf");
  const auto queries = put_vectors("q.npy", queries_, dims);
  const auto evaluation = evaluate(artifact, {.queries = queries, .where = "kind = 'k3'", .ks = {1, 10, 1000}});
  ASSERT_TRUE(evaluation) << error_of(evaluation);
  ASSERT_EQ(evaluation->recall.size(), 2u);  // 1000 rows there are not
  EXPECT_GT(evaluation->recall.at(10).mean, 0.8);
  const auto rates =
      bench(artifact, {.values = queries_, .dims = dims}, {.where = "kind = 'k3'", .seconds = 0.01, .rounds = 1});
  ASSERT_TRUE(rates) << error_of(rates);
}

TEST_F(Filter, AFileWithoutAttributesSaysSo) {
  PackOptions plain = options("flat");
  plain.meta.clear();
  plain.meta_sorted.clear();
  ASSERT_TRUE(pack(base_, at("a.attar"), plain));
  const auto artifact = Artifact::open(at("a.attar"));
  const auto found = artifact->search(queries_, {.where = "n = 1"});
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("without attributes"), std::string::npos);
  EXPECT_TRUE(artifact->info()->fields.empty());
}

TEST_F(Filter, DamagedAttributesAreCorrupt) {
  ASSERT_TRUE(pack(base_, at("a.attar"), options("flat")));
  const std::string sound = read_whole(at("a.attar"));
  const auto entry = [&] {
    const auto artifact = Artifact::open(at("a.attar"));
    return artifact->info()->fields[0].bytes;
  }();
  ASSERT_GT(entry, 1000u);
  // The name stands in its section alone: "n" behind a head of 64 bytes that begins with type 0 and the flag of an
  // order.
  std::size_t at_head = std::string::npos;
  for (std::size_t i = 0; i + 72 < sound.size(); i += 64)
    if (sound[i] == 0 && sound[i + 1] == 4 && sound[i + 4] == 1 && sound[i + 64] == 'n' && sound[i + 65] == 0)
      at_head = i;
  ASSERT_NE(at_head, std::string::npos);
  for (const std::size_t offset : {std::size_t{2}, std::size_t{64}, std::size_t{500}}) {
    std::string damaged = sound;
    damaged[at_head + offset] = static_cast<char>(damaged[at_head + offset] ^ 0x20);
    const auto artifact = Artifact::open_bytes(std::as_bytes(std::span(damaged)));
    if (!artifact) {
      EXPECT_EQ(artifact.error().code, ErrorCode::corrupt);
      continue;
    }
    const auto found = artifact->rows_where("n < 100");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::corrupt);
    EXPECT_FALSE(artifact->verify());
  }
}

}  // namespace
}  // namespace attar::engine
