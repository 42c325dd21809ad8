// Artifacts without some of their rows: what is left answers as it did.
#include "attar/drop.h"

#include <fmt/format.h>

#include "attar/evaluate.h"
#include "engine/flipped_bits.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 24;
constexpr std::uint64_t rows = 4000;

class Drop : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1, 1.0, 40);
    base_ = put_vectors("base.npy", values_, dims);
    asked_ = clustered(60, dims, 2, 1.0, 40);
    ids_ = put_ids("ids.txt", rows);
    std::string meta;
    for (std::uint64_t row = 0; row < rows; ++row)
      meta += fmt::format("{{\"n\": {}, \"word\": \"w{}\", \"tags\": [\"t{}\"]}}\n", row, row % 50, row % 3);
    meta_ = put("rows.jsonl", meta);
  }
  [[nodiscard]] PackOptions options(Metric metric = Metric::cosine) const {
    return {.budget = parse_budget("170B/vec").value(),
            .metric = metric,
            .ids = ids_,
            .index = "graph",
            .meta = meta_,
            .keep_originals = "f16",
            .threads = 2};
  }
  [[nodiscard]] Artifact packed(const PackOptions& wanted) const {
    auto file = pack_and_open(base_, at("all.attar"), wanted);
    EXPECT_TRUE(file.artifact) << file.failed;
    return *std::move(file.artifact);
  }
  [[nodiscard]] Artifact opened(std::string_view name) const {
    auto file = Artifact::open(at(name));
    EXPECT_TRUE(file) << error_of(file);
    return *std::move(file);
  }
  // Hits of the file without rows score as they do in the whole one; returned is their share of its best among the same
  // rows, every one of them scored.
  [[nodiscard]] double agreement(const Artifact& all, const Artifact& left, std::span<const std::uint32_t> kept,
                                 SearchOptions how) const {
    const auto own = left.search(asked_, how);
    EXPECT_TRUE(own) << error_of(own);
    std::vector<std::uint64_t> allowed((rows + 63) / 64);
    for (const std::uint32_t row : kept) allowed[row / 64] |= std::uint64_t{1} << (row % 64);
    how.allowed = allowed;
    how.k = static_cast<std::uint32_t>(kept.size());
    how.whole = true;
    const auto expected = all.search(asked_, how);
    EXPECT_TRUE(expected) << error_of(expected);
    if (!own || !expected) return 0;
    std::size_t best = 0;
    for (std::size_t q = 0; q < own->hits.size(); ++q) {
      EXPECT_EQ(own->hits[q].size(), 10u);
      for (const SearchHit& hit : own->hits[q]) {
        const auto known = std::ranges::find(expected->hits[q], kept[hit.row], &SearchHit::row);
        EXPECT_TRUE(known != expected->hits[q].end() && hit.score == known->score) << q << ", " << hit.row;
        best += known - expected->hits[q].begin() < 10 ? 1u : 0u;
      }
    }
    return static_cast<double>(best) / static_cast<double>(10 * own->hits.size());
  }

  std::vector<float> values_, asked_;
  std::filesystem::path base_, ids_, meta_;
};

std::vector<std::uint32_t> rows_where(const auto& keeps) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t row = 0; row < rows; ++row)
    if (keeps(row)) out.push_back(row);
  return out;
}

