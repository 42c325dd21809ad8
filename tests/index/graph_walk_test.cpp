#include "index/graph/walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "index/graph/beam.h"
#include "math/vector_ops.h"

namespace attar::index::graph {
namespace {

using codec::Hit;

constexpr std::uint32_t dims = 12, first_dims = 8, degree = 16;
constexpr std::uint32_t rows = 5'003;

// Rows as they are; the first part of a score leaves the last components out.
class PlainView final : public codec::View, public codec::Scorable {
 public:
  explicit PlainView(std::vector<float> values) : values_(std::move(values)) {}

  [[nodiscard]] std::uint64_t size() const noexcept override { return values_.size() / dims; }
  [[nodiscard]] Status verify(codec::Range) const override { return {}; }
  [[nodiscard]] Status decode(codec::Range, std::span<float>) const override { return {}; }
  [[nodiscard]] const codec::Scorable* scorable() const noexcept override { return this; }
  [[nodiscard]] std::vector<double> part_costs() const override { return {0.5, 0.5}; }
  [[nodiscard]] bool walks() const override { return true; }
  [[nodiscard]] Result<std::unique_ptr<codec::Scorer>> prepare(codec::QueryBatch queries) const override;

  [[nodiscard]] float inner(std::span<const float> query, std::uint32_t row, std::size_t count) const {
    float out = 0;
    for (std::size_t i = 0; i < count; ++i) out += query[i] * values_[row * dims + i];
    return out;
  }

 private:
  std::vector<float> values_;
};

class PlainScorer final : public codec::Scorer {
 public:
  PlainScorer(const PlainView& view, codec::QueryBatch queries)
      : view_(view), values_(queries.values.begin(), queries.values.end()) {}

  void scan(codec::Range, const codec::Scan&, std::span<codec::TopK>) const noexcept override {}
  void score(std::span<const std::uint32_t>, std::span<float>) const noexcept override {}
  void score_first(std::size_t query, std::span<const std::uint32_t> some,
                   std::span<float> out) const noexcept override {
    for (std::size_t i = 0; i < some.size(); ++i) out[i] = view_.inner(own(query), some[i], first_dims);
  }
  void finish_rows(std::size_t query, std::span<codec::Partial> some) const noexcept override {
    for (codec::Partial& row : some) row.score = view_.inner(own(query), row.row, dims);
  }

 private:
  [[nodiscard]] std::span<const float> own(std::size_t query) const {
    return std::span(values_).subspan(query * dims, dims);
  }
  const PlainView& view_;
  std::vector<float> values_;
};

Result<std::unique_ptr<codec::Scorer>> PlainView::prepare(codec::QueryBatch queries) const {
  return std::make_unique<PlainScorer>(*this, queries);
}

std::vector<float> unit_rows(std::uint32_t count, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(std::size_t{count} * dims);
  for (std::uint32_t row = 0; row < count; ++row) {
    const auto own = std::span(out).subspan(std::size_t{row} * dims, dims);
    for (std::size_t i = 0; i < dims; ++i) own[i] = static_cast<float>(random.normal() / static_cast<double>(1 + i));
    const auto norm = static_cast<float>(std::sqrt(math::squared_norm(own)));
    for (float& value : own) value /= norm;
  }
  return out;
}

// Half of the links go to the nearest rows, half anywhere: slow to make, quick to write down.
Adjacency graph_of(const std::vector<float>& values, std::uint32_t count) {
  base::Random random(9);
  Adjacency out;
  out.rows = count;
  out.degree = degree;
  std::vector<Hit> near(count);
  for (std::uint32_t row = 0; row < count; ++row) {
    const auto own = std::span(values).subspan(std::size_t{row} * dims, dims);
    for (std::uint32_t other = 0; other < count; ++other) {
      float score = 0;
      for (std::size_t i = 0; i < dims; ++i) score += own[i] * values[std::size_t{other} * dims + i];
      near[other] = {other == row ? -2.0f : score, other};
    }
    std::partial_sort(near.begin(), near.begin() + degree / 2, near.end(),
                      [](const Hit& a, const Hit& b) { return a.before(b); });
    for (std::uint32_t i = 0; i < degree / 2; ++i) out.links.push_back(near[i].row);
    for (std::uint32_t i = degree / 2; i < degree; ++i)
      out.links.push_back((row + 1 + static_cast<std::uint32_t>(random.below(count - 1))) % count);
  }
  for (std::uint32_t row = 0; row < count; row += 500) out.entries.push_back(row);
  return out;
}

class GraphWalk : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    values_ = new std::vector<float>(unit_rows(rows, 1));
    view_ = new PlainView(*values_);
    bytes_ = new std::vector<std::byte>(encode_links(graph_of(*values_, rows)));
  }
  static void TearDownTestSuite() {
    delete bytes_;
    delete view_;
    delete values_;
  }

