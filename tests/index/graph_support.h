// What the tests of graphs share: rows about some centres, graphs of them, and what walks over these find.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/random.h"
#include "data/source.h"
#include "index/graph/build.h"
#include "math/vector_ops.h"

namespace attar::index::graph {

inline constexpr std::uint32_t dims = 24;

// Rows about some centres, of different lengths.
inline std::vector<float> clustered(std::size_t rows, std::uint32_t width, std::uint64_t seed) {
  base::Random random(seed);
  const std::size_t clusters = 1 + rows / 50;
  std::vector<float> centres(clusters * width);
  for (float& value : centres) value = static_cast<float>(random.normal());
  std::vector<float> out(rows * width);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t cluster = random.below(clusters);
    const double length = 0.5 + random.uniform();
    for (std::size_t j = 0; j < width; ++j)
      out[i * width + j] = static_cast<float>(length * (double{centres[cluster * width + j]} + 0.6 * random.normal()));
  }
  return out;
}

inline Result<Adjacency> try_build(const std::vector<float>& rows, Metric metric, const BuildOptions& options,
                                   unsigned threads = 2, std::uint32_t width = dims) {
  base::ThreadPool pool(threads);
  base::SilentProgress silent;
  return build(*data::memory_source(rows, width, "rows"), metric, options, pool, silent);
}

inline Adjacency built(const std::vector<float>& rows, Metric metric, const BuildOptions& options = {},
                       unsigned threads = 2) {
  return try_build(rows, metric, options, threads).value();
}

inline std::size_t reached_from_entries(const Adjacency& graph) {
  std::vector<std::uint32_t> waiting = graph.entries;
  std::set<std::uint32_t> seen(waiting.begin(), waiting.end());
  while (!waiting.empty()) {
    const std::uint32_t row = waiting.back();
    waiting.pop_back();
    for (const std::uint32_t link : graph.of(row))
      if (seen.insert(link).second) waiting.push_back(link);
  }
  return seen.size();
}

inline void expect_sound(const Adjacency& graph, std::uint32_t rows, const BuildOptions& options) {
  ASSERT_EQ(graph.rows, rows);
  ASSERT_EQ(graph.degree, options.degree);
  ASSERT_EQ(graph.links.size(), std::size_t{rows} * options.degree);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const auto links = graph.of(row);
    std::set<std::uint32_t> distinct(links.begin(), links.end());
    EXPECT_EQ(distinct.size(), links.size()) << row;
    EXPECT_FALSE(distinct.contains(row)) << row;
    EXPECT_TRUE(distinct.empty() || *distinct.rbegin() < rows) << row;
  }
  ASSERT_FALSE(graph.entries.empty());
  EXPECT_LE(graph.entries.size(), options.entries);
  EXPECT_TRUE(std::ranges::is_sorted(graph.entries));
  EXPECT_EQ(std::ranges::adjacent_find(graph.entries), graph.entries.end());
  EXPECT_LT(graph.entries.back(), rows);
  EXPECT_EQ(reached_from_entries(graph), rows);
}

inline double score(Metric metric, std::span<const float> query, std::span<const float> row) {
  return metric == Metric::l2 ? -math::squared_distance(query, row) : math::dot(query, row);
}

// The best `k` rows that a best-first walk finds which keeps `width` of them.
inline std::vector<std::uint32_t> walked(const Adjacency& graph, const std::vector<float>& rows, Metric metric,
                                         std::span<const float> query, std::size_t width, std::size_t k) {
  struct Found {
    double score;
    std::uint32_t row;
    bool done;
  };
  std::vector<Found> found;
  std::set<std::uint32_t> seen;
  const auto take = [&](std::uint32_t row) {
    if (!seen.insert(row).second) return;
    const double own = score(metric, query, std::span(rows).subspan(std::size_t{row} * dims, dims));
    const auto place = std::ranges::find_if(found, [&](const Found& other) { return other.score < own; });
    found.insert(place, {.score = own, .row = row, .done = false});
    if (found.size() > width) found.pop_back();
  };
  for (const std::uint32_t entry : graph.entries) take(entry);
  for (auto next = found.begin(); next != found.end(); next = std::ranges::find(found, false, &Found::done)) {
    next->done = true;
    for (const std::uint32_t link : graph.of(next->row)) take(link);
  }
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < std::min(k, found.size()); ++i) out.push_back(found[i].row);
  return out;
}

inline std::vector<std::uint32_t> exact(const std::vector<float>& rows, Metric metric, std::span<const float> query,
                                        std::size_t k) {
  std::vector<std::pair<double, std::uint32_t>> all;
  for (std::uint32_t row = 0; row < rows.size() / dims; ++row)
    all.emplace_back(-score(metric, query, std::span(rows).subspan(std::size_t{row} * dims, dims)), row);
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(k));
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < k; ++i) out.push_back(all[i].second);
  return out;
}

inline double walk_recall(const Adjacency& graph, const std::vector<float>& rows, Metric metric) {
  constexpr std::size_t queries = 100, k = 10, width = 48;
  std::vector<float> asked = clustered(2 * queries, dims, 99);
  asked.resize(queries * dims);
  std::size_t hits = 0;
  for (std::size_t q = 0; q < queries; ++q) {
    const auto query = std::span<const float>(asked).subspan(q * dims, dims);
    const auto best = exact(rows, metric, query, k);
    for (const std::uint32_t row : walked(graph, rows, metric, query, width, k))
      hits += static_cast<std::size_t>(std::ranges::count(best, row));
  }
  return static_cast<double>(hits) / (queries * k);
}

}  // namespace attar::index::graph