TEST_F(Drop, WhatIsLeftAnswersAsItDid) {
  for (const Metric metric : all_metrics) {
    SCOPED_TRACE(metric_name(metric));
    const Artifact all = packed(options(metric));
    const auto done = drop(all, at("left.attar"), {.where = "word = 'w7' or word = 'w31'", .threads = 2});
    ASSERT_TRUE(done) << error_of(done);
    EXPECT_EQ(done->dropped, rows / 25);
    EXPECT_EQ(done->rows, rows - rows / 25);
    EXPECT_FALSE(done->rebuilt);
    EXPECT_GT(done->relinked, rows / 10);
    EXPECT_EQ(done->bytes, std::filesystem::file_size(at("left.attar")));
    const Artifact left = opened("left.attar");
    ATTAR_ASSERT_OK(left.verify(2));
    const auto kept = rows_where([](std::uint32_t row) { return row % 50 != 7 && row % 50 != 31; });
    ASSERT_EQ(left.rows(), kept.size());
    const auto every = rows_where([](std::uint32_t) { return true; });
    EXPECT_GE(agreement(all, left, kept, {.k = 10}), agreement(all, all, every, {.k = 10}) - 0.02);
    EXPECT_EQ(agreement(all, left, kept, {.k = 10, .exact = true}), 1);
    for (const std::uint32_t row : {0u, 7u, 100u, 3'839u}) EXPECT_EQ(left.id(row).value(), all.id(kept[row]).value());
    const auto found = left.search(asked_, {.k = 5, .where = "n < 100 and tags contains 't1'"});
    ASSERT_TRUE(found) << error_of(found);
    for (const auto& hits : found->hits)
      for (const SearchHit& hit : hits) EXPECT_TRUE(kept[hit.row] < 100 && kept[hit.row] % 3 == 1);
    EXPECT_EQ(left.search(asked_, {.k = 5, .where = "word = 'w7'"})->passing, 0u);
  }
}

TEST_F(Drop, IdsRowsAndConditionsAddUp) {
  const Artifact all = packed(options());
  const auto list = put("gone.txt", "id-3\nid-30\nid-3\n");
  const auto report =
      drop(all, at("left.attar"), {.where = "n >= 3990", .ids = {"id-30", "id-6"}, .ids_file = list, .rows = {0, 2}});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->dropped, 10u + 4u);
  const Artifact left = opened("left.attar");
  EXPECT_EQ(left.id(0).value(), "id-9");
  EXPECT_EQ(left.id(6).value(), "id-27");
  EXPECT_EQ(left.id(7).value(), "id-33");
}

TEST_F(Drop, WithoutIdsRowNumbersNameRowsAndTheReportSaysThatTheyChange) {
  auto wanted = options();
  wanted.ids.clear();
  const Artifact all = packed(wanted);
  const auto report = drop(all, at("left.attar"), {.ids = {"5", "6"}});
  ASSERT_TRUE(report) << error_of(report);
  ASSERT_EQ(report->notes.size(), 1u);
  EXPECT_NE(report->notes[0].find("numbered anew"), std::string::npos);
  expect_error(drop(all, at("x.attar"), {.ids = {"five"}}), ErrorCode::invalid_argument, {"five", "no ids"});
  expect_error(drop(all, at("x.attar"), {.ids = {"4000"}}), ErrorCode::invalid_argument, {"4000"});
}

TEST_F(Drop, AGraphThatLostMoreThanAFifthIsBuiltAnew) {
  auto wanted = options();
  wanted.keep_originals.clear();
  Artifact last = packed(wanted);
  std::vector<std::uint32_t> kept = rows_where([](std::uint32_t) { return true; });
  const Artifact all = packed(wanted);
  const double before = agreement(all, last, kept, {.k = 10});
  EXPECT_GT(before, 0.95);
  for (const std::uint32_t turn : {0u, 1u, 2u, 3u}) {
    std::vector<std::uint32_t> gone, left;
    for (std::uint32_t i = 0; i < kept.size(); ++i)
      if (i % 12 == turn) {
        gone.push_back(i);
      } else {
        left.push_back(kept[i]);
      }
    const auto name = fmt::format("{}.attar", turn);
    const auto report = drop(last, at(name), {.rows = gone, .threads = 2});
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_EQ(report->rebuilt, turn == 2) << turn;
    kept = left;
    last = opened(name);
    ATTAR_ASSERT_OK(last.verify(2));
    EXPECT_GE(agreement(all, last, kept, {.k = 10}), before - 0.03) << turn;
  }
}

TEST_F(Drop, NoCertificateSpeaksOfWhatIsLeft) {
  auto wanted = options();
  wanted.queries = put_vectors("queries.npy", clustered(400, dims, 3, 1.0, 40), dims);
  wanted.floor = parse_floor("0.8@10").value();
  const Artifact all = packed(wanted);
  ASSERT_FALSE(all.info()->certificates.empty());
  ASSERT_TRUE(drop(all, at("left.attar"), {.rows = {1}}));
  const Artifact left = opened("left.attar");
  const auto info = left.info();
  ASSERT_TRUE(info) << error_of(info);
  EXPECT_TRUE(info->certificates.empty());
  EXPECT_NE(info->plan_json.find("\"dropped\":1"), std::string::npos) << info->plan_json;
  std::vector<float> others(values_.begin(), values_.begin() + dims);
  others.insert(others.end(), values_.begin() + 2 * dims, values_.end());
  const auto base = put_vectors("others.npy", others, dims);
  expect_error(certify_again(left, {.queries = wanted.queries, .base = base}), ErrorCode::unsupported,
               {"1 rows were dropped", "attar eval"});
}

TEST_F(Drop, ThreadsDoNotChangeTheFile) {
  auto wanted = options();
  wanted.keep_originals.clear();
  const Artifact all = packed(wanted);
  for (const std::uint32_t every : {30u, 3u}) {
    const auto gone = rows_where([&](std::uint32_t row) { return row % every == 0; });
    ASSERT_TRUE(drop(all, at("one.attar"), {.rows = gone, .threads = 1}));
    ASSERT_TRUE(drop(all, at("two.attar"), {.rows = gone, .threads = 2}));
    EXPECT_EQ(read_whole(at("one.attar")), read_whole(at("two.attar")));
  }
}

TEST_F(Drop, WhatCannotBeIsRefusedAndNothingIsWritten) {
  const Artifact all = packed(options());
  const auto before = files();
  expect_error(drop(all, at("x.attar"), {}), ErrorCode::invalid_argument, {"no row"});
  expect_error(drop(all, at("x.attar"), {.where = "word = 'none'"}), ErrorCode::invalid_argument, {"no row"});
  expect_error(drop(all, at("x.attar"), {.where = "n >= 0"}), ErrorCode::invalid_argument, {"delete the file"});
  expect_error(drop(all, at("x.attar"), {.ids = {"id-1"}}), ErrorCode::invalid_argument, {"id-1"});
  expect_error(drop(all, at("x.attar"), {.rows = {4000}}), ErrorCode::invalid_argument, {"4000"});
  expect_error(drop(all, {}, {.rows = {1}}), ErrorCode::invalid_argument, {"smaller.attar"});
  EXPECT_EQ(files(), before);
  auto flat = options();
  flat.index = "flat";
  const auto file = pack_and_open(base_, at("flat.attar"), flat);
  ASSERT_TRUE(file.artifact) << file.failed;
  expect_error(drop(*file.artifact, at("x.attar"), {.rows = {1}}), ErrorCode::unsupported, {"no graph"});
}

TEST_F(Drop, AFlippedBitIsRefusedOrHarmless) {
  const Artifact all = packed(options());
  ASSERT_TRUE(drop(all, at("left.attar"), {.where = "word = 'w3'"}));
  expect_flips_refused_or_harmless(at("left.attar"), std::span(asked_).first(3 * dims), 100);
}

}  // namespace
}  // namespace attar::engine
