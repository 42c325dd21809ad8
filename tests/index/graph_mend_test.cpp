#include "index/graph/mend.h"

#include <fmt/format.h>

#include "index/graph_support.h"

namespace attar::index::graph {
namespace {

constexpr std::uint32_t gone = 0xffff'ffff;

using Words = std::vector<std::uint64_t>;

Words kept_where(std::uint32_t rows, const auto& keeps) {
  Words out((rows + 63) / 64);
  for (std::uint32_t row = 0; row < rows; ++row)
    if (keeps(row)) out[row / 64] |= std::uint64_t{1} << (row % 64);
  return out;
}

bool keeps(const Words& kept, std::uint32_t row) { return (kept[row / 64] >> (row % 64) & 1) != 0; }

std::vector<std::uint32_t> numbers_of(const Words& kept, std::uint32_t rows) {
  std::vector<std::uint32_t> out(rows, gone);
  std::uint32_t next = 0;
  for (std::uint32_t row = 0; row < rows; ++row)
    if (keeps(kept, row)) out[row] = next++;
  return out;
}

Mended mended(const Adjacency& graph, const Words& kept, Metric metric = Metric::cosine) {
  const auto bytes = encode_links(graph);
  const auto links = Links::open(format::SectionReader::trusted(bytes, "graph", 0, links_wire_version),
                                 {.rows = graph.rows, .dims = dims, .metric = metric});
  EXPECT_TRUE(links && links->check());
  base::SilentProgress silent;
  return mend(*links, kept, silent).value();
}

// Links to any rows: nothing of a built graph's order, and many rows that no walk comes to.
Adjacency random_graph(std::uint32_t rows, std::uint32_t degree, base::Random& random) {
  Adjacency out{.rows = rows, .degree = degree, .links = {}, .entries = {}, .squared_reach = 0};
  for (std::uint32_t row = 0; row < rows; ++row) {
    std::set<std::uint32_t> own;
    for (std::uint64_t i = random.below(degree + 1); i > 0; --i)
      own.insert(static_cast<std::uint32_t>(random.below(rows)));
    own.erase(row);
    out.links.insert(out.links.end(), own.begin(), own.end());
    out.links.insert(out.links.end(), degree - own.size(), row);
  }
  std::set<std::uint32_t> entries;
  for (int i = 0; i < 4; ++i) entries.insert(static_cast<std::uint32_t>(random.below(rows)));
  out.entries.assign(entries.begin(), entries.end());
  return out;
}

TEST(GraphMend, WithAllRowsAGraphIsWhatItWas) {
  const Adjacency graph = built(clustered(700, dims, 4), Metric::cosine, {.degree = 12});
  const Mended all = mended(graph, kept_where(700, [](std::uint32_t) { return true; }));
  EXPECT_EQ(all.graph.links, graph.links);
  EXPECT_EQ(all.graph.entries, graph.entries);
  EXPECT_EQ(all.relinked, 0u);
}

TEST(GraphMend, AnyGraphWithAnyRowsIsSoundAndReached) {
  base::Random random(11);
  for (int round = 0; round < 300; ++round) {
    const auto rows = static_cast<std::uint32_t>(1 + random.below(200)),
               degree = static_cast<std::uint32_t>(1 + random.below(9));
    SCOPED_TRACE(fmt::format("round {}: {} rows, degree {}", round, rows, degree));
    const Adjacency graph = random_graph(rows, degree, random);
    const double share = random.uniform();
    const auto last = static_cast<std::uint32_t>(random.below(rows));
    const Words kept = kept_where(rows, [&](std::uint32_t row) { return row == last || random.uniform() < share; });
    const auto numbers = numbers_of(kept, rows);
    const auto left = static_cast<std::uint32_t>(rows - std::ranges::count(numbers, gone));
    expect_sound(mended(graph, kept).graph, left, {.degree = degree, .entries = 4});
  }
}

TEST(GraphMend, LinksBetweenRowsThatStayAreKeptAndOthersLeadOn) {
  constexpr std::uint32_t rows = 2'000;
  const Adjacency graph = built(clustered(rows, dims, 5), Metric::cosine, {.degree = 16});
  const Words kept = kept_where(rows, [](std::uint32_t row) { return row % 7 != 3; });
  const auto numbers = numbers_of(kept, rows);
  const Mended after = mended(graph, kept);
  std::uint32_t relinked = 0, replaced = 0;
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (!keeps(kept, row)) continue;
    const auto own = after.graph.of(numbers[row]);
    const std::set<std::uint32_t> found(own.begin(), own.end());
    bool lost = false;
    std::set<std::uint32_t> expected, heirs;
    for (const std::uint32_t link : graph.of(row)) {
      if (keeps(kept, link)) expected.insert(numbers[link]);
      lost = lost || !keeps(kept, link);
      if (keeps(kept, link)) continue;
      for (const std::uint32_t next : graph.of(link))
        if (keeps(kept, next)) heirs.insert(numbers[next]);
    }
    relinked += lost ? 1 : 0;
    for (const std::uint32_t link : expected) EXPECT_TRUE(found.contains(link)) << row;
    for (const std::uint32_t link : found) {
      if (expected.contains(link)) continue;
      // A row that no walk came to may have taken the place.
      replaced += heirs.contains(link) ? 1 : 0;
    }
  }
  EXPECT_EQ(after.relinked, relinked);
  EXPECT_GT(replaced, relinked);
}

TEST(GraphMend, WalksFindAlmostWhatTheyFindInAGraphThatIsBuiltAnew) {
  constexpr std::uint32_t rows = 5'000;
  const std::vector<float> base = clustered(rows, dims, 3);
  const BuildOptions options{.degree = 16, .entries = 16, .leaves = {.leaf_rows = 300}};
  const Adjacency graph = built(base, Metric::l2, options);
  const Words kept = kept_where(rows, [](std::uint32_t row) { return row % 8 != 5; });
  std::vector<float> left;
  for (std::uint32_t row = 0; row < rows; ++row)
    if (keeps(kept, row)) left.insert(left.end(), base.begin() + row * dims, base.begin() + (row + 1) * dims);
  const double anew = walk_recall(built(left, Metric::l2, options), left, Metric::l2);
  EXPECT_GE(walk_recall(mended(graph, kept, Metric::l2).graph, left, Metric::l2), anew - 0.02);
}

TEST(GraphMend, RowsBehindAWholeRegionThatIsGoneAreReached) {
  // A path: each row leads to the next alone, and the rows in the middle go.
  constexpr std::uint32_t rows = 1'000;
  Adjacency path{.rows = rows, .degree = 1, .links = {}, .entries = {0}, .squared_reach = 0};
  for (std::uint32_t row = 0; row < rows; ++row) path.links.push_back(std::min(row + 1, rows - 1));
  for (const std::uint32_t middle : {1u, 20u, 900u}) {
    const Words kept = kept_where(rows, [&](std::uint32_t row) { return row < 50 || row >= 50 + middle; });
    const Adjacency after = mended(path, kept).graph;
    EXPECT_EQ(reached_from_entries(after), after.rows) << middle;
  }
}

TEST(GraphMend, WithoutRowsThereIsNoGraph) {
  const Adjacency graph = built(clustered(10, dims, 4), Metric::cosine, {.degree = 4});
  const auto bytes = encode_links(graph);
  const auto links = Links::open(format::SectionReader::trusted(bytes, "graph", 0, links_wire_version),
                                 {.rows = 10, .dims = dims, .metric = Metric::cosine});
  base::SilentProgress silent;
  const auto none = mend(*links, Words(1), silent);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace attar::index::graph
