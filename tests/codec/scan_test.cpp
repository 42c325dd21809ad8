// What every codec of the registry promises about scores: one order, whichever way a row is reached.
#include "codec/support.h"

namespace attar::codec {
namespace {

// Queries are quantized by the integer kernels; so much of ‖q‖·‖x̂‖ a score may differ from the decoded row's, and a
// refined one.
constexpr double query_tolerance = 0.02;
constexpr double refined_tolerance = 5e-5;

struct Case {
  Rows rows;
  Packed packed;
  std::string name;
};

// A pack of every option at several budgets, of several shapes.
std::vector<Case> cases(const Codec& codec) {
  std::vector<Case> out;
  base::ThreadPool pool(1);
  std::uint64_t seed = 23;
  for (const auto& [count, dims, metric] :
       {std::tuple{1u, 5u, Metric::l2}, std::tuple{33u, 64u, Metric::cosine},
        std::tuple{200u, 100u, Metric::inner_product}, std::tuple{95u, 131u, Metric::l2}}) {
    Rows rows = random_rows(count, dims, metric, seed++);
    const auto trained = train(codec, rows, pool);
    EXPECT_TRUE(trained) << text(trained.error());
    for (const std::uint64_t budget : goals(rows.schema))
      for (const Option& option : (*trained)->options({.bytes = budget})) {
        auto packed = pack(codec, **trained, option.params, rows, pool);
        EXPECT_TRUE(packed) << text(packed.error());
        out.push_back({rows, *std::move(packed),
                       std::to_string(count) + " x " + std::to_string(dims) + ", " + option.variant + ", " +
                           std::to_string(budget)});
      }
  }
  EXPECT_GT(out.size(), 4u);
  return out;
}

std::vector<float> some_queries(const Rows& rows, std::size_t count, std::uint64_t seed) {
  return random_rows(count, rows.schema.dims, rows.schema.metric, seed).values;
}

std::vector<Hit> best(std::span<const float> scores, const std::vector<std::uint32_t>& numbers, std::uint32_t k,
                      std::uint32_t offset) {
  std::vector<Hit> out;
  out.reserve(numbers.size());
  for (const std::uint32_t row : numbers) out.push_back({scores[row], row + offset});
  std::sort(out.begin(), out.end(), [](const Hit& a, const Hit& b) { return a.before(b); });
  out.resize(std::min<std::size_t>(out.size(), k));
  return out;
}

class RegistryScan : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, RegistryScan, testing::ValuesIn(codec_names()), codec_test_name);

TEST_P(RegistryScan, ScoresAreThoseOfTheDecodedRows) {
  for (const Case& c : cases(codec())) {
    SCOPED_TRACE(c.name);
    const std::uint32_t dims = c.rows.schema.dims;
    const std::uint64_t count = c.rows.schema.rows;
    const std::vector<float> queries = some_queries(c.rows, 3, 5);
    const auto scorer = c.packed.view->scorable()->prepare({queries, dims});
    ASSERT_TRUE(scorer) << text(scorer.error());
    const std::vector<float> scores = all_scores(**scorer, count, 3);
    const std::size_t parts = c.packed.view->scorable()->part_costs().size();
    std::vector<float> decoded(count * dims);
    ASSERT_TRUE(c.packed.view->decode({0, count}, decoded));
    for (std::size_t q = 0; q < 3; ++q)
      for (std::uint64_t row = 0; row < count; ++row) {
        const auto query = std::span<const float>(queries).subspan(q * dims, dims);
        const auto x = std::span<const float>(decoded).subspan(row * dims, dims);
        double expected = math::dot(query, x);
        double norms = std::sqrt(math::squared_norm(query) * math::squared_norm(x));
        if (c.rows.schema.metric == Metric::l2) {
          expected = 2 * expected - math::squared_norm(c.rows.row(row));
          norms *= 2;
        }
        ASSERT_NEAR(static_cast<double>(scores[q * count + row]), expected, query_tolerance * norms + 1e-6)
            << "row " << row;
        if (!(*scorer)->rounds(q)) continue;
        Partial refined{.row = static_cast<std::uint32_t>(row)};
        for (std::uint32_t part = 0; part < parts; ++part) (*scorer)->add_part(q, part, {&refined, 1});
        (*scorer)->refine(q, {&refined, 1});
        ASSERT_NEAR(static_cast<double>(refined.score), expected, refined_tolerance * norms + 1e-6) << "row " << row;
      }
  }
}

TEST_P(RegistryScan, ScanFindsWhatScoreSays) {
  base::Random random(3);
  for (const Case& c : cases(codec())) {
    SCOPED_TRACE(c.name);
    const std::uint64_t count = c.rows.schema.rows;
    const std::vector<float> query = some_queries(c.rows, 1, random.next());
    const auto scorer = c.packed.view->scorable()->prepare({query, c.rows.schema.dims});
    ASSERT_TRUE(scorer);
    const std::vector<float> scores = all_scores(**scorer, count, 1);
    for (int trial = 0; trial < 12; ++trial) {
      std::uint64_t first = random.below(count + 1), last = random.below(count + 1);
      if (first > last) std::swap(first, last);
      if (trial < 2) first = 0, last = count;
      const auto k = static_cast<std::uint32_t>(trial == 0 ? count : 1 + random.below(12));
      const auto offset = static_cast<std::uint32_t>(trial % 3 == 2 ? random.below(1'000'000) : 0);
      std::vector<std::uint64_t> allowed;
      if (trial % 2 == 1)
        for (std::uint64_t word = 0; word < count; word += 64) allowed.push_back(random.next() & random.next());
      std::vector<std::uint32_t> numbers;
      for (auto row = static_cast<std::uint32_t>(first); row < last; ++row)
        if (allowed.empty() || (allowed[row / 64] >> (row % 64) & 1) != 0) numbers.push_back(row);
      std::vector<TopK> top(1, TopK(k));
      (*scorer)->scan({first, last}, {.allowed = allowed, .row_offset = offset}, top);
      ASSERT_EQ(top[0].sorted(), best(scores, numbers, k, offset)) << first << " … " << last << ", k " << k;
    }
  }
}

TEST_P(RegistryScan, AScanGoesOnFromWhatWasFound) {
  for (const Case& c : cases(codec())) {
    SCOPED_TRACE(c.name);
    const std::uint64_t count = c.rows.schema.rows;
    const std::vector<float> query = some_queries(c.rows, 1, 8);
    const auto scorer = c.packed.view->scorable()->prepare({query, c.rows.schema.dims});
    ASSERT_TRUE(scorer);
    std::vector<TopK> whole(1, TopK(5)), parts(1, TopK(5));
    (*scorer)->scan({0, count}, {}, whole);
    // Later rows first: their scores are the threshold that earlier, lower rows must still pass when equal.
    (*scorer)->scan({count / 2, count}, {}, parts);
    (*scorer)->scan({0, count / 2}, {}, parts);
    EXPECT_EQ(parts[0].sorted(), whole[0].sorted());
  }
}

TEST_P(RegistryScan, ABatchScoresAsEachQueryAlone) {
  for (const Case& c : cases(codec())) {
    SCOPED_TRACE(c.name);
    const std::uint32_t dims = c.rows.schema.dims;
    const std::uint64_t count = c.rows.schema.rows;
    const std::vector<float> queries = some_queries(c.rows, max_batch, 13);
    const auto batch = c.packed.view->scorable()->prepare({queries, dims});
    ASSERT_TRUE(batch);
    std::vector<TopK> together(max_batch, TopK(7));
    (*batch)->scan({0, count}, {}, together);
    const std::vector<float> scores = all_scores(**batch, count, max_batch);
    for (std::size_t q = 0; q < max_batch; ++q) {
      const auto single = c.packed.view->scorable()->prepare({std::span(queries).subspan(q * dims, dims), dims});
      ASSERT_TRUE(single);
      std::vector<TopK> alone(1, TopK(7));
      (*single)->scan({0, count}, {}, alone);
      ASSERT_EQ(alone[0].sorted(), together[q].sorted());
      const std::vector<float> own = all_scores(**single, count, 1);
      ASSERT_TRUE(std::equal(own.begin(), own.end(), scores.begin() + static_cast<std::ptrdiff_t>(q * count)));
    }
  }
}

TEST_P(RegistryScan, EqualRowsRankByNumber) {
  base::ThreadPool pool(1);
  Rows rows = random_rows(70, 24, Metric::l2, 31);
  for (std::uint64_t copy = 1; copy < 70; copy += 2)
    std::copy_n(rows.values.begin(), 24, rows.values.begin() + static_cast<std::ptrdiff_t>(copy * 24));
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  for (const Option& option : (*trained)->options({.bytes = goals(rows.schema).back()})) {
    const auto packed = pack(codec(), **trained, option.params, rows, pool);
    ASSERT_TRUE(packed) << text(packed.error());
    const auto scorer = packed->view->scorable()->prepare({rows.row(0), 24});
    ASSERT_TRUE(scorer);
    std::vector<TopK> top(1, TopK(20));
    (*scorer)->scan({0, 70}, {}, top);
    const std::vector<Hit> hits = top[0].sorted();
    ASSERT_EQ(hits.size(), 20u);
    EXPECT_EQ(hits[0].row, 0u) << option.variant;
    for (std::uint32_t i = 1; i < 20; ++i) EXPECT_EQ(hits[i].row, 2 * i - 1) << option.variant;
  }
}

TEST_P(RegistryScan, BadQueriesAreRefused) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(10, 6, Metric::inner_product, 2);
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto options = (*trained)->options({.bytes = goals(rows.schema).back()});
  ASSERT_FALSE(options.empty());
  const auto packed = pack(codec(), **trained, options[0].params, rows, pool);
  ASSERT_TRUE(packed) << text(packed.error());
  const Scorable& scorable = *packed->view->scorable();
  std::vector<float> query(6, 1.0f);
  EXPECT_TRUE(scorable.prepare({query, 6}));
  EXPECT_FALSE(scorable.prepare({query, 3}));
  EXPECT_FALSE(scorable.prepare({{}, 6}));
  const std::vector<float> more((scorable.most_queries() + 1) * 6, 1.0f);
  EXPECT_FALSE(scorable.prepare({more, 6}));
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    query[4] = bad;
    EXPECT_FALSE(scorable.prepare({query, 6}));
  }
}

}  // namespace
}  // namespace attar::codec
