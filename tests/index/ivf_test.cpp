#include "index/ivf.h"
#include "index/list_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "math/kmeans.h"
#include "math/nearest.h"
#include "math/vector_ops.h"
#include "vector/tcq_samples.h"

namespace attar::index {
namespace {

using codec::Hit;
using vector::tcq::Coded;
using vector::tcq::Kind;

constexpr std::uint32_t dims = 64;
constexpr std::uint64_t rows = 5'003;
constexpr std::uint32_t list_count = 37;
constexpr std::size_t many = 1'101;  // queries: more than a batch holds

// Rows in lists, and the codes of what the centroids leave.
struct Listed {
  std::vector<float> base;
  std::vector<std::byte> bytes;
  std::optional<Lists> lists;
  Coded coded;

  explicit Listed(Metric metric) : base(vector::tcq::make_rows(Kind::clustered, rows, dims, metric, 5)) {
    base::ThreadPool pool(2);
    Centroids centroids = Centroids::rounded(math::kmeans(base, dims, {.clusters = list_count, .seed = 2}, pool));
    const math::Matrix<float> exact = centroids.decoded();
    std::vector<std::uint32_t> nearest(rows), order(rows), ends(list_count);
    math::nearest_centroids(base, exact, nearest, pool);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return nearest[a] < nearest[b]; });
    std::vector<double> energy(list_count);
    for (const std::uint32_t list : nearest) ++ends[list];
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
    for (std::size_t row = 0; row < rows; ++row)
      energy[nearest[row]] +=
          math::squared_distance(std::span(base).subspan(row * dims, dims), {exact.row(nearest[row]), dims});
    for (std::uint32_t list = 0; list < list_count; ++list) {
      const std::uint32_t own = ends[list] - (list == 0 ? 0 : ends[list - 1]);
      if (own != 0) centroids.spreads[list] = static_cast<float>(std::sqrt(energy[list] / own));
    }
    bytes = encode_lists(centroids, ends, order);
    lists.emplace(Lists::open(format::SectionReader::trusted(bytes, "lists", 0, lists_wire_version),
                              {.rows = rows, .dims = dims, .metric = metric})
                      .value());
    std::vector<float> left, norms;
    for (const std::uint32_t row : order) {
      const auto x = std::span(base).subspan(std::size_t{row} * dims, dims);
      norms.push_back(static_cast<float>(math::squared_norm(x)));
      for (std::size_t i = 0; i < dims; ++i) left.push_back(x[i] - exact(nearest[row], i));
    }
    code(left, norms, residual_metric(metric), pool);
  }

  void code(const std::vector<float>& left, const std::vector<float>& norms, Metric metric, base::ThreadPool& pool) {
    const codec::Schema schema{.rows = rows, .dims = dims, .metric = metric};
    const auto trained = vector::tcq::train(schema, left, pool);
    const vector::tcq::Settings settings{.row_bytes = 24, .matrix_bits = 8, .trellis = true, .scale_bytes = 1};
    coded.schema = schema;
    coded.model = trained->build(settings.to_params()).value();
    base::MemorySink sink;
    auto encoder = vector::tcq_codec().encoder(coded.model, schema, sink, pool).value();
    const std::span<const float> known = metric == Metric::l2 ? std::span(norms) : std::span<const float>();
    for (std::uint64_t first = 0; first < rows; first += 700) {
      const std::uint64_t count = std::min<std::uint64_t>(700, rows - first);
      EXPECT_TRUE(encoder->append({.values = std::span(left).subspan(first * dims, count * dims),
                                   .dims = dims,
                                   .first_row = first,
                                   .norms = known.empty() ? known : known.subspan(first, count)}));
    }
    EXPECT_TRUE(encoder->finish());
    coded.codes = std::move(sink).release();
    coded.view = vector::tcq_codec().open(vector::tcq::section(coded.codes), coded.model, schema, OpenLimits{}).value();
  }

  // Rows as the file tells them, in the order of the base.
  [[nodiscard]] std::vector<float> decoded() const {
    std::vector<float> at_positions(rows * dims), out(rows * dims), centroid(dims);
    EXPECT_TRUE(coded.view->decode({0, rows}, at_positions));
    for (std::uint32_t position = 0; position < rows; ++position) {
      lists->centroids().decode(lists->list_of(position), centroid);
      const std::size_t row = lists->row(position).value();
      for (std::size_t i = 0; i < dims; ++i)
        out[row * dims + i] = centroid[i] + at_positions[std::size_t{position} * dims + i];
    }
    return out;
  }
};

