// Searching an artifact: scores and order against answers computed the plain way.
#include <limits>

#include "engine/support.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 24;
constexpr std::uint64_t rows = 700;
constexpr std::uint64_t queries = 21;

class Search : public EngineTest, public testing::WithParamInterface<Metric> {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1);
    asked_ = clustered(queries, dims, 2);
    base_ = put_vectors("base.npy", values_, dims);
  }
  // Exact codes, so that answers are known; compressed ones where a codec is named.
  Artifact packed(const std::string& codec = "f32", const std::string& originals = "") {
    auto out = pack_and_open(base_, at(codec + ".attar"),
                             {.metric = GetParam(), .codec = codec, .keep_originals = originals, .threads = 1});
    EXPECT_TRUE(out.artifact) << out.failed;
    return std::move(out.artifact).value();
  }
  std::span<const float> query(std::size_t q) const { return std::span(asked_).subspan(q * dims, dims); }
  std::vector<SearchHit> best(std::size_t q, std::size_t k) const {
    auto out = ranked(GetParam(), query(q), values_);
    out.resize(std::min(k, out.size()));
    return out;
  }

  std::vector<float> values_, asked_;
  std::filesystem::path base_;
};
INSTANTIATE_TEST_SUITE_P(, Search, testing::ValuesIn(all_metrics), metric_test_name);

void expect_hits(std::span<const SearchHit> hits, std::span<const SearchHit> expected) {
  ASSERT_EQ(rows_of(hits), rows_of(expected));
  for (std::size_t i = 0; i < hits.size(); ++i)
    EXPECT_NEAR(hits[i].score, expected[i].score, 1e-4 * std::max(1.0f, std::abs(expected[i].score)));
}

TEST_P(Search, FindsTheNearestOfExactCodes) {
  const Artifact artifact = packed();
  for (const std::uint32_t k : {1u, 10u, 100u, static_cast<std::uint32_t>(rows), 5000u}) {
    const auto found = artifact.search(asked_, {.k = k});
    ASSERT_TRUE(found) << error_of(found);
    EXPECT_EQ(found->k, k);
    ASSERT_EQ(found->hits.size(), queries);
    for (std::size_t q = 0; q < queries; ++q) expect_hits(found->hits[q], best(q, k));
  }
}

// Compressed scores explain nearly all of the spread of the exact ones, and are not shifted against them.
TEST_P(Search, ShowsScoresNearTheExactOnes) {
  for (const std::string& codec : codec_names()) {
    const Artifact artifact = packed(codec);
    const auto found = artifact.search(asked_, {.k = rows});
    ASSERT_TRUE(found) << error_of(found);
    double sum = 0, squares = 0, errors = 0, shift = 0;
    for (std::size_t q = 0; q < queries; ++q) {
      ASSERT_EQ(found->hits[q].size(), rows) << codec;
      for (std::size_t i = 0; i < rows; ++i) {
        const SearchHit hit = found->hits[q][i];
        const double exact = shown_score(GetParam(), query(q), std::span(values_).subspan(hit.row * dims, dims));
        const double error = static_cast<double>(hit.score) - exact;
        sum += exact;
        squares += exact * exact;
        errors += error * error;
        shift += error;
        if (i == 0) continue;
        const SearchHit before = found->hits[q][i - 1];
        const bool nearer = GetParam() == Metric::l2 ? before.score < hit.score : before.score > hit.score;
        EXPECT_TRUE(nearer || (before.score == hit.score && before.row < hit.row)) << codec << ", place " << i;
      }
    }
    constexpr double count = queries * rows;
    const double spread = squares - sum * sum / count;
    EXPECT_LT(errors, 0.1 * spread) << codec;
    EXPECT_LT(std::abs(shift) / count, 0.1 * std::sqrt(spread / count)) << codec;
  }
}

