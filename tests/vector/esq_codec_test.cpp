// What esq promises beyond every codec of the registry: two parts that agree with the whole, at any shape.
#include <numeric>

#include "codec/odd_rows.h"
#include "vector/esq/layout.h"

namespace attar::codec {
namespace {

const Codec& esq() { return *find_codec("esq"); }

struct Case {
  std::string name;
  Rows rows;
  Packed packed;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  base::ThreadPool pool(2);
  std::uint64_t seed = 5;
  for (const auto& [count, dims, metric] :
       {std::tuple{1u, 1u, Metric::l2}, std::tuple{40u, 3u, Metric::inner_product},
        std::tuple{150u, 70u, Metric::cosine}, std::tuple{97u, 100u, Metric::l2}, std::tuple{90u, 384u, Metric::cosine},
        std::tuple{60u, 1000u, Metric::l2}, std::tuple{40u, 1600u, Metric::cosine}}) {
    Rows rows = random_rows(count, dims, metric, seed++);
    const auto trained = train(esq(), rows, pool);
    EXPECT_TRUE(trained) << text(trained.error());
    const std::uint64_t values = std::uint64_t{count} * dims;
    for (const std::uint64_t budget : {values / 3, values * 2 / 3, 4 * values})
      for (const Option& option : (*trained)->options({.bytes = budget + dims * (dims + 20ull) + 2000})) {
        auto packed = pack(esq(), **trained, option.params, rows, pool);
        EXPECT_TRUE(packed) << text(packed.error());
        out.push_back({std::to_string(count) + " x " + std::to_string(dims) + ", " + option.variant + ", " +
                           std::to_string(option.bytes_per_row),
                       rows, *std::move(packed)});
      }
  }
  EXPECT_GT(out.size(), 15u);
  return out;
}

TEST(Esq, EachWayToAScoreGivesTheSame) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::uint32_t dims = c.rows.schema.dims;
    const std::uint64_t count = c.rows.schema.rows;
    const Rows queries = random_rows(3, dims, c.rows.schema.metric, 77);
    const Scorable& scorable = *c.packed.view->scorable();
    ASSERT_TRUE(scorable.walks());
    ASSERT_EQ(scorable.part_costs().size(), 2u);
    const auto scorer = scorable.prepare({queries.values, dims});
    ASSERT_TRUE(scorer) << text(scorer.error());
    const std::vector<float> whole = all_scores(**scorer, count, 3);
    std::vector<std::uint32_t> numbers(count);
    std::iota(numbers.rbegin(), numbers.rend(), 0u);
    for (std::size_t q = 0; q < 3; ++q) {
      std::vector<float> first(count);
      (*scorer)->expect_rows(numbers, 0);
      (*scorer)->score_first(q, numbers, first);
      std::vector<Shortlist> lists(3, Shortlist(static_cast<std::uint32_t>(count)));
      (*scorer)->scan_parts({0, count}, {}, 1, lists);
      std::vector<Partial> partials = lists[q].take();
      ASSERT_EQ(partials.size(), count);
      for (const Partial& row : partials) ASSERT_EQ(row.score, first[count - 1 - row.row]);
      std::vector<Partial> added = partials;
      (*scorer)->expect_rows(numbers, 1);
      (*scorer)->finish_rows(q, partials);
      (*scorer)->add_part(q, 1, added);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(partials[i].score, whole[q * count + partials[i].row]);
        ASSERT_EQ(added[i].score, partials[i].score);
      }
      (*scorer)->add_part(q, 0, added);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(added[i].score, first[count - 1 - added[i].row]);
    }
  }
}