class Ivf : public testing::TestWithParam<Metric> {
 protected:
  const Listed base_{GetParam()};
  const std::vector<float> queries_ = vector::tcq::make_rows(Kind::clustered, many, dims, GetParam(), 6);

  HitLists search(const SearchOptions& options, std::size_t count = many, unsigned threads = 1,
                  SearchTimes* times = nullptr) const {
    base::ThreadPool pool(threads);
    return ivf_search(*base_.coded.view, *base_.lists, GetParam(), std::span(queries_).first(count * dims), options,
                      pool, times)
        .value();
  }
  [[nodiscard]] std::uint32_t parts() const {
    return static_cast<std::uint32_t>(base_.coded.view->scorable()->part_costs().size());
  }
};

TEST_P(Ivf, ScoresAreThoseOfTheDecodedRows) {
  const std::vector<float> decoded = base_.decoded();
  const auto found = search({.k = 10}, 20);
  for (std::size_t q = 0; q < found.size(); ++q) {
    const auto query = std::span(queries_).subspan(q * dims, dims);
    const double size = std::sqrt(math::squared_norm(query));
    ASSERT_EQ(found[q].size(), 10u);
    for (const Hit& hit : found[q]) {
      const auto row = std::span(base_.base).subspan(std::size_t{hit.row} * dims, dims);
      const double product = math::dot(query, std::span(decoded).subspan(std::size_t{hit.row} * dims, dims));
      const double expected = GetParam() == Metric::l2 ? 2 * product - math::squared_norm(row) : product;
      ASSERT_NEAR(static_cast<double>(hit.score), expected, 0.02 * size * std::sqrt(math::squared_norm(row)) + 1e-4);
    }
  }
}

TEST_P(Ivf, BatchesThreadsAndLooksDoNotChangeAnswers) {
  const SearchOptions options{.k = 10, .look = {.probe = 3'000'000}};
  const auto whole = search(options);
  EXPECT_EQ(search(options, many, 3), whole);
  for (const std::size_t count : {1u, 7u, 60u, 400u}) {  // in two passes over the lists, and in one
    const auto some = search(options, count);
    for (std::size_t q = 0; q < some.size(); ++q) EXPECT_EQ(some[q], whole[q]) << q << " of " << count;
  }
  // A shortlist that nothing drops out of: the very same hits.
  ASSERT_GT(parts(), 1u);
  EXPECT_EQ(search({.k = 10, .look = {.head = 1, .shortlist = 4 * rows, .probe = 3'000'000}}), whole);
}