TEST_P(Search, ARowFindsItself) {
  const Artifact artifact = packed("f16");
  const auto found = artifact.search(values_, {.k = 1});
  ASSERT_TRUE(found) << error_of(found);
  for (std::size_t row = 0; row < rows; ++row) {
    const SearchHit hit = found->hits[row].at(0);
    const auto own = std::span(values_).subspan(row * dims, dims);
    const double itself = shown_score(GetParam(), own, own);
    if (GetParam() == Metric::l2) {
      EXPECT_GE(hit.score, 0) << "rounding must not make a distance negative";
      EXPECT_LT(hit.score, 0.1f);
    } else {
      EXPECT_GT(hit.score, 0.99 * itself) << "another row may be longer";
    }
  }
}

TEST_P(Search, BatchesAndThreadsDoNotChangeAnswers) {
  for (const std::string& codec : codec_names()) {
    const Artifact artifact = packed(codec);
    const auto together = artifact.search(asked_, {.k = 15, .threads = 1});
    ASSERT_TRUE(together) << error_of(together);
    for (const unsigned threads : {2u, 3u})
      EXPECT_EQ(artifact.search(asked_, {.k = 15, .threads = threads})->hits, together->hits);
    for (std::size_t q = 0; q < queries; ++q)
      EXPECT_EQ(artifact.search(query(q), {.k = 15})->hits.at(0), together->hits[q]) << codec;
  }
}