TEST(Esq, RowsThatAreCopiedScoreAndDecodeAsTheyDid) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::uint32_t dims = c.rows.schema.dims;
    const std::uint64_t count = c.rows.schema.rows;
    std::vector<std::uint32_t> some;
    for (std::uint32_t row = 0; row < count; row += 3) some.push_back(row);
    base::MemorySink sink;
    ASSERT_TRUE(c.packed.view->copy(some, sink));
    Schema schema = c.rows.schema;
    schema.rows = some.size();
    Packed left;
    left.model_bytes = c.packed.model_bytes;
    left.codes_bytes = std::move(sink).release();
    const auto view = left.open(esq(), schema);
    ASSERT_TRUE(view) << text(view.error());
    const Rows queries = random_rows(2, dims, schema.metric, 78);
    const auto before = c.packed.view->scorable()->prepare({queries.values, dims});
    const auto after = (*view)->scorable()->prepare({queries.values, dims});
    const auto old = all_scores(**before, count, 2), own = all_scores(**after, some.size(), 2);
    std::vector<float> all(count * dims), decoded(some.size() * dims);
    ASSERT_TRUE(c.packed.view->decode({0, count}, all));
    ASSERT_TRUE((*view)->decode({0, some.size()}, decoded));
    for (std::size_t i = 0; i < some.size(); ++i) {
      for (std::size_t q = 0; q < 2; ++q) ASSERT_EQ(own[q * some.size() + i], old[q * count + some[i]]);
      for (std::size_t j = 0; j < dims; ++j) ASSERT_EQ(decoded[i * dims + j], all[std::size_t{some[i]} * dims + j]);
    }
  }
}