TEST_P(Ivf, FewerListsAreReadAndNearlyAllIsFound) {
  SearchTimes all, some;
  const auto whole = search({.k = 10}, many, 1, &all),
             fewer = search({.k = 10, .look = {.probe = 300'000}}, many, 1, &some);
  EXPECT_EQ(all.share, 1);
  EXPECT_LT(some.share, 0.7);
  std::size_t kept = 0;
  for (std::size_t q = 0; q < whole.size(); ++q)
    for (const Hit& hit : fewer[q]) kept += std::count(whole[q].begin(), whole[q].end(), hit) == 1 ? 1u : 0u;
  EXPECT_GT(kept, whole.size() * 10 * 97 / 100);
}

// Rows of some residues: bits of a filter.
std::vector<std::uint64_t> every(std::uint32_t step) {
  std::vector<std::uint64_t> out((rows + 63) / 64);
  for (std::uint32_t row = 3; row < rows; row += step) out[row / 64] |= std::uint64_t{1} << (row % 64);
  return out;
}

TEST_P(Ivf, AFilterAnswersAsLeavingRowsOutAfterwards) {
  const auto whole = search({.k = static_cast<std::uint32_t>(rows)}, 9);
  for (const std::uint32_t step : {1u, 2u, 5u, 9u, 40u, 700u})
    for (const std::uint32_t head : {0u, 1u}) {
      const auto allowed = every(step);
      const auto found = search({.k = 10, .look = {.head = head, .shortlist = 4 * rows}, .allowed = allowed}, 9);
      for (std::size_t q = 0; q < found.size(); ++q) {
        std::vector<Hit> expected;
        for (const Hit& hit : whole[q])
          if ((allowed[hit.row / 64] >> (hit.row % 64) & 1) != 0 && expected.size() < 10) expected.push_back(hit);
        ASSERT_EQ(found[q], expected) << step << " " << head;
      }
    }
}

TEST_P(Ivf, AFilterSpreadsTheProbesAndItsSharesAreOfAllowedRows) {
  const auto allowed = every(6);  // more rows than are looked at all in any case
  SearchTimes times;
  const auto whole = search({.k = 10, .allowed = allowed}, many),
             fewer = search({.k = 10, .look = {.probe = 300'000}, .allowed = allowed}, many, 1, &times);
  EXPECT_LT(times.share, 0.9);
  std::size_t kept = 0;
  for (std::size_t q = 0; q < whole.size(); ++q)
    for (const Hit& hit : fewer[q]) kept += std::count(whole[q].begin(), whole[q].end(), hit) == 1 ? 1u : 0u;
  EXPECT_GT(kept, whole.size() * 10 * 97 / 100);
  const auto filter = ListFilter::make(*base_.lists, allowed);
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->allowed(), 834u);
  EXPECT_EQ(search({.k = 10, .look = {.probe = 300'000}, .filter = &*filter}, many), fewer);
}

TEST_P(Ivf, AWindowLeavesOutOnlyWhatCannotReachTheBest) {
  const index::Look all{.head = 1, .shortlist = 400};
  const auto whole = search({.k = 10, .look = all}, many);
  Look wide = all, narrow = all, closed = all;
  wide.window = 2000;  // twice what the other parts can add: a row below cannot pass the k-th best
  narrow.window = 400;
  closed.window = 1;
  EXPECT_EQ(search({.k = 10, .look = wide}, many), whole);
  std::size_t kept = 0;
  const auto fewer = search({.k = 10, .look = narrow}, many);
  for (std::size_t q = 0; q < whole.size(); ++q)
    for (const Hit& hit : fewer[q]) kept += std::count(whole[q].begin(), whole[q].end(), hit) == 1 ? 1u : 0u;
  EXPECT_GT(kept, whole.size() * 10 * 97 / 100);
  EXPECT_NE(search({.k = 10, .look = closed}, many), whole);
  for (const auto& hits : search({.k = 10, .look = closed}, many)) EXPECT_EQ(hits.size(), 10u);
}

TEST_P(Ivf, ThereAreKRowsWheneverKExist) {
  // Two rows of three lists, and few rows all in all.
  std::vector<std::uint64_t> allowed((rows + 63) / 64);
  std::set<std::uint32_t> set;
  for (std::uint32_t row = 17; row < rows; row += 331) {
    allowed[row / 64] |= std::uint64_t{1} << (row % 64);
    set.insert(row);
  }
  const std::uint32_t one_list = 1'000'000'000;  // the best list alone, if any
  for (const std::uint32_t k : {3u, 15u, 16u, 40u})
    for (const std::uint32_t head : {0u, 1u}) {
      const auto found =
          search({.k = k, .look = {.head = head, .shortlist = 64, .probe = one_list}, .allowed = allowed}, 9);
      for (const auto& hits : found) {
        ASSERT_EQ(hits.size(), std::min<std::size_t>(k, set.size()));
        std::set<std::uint32_t> own;
        for (const Hit& hit : hits) {
          EXPECT_TRUE(set.contains(hit.row));
          own.insert(hit.row);
        }
        EXPECT_EQ(own.size(), hits.size());
      }
    }
}

TEST_P(Ivf, ARowToLeaveOutIsLeftOut) {
  const auto whole = search({.k = 6}, 5);
  std::vector<std::uint32_t> skip;
  for (const auto& hits : whole) skip.push_back(hits[1].row);
  const auto found = search({.k = 5, .skip = skip}, 5);
  for (std::size_t q = 0; q < found.size(); ++q) {
    auto expected = whole[q];
    expected.erase(expected.begin() + 1);
    EXPECT_EQ(found[q], expected);
  }
}

TEST_P(Ivf, AZeroQueryIsAnswered) {
  base::ThreadPool pool(1);
  const std::vector<float> zero(dims);
  for (const std::uint32_t probe : {0u, 1'000'000u, 900'000'000u}) {
    const auto found =
        ivf_search(*base_.coded.view, *base_.lists, GetParam(), zero, {.k = 4, .look = {.probe = probe}}, pool);
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)[0].size(), 4u);
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, Ivf, testing::Values(Metric::cosine, Metric::inner_product, Metric::l2),
                         [](const auto& metric) { return std::string(metric_name(metric.param)); });

}  // namespace
}  // namespace attar::index
