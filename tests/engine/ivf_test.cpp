// Artifacts with inverted lists: packed, searched, decoded and damaged through the public API.
#include "engine/flipped_bits.h"
#include "engine/support.h"
#include "format/reader.h"

namespace attar::engine {
namespace {

constexpr std::uint32_t dims = 24;
constexpr std::uint64_t rows = 3000;

class InvertedLists : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    values_ = clustered(rows, dims, 1, 0.6, 200);
    base_ = put_vectors("base.npy", values_, dims);
    asked_ = clustered(400, dims, 2, 0.6, 200);
    queries_ = put_vectors("queries.npy", asked_, dims);
  }
  [[nodiscard]] PackOptions options(Metric metric = Metric::cosine, std::string codec = "tcq") const {
    return {.budget = parse_budget("60B/vec").value(),
            .metric = metric,
            .queries = queries_,
            .codec = std::move(codec),
            .index = "ivf",
            .threads = 2};
  }

  std::vector<float> values_, asked_;
  std::filesystem::path base_, queries_;
};

TEST_F(InvertedLists, EveryMetricFindsWhatIsNearest) {
  for (const Metric metric : all_metrics) {
    SCOPED_TRACE(metric_name(metric));
    const auto packed = pack_and_open(base_, at("lists.attar"), options(metric));
    ASSERT_TRUE(packed.artifact) << packed.failed;
    const PackReport& report = packed.outcome.report;
    EXPECT_EQ(std::filesystem::file_size(at("lists.attar")), report.bytes);
    EXPECT_LE(report.bytes, 60 * rows);
    EXPECT_EQ(sum_of(report.parts), report.bytes);
    EXPECT_NE(report.plan.find(" lists, tcq"), std::string::npos) << report.plan;
    const auto found = packed.artifact->search(asked_, {.k = 10});
    ASSERT_TRUE(found) << error_of(found);
    std::size_t hits = 0;
    for (std::size_t q = 0; q < 100; ++q) {
      const auto truth = ranked(metric, std::span(asked_).subspan(q * dims, dims), values_);
      const auto own = rows_of(found->hits[q]);
      ASSERT_EQ(own.size(), 10u);
      for (std::size_t i = 0; i < 10; ++i) hits += std::count(own.begin(), own.end(), truth[i].row) == 1 ? 1u : 0u;
    }
    EXPECT_GT(hits, 940u);
    ATTAR_ASSERT_OK(packed.artifact->verify(2));
  }
}

TEST_F(InvertedLists, EveryCodecCanCodeWhatCentroidsLeave) {
  for (const std::string& codec : codec_names()) {
    SCOPED_TRACE(codec);
    auto wide = options(Metric::l2, codec);
    wide.budget = parse_budget("160B/vec").value();
    const auto packed = pack_and_open(base_, at("lists.attar"), wide);
    ASSERT_TRUE(packed.artifact) << packed.failed;
    std::vector<float> decoded(rows * dims);
    ATTAR_ASSERT_OK(packed.artifact->decode(0, decoded));
    double error = 0, energy = 0;
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      error += std::pow(static_cast<double>(decoded[i] - values_[i]), 2);
      energy += std::pow(static_cast<double>(values_[i]), 2);
    }
    EXPECT_LT(error, 0.1 * energy);
    const auto found = packed.artifact->search(std::span(asked_).first(8 * dims), {.k = 3});
    ASSERT_TRUE(found) << error_of(found);
    for (std::size_t q = 0; q < 8; ++q)
      for (const SearchHit& hit : found->hits[q]) {
        const auto row = std::span(values_).subspan(std::size_t{hit.row} * dims, dims);
        const double exact = shown_score(Metric::l2, std::span(asked_).subspan(q * dims, dims), row);
        EXPECT_NEAR(static_cast<double>(hit.score), exact, 0.25 * exact + 2);
      }
  }
}

TEST_F(InvertedLists, ThreadsDoNotChangeTheFile) {
  auto one = options();
  one.threads = 1;
  ASSERT_TRUE(pack(base_, at("one.attar"), one));
  ASSERT_TRUE(pack(base_, at("two.attar"), options()));
  EXPECT_EQ(read_whole(at("one.attar")), read_whole(at("two.attar")));
}

TEST_F(InvertedLists, AFloorIsCertified) {
  auto wanted = options();
  wanted.floor = parse_floor("0.8@10").value();
  const auto packed = pack_and_open(base_, at("lists.attar"), wanted);
  ASSERT_TRUE(packed.artifact) << packed.failed;
  ASSERT_EQ(packed.outcome.report.certificates.size(), 1u);
  EXPECT_GE(packed.outcome.report.certificates[0].lower_bound, 0.8);
  wanted.budget.reset();
  const auto smallest = pack_and_open(base_, at("smallest.attar"), wanted);
  ASSERT_TRUE(smallest.artifact) << smallest.failed;
  EXPECT_LT(smallest.outcome.report.bytes, packed.outcome.report.bytes);
}