TEST(Esq, BiasIsAddedInEveryWay) {
  base::ThreadPool pool(1);
  for (const Metric metric : {Metric::inner_product, Metric::l2}) {
    const Rows rows = random_rows(70, 40, metric, 3);
    const auto trained = train(esq(), rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    const auto packed = pack(esq(), **trained, (*trained)->options({.bytes = 100'000}).front().params, rows, pool);
    ASSERT_TRUE(packed) << text(packed.error());
    const auto scorer = packed->view->scorable()->prepare({rows.row(1), 40});
    ASSERT_TRUE(scorer);
    const float bias[] = {1.5f};
    std::vector<TopK> top(1, TopK(70));
    (*scorer)->scan({0, 70}, {.allowed = {}, .bias = bias}, top);
    std::vector<Shortlist> lists(1, Shortlist(70));
    (*scorer)->scan_parts({0, 70}, {.allowed = {}, .bias = bias}, 1, lists);
    std::vector<Partial> partials = lists[0].take();
    (*scorer)->finish_rows(0, partials);
    const std::vector<float> plain = all_scores(**scorer, 70, 1);
    for (const Hit& hit : top[0].sorted()) {
      EXPECT_EQ(partials[hit.row].score, hit.score);
      EXPECT_NEAR(hit.score - plain[hit.row], metric == Metric::l2 ? 3.0f : 1.5f, 1e-4f);
    }
  }
}

TEST(Esq, TheWalkPointsWhereTheWholeDoes) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(2000, 128, Metric::cosine, 12);
  const auto trained = train(esq(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto packed = pack(esq(), **trained, (*trained)->options({.bytes = 1'000'000}).front().params, rows, pool);
  ASSERT_TRUE(packed) << text(packed.error());
  const Rows queries = random_rows(20, 128, Metric::cosine, 13);
  double error = 0, energy = 0;
  for (std::size_t q = 0; q < 20; ++q) {
    const auto scorer = packed->view->scorable()->prepare({queries.row(q), 128});
    ASSERT_TRUE(scorer);
    std::vector<std::uint32_t> numbers(2000);
    std::iota(numbers.begin(), numbers.end(), 0u);
    std::vector<float> first(2000), whole(2000);
    (*scorer)->score_first(0, numbers, first);
    (*scorer)->score(numbers, whole);
    const double mean = std::accumulate(whole.begin(), whole.end(), 0.0) / 2000;
    for (std::size_t i = 0; i < 2000; ++i) {
      error += std::pow(static_cast<double>(first[i]) - static_cast<double>(whole[i]), 2);
      energy += std::pow(static_cast<double>(whole[i]) - mean, 2);
    }
  }
  EXPECT_LT(error, 0.2 * energy);  // two bits a component leave an eighth
}

TEST(Esq, MoreBytesLoseLess) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(1500, 300, Metric::inner_product, 21);
  const auto trained = train(esq(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  std::map<std::string, double> last;
  int offered = 0;
  for (std::uint64_t per_row = 150; per_row < 400; per_row += 20)
    for (const Option& option : (*trained)->options({.bytes = per_row * 1500})) {
      const auto known = last.find(option.variant);
      if (known != last.end()) {
        EXPECT_LE(option.distortion, known->second) << option.variant;
      }
      last[option.variant] = option.distortion;
      const auto again = (*trained)->options({.bytes = option.bytes()});
      EXPECT_TRUE(std::any_of(again.begin(), again.end(), [&](const Option& o) { return o.params == option.params; }));
      ++offered;
    }
  EXPECT_GT(offered, 10);
  EXPECT_EQ(last.size(), 2u);
}

TEST(Esq, ParametersOutOfRangeAreRefused) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(60, 12, Metric::l2, 5);
  const auto trained = train(esq(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto options = (*trained)->options({.bytes = 100'000});
  ASSERT_EQ(options.size(), 1u);
  for (const auto& [name, value] : options[0].params.values)
    for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{13}, std::int64_t{3} << 40}) {
      Params params = options[0].params;
      params.values[name] = wrong;
      const auto model = (*trained)->build(params);
      ASSERT_FALSE(model) << name << " = " << wrong;
      EXPECT_EQ(model.error().code, ErrorCode::invalid_argument);
    }
}

// A model that was read encodes as the one that was built.
TEST(Esq, ALoadedModelEncodesAlike) {
  base::ThreadPool pool(1);
  for (const std::uint32_t dims : {100u, 1600u}) {
    const Rows rows = random_rows(120, dims, Metric::l2, 9);
    const auto trained = train(esq(), rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    for (const Option& option : (*trained)->options({.bytes = 1'000'000})) {
      const auto packed = pack(esq(), **trained, option.params, rows, pool);
      ASSERT_TRUE(packed) << text(packed.error());
      const auto loaded = esq().load(section(esq(), packed->model_bytes, "model"), rows.schema, {});
      ASSERT_TRUE(loaded) << text(loaded.error());
      base::MemorySink codes, model;
      const auto encoder = esq().encoder(*loaded, rows.schema, codes, pool);
      ASSERT_TRUE(encoder) << text(encoder.error());
      ASSERT_TRUE((*encoder)->append({rows.values, dims, 0}));
      ASSERT_TRUE((*encoder)->finish());
      EXPECT_TRUE(std::ranges::equal(codes.bytes(), packed->codes_bytes));
      ASSERT_TRUE((*loaded)->save(model));
      EXPECT_TRUE(std::ranges::equal(model.bytes(), packed->model_bytes));
    }
  }
}

TEST(Esq, ModelsThatAreNotItsOwnAreRefused) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(60, 12, Metric::l2, 5);
  const auto trained = train(esq(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto packed = pack(esq(), **trained, (*trained)->options({.bytes = 100'000}).front().params, rows, pool);
  ASSERT_TRUE(packed) << text(packed.error());
  // From the end: 12 thresholds, one group's bits, groups, walk_codes, components.
  const std::size_t end = packed->model_bytes.size(), bits = end - 4 * 12 - 1;
  const auto refuse = [&](std::size_t at, std::uint8_t value) {
    std::vector<std::byte> bytes = packed->model_bytes;
    bytes[at] = static_cast<std::byte>(value);
    const auto model = esq().load(section(esq(), bytes, "model"), rows.schema, {});
    ASSERT_FALSE(model) << at << " = " << unsigned{value};
    EXPECT_EQ(model.error().code, ErrorCode::corrupt);
  };
  for (const unsigned wrong : {0u, 1u, 3u, 10u, 255u}) refuse(bits, static_cast<std::uint8_t>(wrong));
  refuse(bits - 2, 2);  // groups
  refuse(bits - 4, 0);  // walk_codes
  refuse(bits - 4, 4);
  refuse(bits - 8, 11);   // components
  refuse(end - 1, 0xbf);  // a threshold below zero
  refuse(end - 1, 0xff);
}

TEST(Esq, ExtremeRowsAndQueriesGiveNumbers) { expect_numbers_of_extremes(esq()); }

}  // namespace
}  // namespace attar::codec