TEST_P(Search, LeavesOutARowAQuery) {
  const Artifact artifact = packed("f32", "f32");
  std::vector<std::uint32_t> skip(queries, 0xffff'ffffu);
  for (std::size_t q = 0; q < queries; q += 2) skip[q] = best(q, 1)[0].row;
  for (const bool exact : {false, true})
    for (const std::uint32_t k : {5u, static_cast<std::uint32_t>(rows)}) {
      const auto found = artifact.search(asked_, {.k = k, .exact = exact, .skip = skip});
      ASSERT_TRUE(found) << error_of(found);
      for (std::size_t q = 0; q < queries; ++q) {
        std::vector<SearchHit> expected = best(q, rows);
        if (q % 2 == 0) expected.erase(expected.begin());
        expected.resize(std::min<std::size_t>(k, expected.size()));
        EXPECT_EQ(rows_of(found->hits[q]), rows_of(expected)) << "exact " << exact << ", k " << k << ", query " << q;
      }
    }
}

TEST_P(Search, ReturnsAllowedRowsOnly) {
  const Artifact artifact = packed("f32", "f32");
  for (const std::uint64_t stride : {1u, 3u, 64u, 699u}) {
    std::vector<std::uint64_t> allowed((rows + 63) / 64);
    for (std::uint64_t row = 0; row < rows; row += stride) allowed[row / 64] |= std::uint64_t{1} << (row % 64);
    for (const bool exact : {false, true}) {
      const auto found = artifact.search(asked_, {.k = 30, .exact = exact, .allowed = allowed});
      ASSERT_TRUE(found) << error_of(found);
      for (std::size_t q = 0; q < queries; ++q) {
        auto expected = best(q, rows);
        std::erase_if(expected, [&](const SearchHit& hit) { return hit.row % stride != 0; });
        expected.resize(std::min<std::size_t>(30, expected.size()));
        EXPECT_EQ(rows_of(found->hits[q]), rows_of(expected)) << "exact " << exact << ", stride " << stride;
      }
    }
  }
  const std::vector<std::uint64_t> none((rows + 63) / 64);
  for (const bool exact : {false, true}) {
    const auto found = artifact.search(asked_, {.k = 30, .exact = exact, .allowed = none});
    ASSERT_TRUE(found) << error_of(found);
    ASSERT_EQ(found->hits.size(), queries);
    for (const auto& hits : found->hits) EXPECT_TRUE(hits.empty());
  }
}

TEST_P(Search, AFilterAndARowToLeaveOutGoTogether) {
  const Artifact artifact = packed("f32", "f32");
  std::vector<std::uint64_t> allowed((rows + 63) / 64);
  allowed[0] = 0b1110;  // rows 1, 2, 3
  std::vector<std::uint32_t> skip(queries, 0xffff'ffffu);
  skip[0] = 2;
  skip[1] = 5;  // not allowed anyway
  for (const bool exact : {false, true}) {
    const auto found = artifact.search(asked_, {.k = 10, .exact = exact, .allowed = allowed, .skip = skip});
    ASSERT_TRUE(found) << error_of(found);
    for (std::size_t q = 0; q < queries; ++q) {
      auto expected = best(q, rows);
      std::erase_if(expected, [&](const SearchHit& hit) { return hit.row < 1 || hit.row > 3 || hit.row == skip[q]; });
      EXPECT_EQ(rows_of(found->hits[q]), rows_of(expected)) << "exact " << exact << ", query " << q;
    }
  }
}

TEST_P(Search, ExactAnswersComeFromTheOriginals) {
  const Artifact bare = packed("rbin");
  const Artifact kept = packed("opq", "f32");
  const Artifact halves = packed("lvq", "f16");
  for (std::size_t q = 0; q < queries; ++q) {
    const auto from_file = bare.search(query(q), {.k = 10, .exact = true, .base = base_});
    ASSERT_TRUE(from_file) << error_of(from_file);
    expect_hits(from_file->hits.at(0), best(q, 10));
    const auto from_kept = kept.search(query(q), {.k = 10, .exact = true});
    ASSERT_TRUE(from_kept) << error_of(from_kept);
    expect_hits(from_kept->hits.at(0), best(q, 10));
    const auto from_halves = halves.search(query(q), {.k = 10, .exact = true});
    ASSERT_TRUE(from_halves) << error_of(from_halves);
    EXPECT_NEAR(from_halves->hits.at(0).at(0).score, best(q, 1)[0].score, 0.02 * std::abs(best(q, 1)[0].score));
  }
  expect_error(bare.search(query(0), {.exact = true}), ErrorCode::invalid_argument, {"--base"});
  const auto other = put_vectors("other.npy", clustered(rows - 1, dims, 1), dims);
  expect_error(bare.search(query(0), {.exact = true, .base = other}), ErrorCode::invalid_data,
               {"other.npy", "699", "700"});
}

TEST_P(Search, WrongQueriesAreRefused) {
  const Artifact artifact = packed();
  expect_error(artifact.search(std::span(asked_).first(dims + 1)), ErrorCode::invalid_argument,
               {"25 values", "24 dimensions"});
  expect_error(artifact.search(query(0), {.k = 0}), ErrorCode::invalid_argument, {"k is 0"});
  expect_error(artifact.search(query(0), {.k = 0xffff'ffffu}), ErrorCode::invalid_argument, {"k is 4294967295"});
  const std::vector<std::uint64_t> short_filter(10);
  expect_error(artifact.search(query(0), {.allowed = short_filter}), ErrorCode::invalid_argument, {"10 words", "11"});
  const std::vector<std::uint32_t> two_rows(2);
  expect_error(artifact.search(query(0), {.skip = two_rows}), ErrorCode::invalid_argument,
               {"2 rows to skip", "1 queries"});
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30f})
    for (const bool exact : {false, true}) {
      std::vector<float> bad(query(0).begin(), query(0).end());
      bad[3] = odd;
      expect_error(artifact.search(bad, {.exact = exact, .base = base_}), ErrorCode::invalid_data);
    }
  const std::vector<float> zero(dims);
  for (const bool exact : {false, true}) {
    const auto found = artifact.search(zero, {.exact = exact, .base = base_});
    EXPECT_EQ(found.has_value(), GetParam() != Metric::cosine) << error_of(found);
  }
  const auto none = artifact.search({});
  ASSERT_TRUE(none) << error_of(none);
  EXPECT_TRUE(none->hits.empty());
}

}  // namespace
}  // namespace attar::engine