  static Links links() {
    const codec::Schema schema{.rows = rows, .dims = dims, .metric = Metric::cosine};
    auto out = Links::open(format::SectionReader::trusted(*bytes_, "graph", 0, links_wire_version), schema);
    EXPECT_TRUE(out && out->check());
    return *std::move(out);
  }

  static HitLists search(const SearchOptions& options, unsigned threads = 1, SearchTimes* times = nullptr) {
    base::ThreadPool pool(threads);
    return graph_search(*view_, links(), queries_, dims, options, pool, times).value();
  }

  // All rows that may be returned, by their whole scores.
  static HitLists truth(std::uint32_t k, std::span<const std::uint64_t> allowed = {}) {
    HitLists out;
    for (std::size_t q = 0; q < queries_.size() / dims; ++q) {
      codec::TopK top(k);
      for (std::uint32_t row = 0; row < rows; ++row)
        if (allowed.empty() || (allowed[row / 64] >> (row % 64) & 1) != 0)
          top.push(view_->inner(std::span(queries_).subspan(q * dims, dims), row, dims), row);
      out.push_back(top.sorted());
    }
    return out;
  }

  static double recall(const HitLists& found, const HitLists& expected) {
    std::size_t hits = 0, all = 0;
    for (std::size_t q = 0; q < found.size(); ++q) {
      all += expected[q].size();
      for (const Hit& hit : expected[q])
        hits += static_cast<std::size_t>(std::ranges::count(found[q], hit.row, &Hit::row));
    }
    return static_cast<double>(hits) / static_cast<double>(all);
  }

  static std::vector<std::uint64_t> every(std::uint32_t step) {
    std::vector<std::uint64_t> out((rows + 63) / 64);
    for (std::uint32_t row = 0; row < rows; row += step) out[row / 64] |= std::uint64_t{1} << (row % 64);
    return out;
  }

  static inline const std::vector<float>* values_ = nullptr;
  static inline const PlainView* view_ = nullptr;
  static inline const std::vector<std::byte>* bytes_ = nullptr;
  static inline const std::vector<float> queries_ = unit_rows(37, 2);
};

TEST_F(GraphWalk, FindsWhatAScanFindsWithLessWork) {
  SearchTimes times;
  const auto found = search({.k = 10, .look = {.beam = 100}}, 1, &times);
  EXPECT_GT(recall(found, truth(10)), 0.97);
  EXPECT_LT(times.share, 0.6);
  EXPECT_GT(times.steps, 90);
  SearchTimes narrow;
  const auto less = search({.k = 10, .look = {.beam = 20}}, 1, &narrow);
  EXPECT_LT(narrow.share, 0.7 * times.share);
  EXPECT_LE(recall(less, truth(10)), recall(found, truth(10)));
}