// With room for anything the fastest plan is no finer than the floor needs.
TEST_F(InvertedLists, CodesThatScanSlowlyAreNotTakenForRecallThatNobodyAskedFor) {
  auto wanted = options(Metric::cosine, "");
  wanted.budget = parse_budget("2000B/vec").value();
  wanted.floor = parse_floor("0.8@10").value();
  const auto packed = make_plan(base_, wanted);
  ASSERT_TRUE(packed) << error_of(packed);
  ASSERT_TRUE(packed->reachable) << packed->unreachable;
  const auto& candidates = packed->report.candidates;
  const auto chosen =
      std::find_if(candidates.begin(), candidates.end(), [](const Candidate& candidate) { return candidate.chosen; });
  ASSERT_NE(chosen, candidates.end());
  EXPECT_GE(chosen->recall, 0.8);
  const auto exact =
      std::find_if(candidates.begin(), candidates.end(), [](const Candidate& other) { return other.codec == "f32"; });
  ASSERT_NE(exact, candidates.end());
  EXPECT_GE(exact->recall, chosen->recall) << "nothing to choose between";
  EXPECT_LT(chosen->scan_cost, 0.8 * exact->scan_cost) << chosen->codec << " " << chosen->settings;
}

TEST_F(InvertedLists, AFlippedBitIsRefusedOrHarmless) {
  const auto packed = pack_and_open(base_, at("lists.attar"), options());
  ASSERT_TRUE(packed.artifact) << packed.failed;
  expect_flips_refused_or_harmless(at("lists.attar"), std::span(asked_).first(3 * dims), 300);
}

// One byte of each block of the codes is damaged in turn: a search says so where the block holds rows that it looks at,
// and else answers as ever; whoever reads all says so always.
TEST_F(InvertedLists, OnlyListsThatAreProbedAreVerified) {
  constexpr std::uint64_t many = 20'000;
  const auto base = put_vectors("many.npy", clustered(many, dims, 1, 0.6, 200), dims);
  auto wanted = options();
  wanted.budget = parse_budget("26B/vec").value();
  const auto packed = pack_and_open(base, at("lists.attar"), wanted);
  ASSERT_TRUE(packed.artifact) << packed.failed;
  const auto reader = format::ArtifactReader::open(at("lists.attar"));
  ASSERT_TRUE(reader) << error_of(reader);
  const format::SectionEntry codes = *reader->find(format::SectionKind::codes);
  ASSERT_GT(codes.length, 4 * format::block_bytes);

  std::string bytes = read_whole(at("lists.attar"));
  const auto query = std::span(asked_).first(dims);
  const auto expected = packed.artifact->search(query, {.k = 5});
  ASSERT_TRUE(expected) << error_of(expected);
  std::size_t answered = 0, refused = 0, closed = 0;
  for (std::uint64_t offset = format::block_bytes / 2; offset < codes.length; offset += format::block_bytes) {
    SCOPED_TRACE(offset);
    char& damaged = bytes[codes.offset + offset];
    damaged ^= 1;
    const auto opened = Artifact::open(put("damaged.attar", bytes));
    damaged ^= 1;
    if (!opened) {  // the block of what all rows share
      expect_error(opened, ErrorCode::corrupt, {"codes", "checksum"});
      ++closed;
      continue;
    }
    for (const unsigned threads : {1u, 2u}) {  // the second asks lists that the first has asked
      const auto found = opened->search(query, {.k = 5, .threads = threads});
      if (found) {
        EXPECT_EQ(found->hits, expected->hits);
        ++answered;
      } else {
        expect_error(found, ErrorCode::corrupt, {"codes", "checksum"});
        ++refused;
      }
    }
    std::vector<float> decoded(many * dims);
    expect_error(opened->search(query, {.k = 5, .threads = 2, .whole = true}), ErrorCode::corrupt, {"checksum"});
    expect_error(opened->decode(0, decoded), ErrorCode::corrupt, {"checksum"});
    expect_error(opened->verify(1), ErrorCode::corrupt, {"checksum"});
  }
  EXPECT_GE(answered, 2u) << "a search reads every block";
  EXPECT_GE(refused, 2u);
  EXPECT_LE(closed, 1u);
}

TEST_F(InvertedLists, PartsDecodeAsTheWholeDoes) {
  for (const std::string& codec : {std::string("tcq"), std::string("f16")}) {
    SCOPED_TRACE(codec);
    const auto packed = pack_and_open(base_, at("lists.attar"), options(Metric::l2, codec));
    ASSERT_TRUE(packed.artifact) << packed.failed;
    std::vector<float> whole(rows * dims), one(dims), part(700 * dims);
    ATTAR_ASSERT_OK(packed.artifact->decode(0, whole));
    for (std::uint64_t row = 0; row < rows; row += 7) {
      ATTAR_ASSERT_OK(packed.artifact->decode(row, one));
      ASSERT_TRUE(std::equal(one.begin(), one.end(), whole.begin() + static_cast<std::ptrdiff_t>(row * dims))) << row;
    }
    ATTAR_ASSERT_OK(packed.artifact->decode(1111, part));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 1111 * dims));
  }
}

TEST_F(InvertedLists, AnIndexThatDoesNotExistIsNamed) {
  auto wrong = options();
  wrong.index = "hnsw";
  expect_error(pack(base_, at("lists.attar"), wrong), ErrorCode::invalid_argument, {"hnsw", "flat", "ivf"});
}

}  // namespace
}  // namespace attar::engine