TEST_F(GraphWalk, AStretchEndsItWhereNothingNearIsLeft) {
  SearchTimes whole, most, some, least;
  const auto all = search({.k = 10, .look = {.beam = 100}}, 1, &whole);
  // Farther than any two rows are apart: the same walk.
  EXPECT_EQ(search({.k = 10, .look = {.beam = 100, .stretch = 1'000'000}}, 1, &most), all);
  EXPECT_EQ(most.steps, whole.steps);
  const auto far = search({.k = 10, .look = {.beam = 100, .stretch = 2'000}}, 1, &some);
  const auto near = search({.k = 10, .look = {.beam = 100, .stretch = 50}}, 1, &least);
  EXPECT_LT(some.steps, 0.95 * whole.steps);
  EXPECT_LT(least.steps, 0.7 * some.steps);
  EXPECT_GT(recall(far, truth(10)), 0.9);
  EXPECT_GT(recall(near, truth(10)), 0.6);
  EXPECT_LE(recall(near, truth(10)), recall(far, truth(10)));
  // With a filter distances are those of rows that pass.
  const auto allowed = every(2);
  const auto passing = search({.k = 10, .look = {.beam = 60, .stretch = 4'000}, .allowed = allowed});
  EXPECT_GT(recall(passing, truth(10, allowed)), 0.95);
}

TEST_F(GraphWalk, HitsAreScoredWholeAndBestFirst) {
  const auto found = search({.k = 7, .look = {.beam = 50}});
  for (std::size_t q = 0; q < found.size(); ++q) {
    ASSERT_EQ(found[q].size(), 7u);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(found[q][i].score, view_->inner(std::span(queries_).subspan(q * dims, dims), found[q][i].row, dims));
      if (i > 0) {
        EXPECT_TRUE(found[q][i - 1].before(found[q][i]));
      }
    }
  }
}

TEST_F(GraphWalk, IsTheSameAtAnyNumberOfThreads) {
  const auto one = search({.k = 10, .look = {.beam = 40}}, 1);
  EXPECT_EQ(search({.k = 10, .look = {.beam = 40}}, 2), one);
  EXPECT_EQ(search({.k = 10, .look = {.beam = 40}}, 5), one);
}

TEST_F(GraphWalk, AFilterIsKeptWhateverItPasses) {
  for (const std::uint32_t step : {2u, 5u, 10u, 100u, 2'000u}) {
    const auto allowed = every(step);
    const auto expected = truth(10, allowed);
    const auto found = search({.k = 10, .look = {.beam = 60}, .allowed = allowed});
    for (std::size_t q = 0; q < found.size(); ++q) {
      EXPECT_EQ(found[q].size(), expected[q].size()) << "every " << step;
      for (const Hit& hit : found[q]) EXPECT_EQ(hit.row % step, 0u);
    }
    EXPECT_GT(recall(found, expected), 0.95) << "every " << step;
  }
  const std::vector<std::uint64_t> none((rows + 63) / 64);
  for (const auto& hits : search({.k = 10, .look = {.beam = 60}, .allowed = none})) EXPECT_TRUE(hits.empty());
}

TEST_F(GraphWalk, RowsThatPassInOnePlaceAloneAreFoundFromElsewhere) {
  // The half that is farther from the first query: of what lies near it nothing passes.
  std::vector<Hit> order;
  for (std::uint32_t row = 0; row < rows; ++row)
    order.push_back({view_->inner(std::span(queries_).first(dims), row, dims), row});
  std::ranges::nth_element(order, order.begin() + rows / 2, {}, &Hit::score);
  std::vector<std::uint64_t> far((rows + 63) / 64);
  for (std::uint32_t i = 0; i < rows / 2; ++i) far[order[i].row / 64] |= std::uint64_t{1} << (order[i].row % 64);
  const Look look{.beam = 12, .stretch = 300};
  const auto found = search({.k = 10, .look = look, .allowed = far});
  const auto by_chance = every(2);
  const double usual = recall(search({.k = 10, .look = look, .allowed = by_chance}), truth(10, by_chance));
  EXPECT_GE(recall(found, truth(10, far)), usual - 0.02);
  EXPECT_GE(recall({found[0]}, {truth(10, far)[0]}), 0.9);
}

TEST_F(GraphWalk, ARowIsLeftOutAndAnotherComesInItsPlace) {
  const auto all = search({.k = 11, .look = {.beam = 60}});
  std::vector<std::uint32_t> skip;
  for (const auto& hits : all) skip.push_back(hits[3].row);
  const auto found = search({.k = 10, .look = {.beam = 60}, .skip = skip});
  for (std::size_t q = 0; q < found.size(); ++q) {
    auto expected = all[q];
    expected.erase(expected.begin() + 3);
    EXPECT_EQ(found[q], expected);
  }
}

TEST_F(GraphWalk, MoreRowsThanAWalkKeepsAreScanned) {
  SearchTimes times;
  const auto found = search({.k = 600, .look = {.beam = 1'500}}, 1, &times);
  EXPECT_GT(recall(found, truth(600)), 0.97);
  EXPECT_EQ(times.steps, 0);
  EXPECT_EQ(times.share, 1);
}

// A plan from outside may ask for any beam; what is set aside for it does not grow with the number.
TEST_F(GraphWalk, NoBeamIsTooWide) {
  EXPECT_EQ(search({.k = 10, .look = {.beam = 0xffff'ffff}}), search({.k = 10, .look = {.beam = rows}}));
}

// Links from outside that lead nowhere.
TEST_F(GraphWalk, KRowsComeFromLinksThatLeadNowhere) {
  Adjacency graph;
  graph.rows = rows;
  graph.degree = 1;
  graph.links.resize(rows);
  std::iota(graph.links.begin(), graph.links.end(), 0u);
  graph.entries = {17};
  const auto bytes = encode_links(graph);
  const codec::Schema schema{.rows = rows, .dims = dims, .metric = Metric::cosine};
  const auto alone = Links::open(format::SectionReader::trusted(bytes, "graph", 0, links_wire_version), schema);
  ASSERT_TRUE(alone && alone->check());
  base::ThreadPool pool(1);
  const auto found = graph_search(*view_, *alone, queries_, dims, {.k = 10, .look = {.beam = 50}}, pool);
  ASSERT_TRUE(found);
  for (const auto& hits : *found) EXPECT_EQ(hits.size(), 10u);
}

TEST(GraphBeam, KeepsTheBestInOrderAndKnowsWhichItLeft) {
  base::Random random(5);
  for (const std::size_t size : {1, 2, 7, 64}) {
    Beam beam(size);
    for (int round = 0; round < 3; ++round) {
      beam.clear();
      std::vector<Hit> all;
      std::vector<std::uint32_t> left;
      for (std::uint32_t row = 0; row < 200; ++row) {
        // Equal scores, negative ones and zeros of both signs among them.
        const float score = static_cast<float>(random.below(21)) - 10;
        all.push_back({score == 0 && row % 2 == 0 ? -0.0f : score, row * 7'919 % 100'003});
        std::vector<Hit> best = all;
        std::ranges::sort(best, [](const Hit& a, const Hit& b) { return a.before(b); });
        best.resize(std::min(best.size(), size));
        const bool kept = std::ranges::count(best, all.back().row, &Hit::row) != 0;
        EXPECT_EQ(beam.offer(all.back().score, all.back().row), kept);
        ASSERT_EQ(beam.size(), best.size());
        for (std::size_t i = 0; i < best.size(); ++i) {
          EXPECT_EQ(beam.row(i), best[i].row);
          EXPECT_EQ(beam.score(i), best[i].score);
        }
        if (row % 3 != 0) continue;
        const auto next =
            std::ranges::find_if(best, [&](const Hit& hit) { return std::ranges::count(left, hit.row) == 0; });
        ASSERT_EQ(beam.pending(), next != best.end());
        if (next == best.end()) continue;
        EXPECT_EQ(beam.leave(), next->row);
        left.push_back(next->row);
      }
    }
  }
}

}  // namespace
}  // namespace attar::index::graph
