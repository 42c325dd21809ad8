#include "certify/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/random.h"
#include "math/vector_ops.h"
#include "simd/inner_products.h"

namespace attar::certify {
namespace {

constexpr std::uint32_t tile_rows = 512;

/// Sets of numbers that merge; the representative of a set is its least member, whatever the order of merging.
class UnionFind {
 public:
  explicit UnionFind(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0u); }

  std::uint32_t find(std::uint32_t member) noexcept {
    while (parent_[member] != member) member = parent_[member] = parent_[parent_[member]];
    return member;
  }
  /// False when both were in one set already.
  bool merge(std::uint32_t a, std::uint32_t b) noexcept {
    a = find(a);
    b = find(b);
    if (a == b) return false;
    parent_[std::max(a, b)] = std::min(a, b);
    return true;
  }

 private:
  std::vector<std::uint32_t> parent_;
};

using Edge = std::pair<std::uint32_t, std::uint32_t>;

/// The near-duplicate pairs between two blocks of rows, cut down to a spanning forest of the two blocks: at most
/// 2 · tile_rows − 1 edges however many pairs there are.
class TileScan {
 public:
  TileScan(std::span<const float> rows, std::uint32_t dims)
      : rows_(rows), dims_(dims), gram_(std::size_t{tile_rows} * tile_rows) {}

  void run(std::uint32_t first_a, std::uint32_t first_b, std::vector<Edge>& edges) {
    const auto total = static_cast<std::uint32_t>(rows_.size() / dims_);
    const std::uint32_t count_a = std::min(tile_rows, total - first_a);
    const std::uint32_t count_b = std::min(tile_rows, total - first_b);
    simd::inner_products({.a = row(first_a).data(),
                          .n = count_a,
                          .b = row(first_b).data(),
                          .m = count_b,
                          .dims = dims_,
                          .out = gram_.data(),
                          .stride = tile_rows,
                          .add = false});
    // Local numbers: 0 … tile_rows − 1 for block a, the next ones for block b; the same ones when it is one block.
    UnionFind sets(2 * tile_rows);
    const std::uint32_t offset_b = first_a == first_b ? 0 : tile_rows;
    for (std::uint32_t a = 0; a < count_a; ++a)
      for (std::uint32_t b = first_a == first_b ? a + 1 : 0; b < count_b; ++b)
        if (gram_[std::size_t{a} * tile_rows + b] >= surely_below_ && sets.find(a) != sets.find(offset_b + b) &&
            math::dot(row(first_a + a), row(first_b + b)) >= near_duplicate_cosine) {
          sets.merge(a, offset_b + b);
          edges.emplace_back(first_a + a, first_b + b);
        }
  }

 private:
  [[nodiscard]] std::span<const float> row(std::uint32_t i) const noexcept {
    return rows_.subspan(std::size_t{i} * dims_, dims_);
  }

  std::span<const float> rows_;
  std::uint32_t dims_;
  std::vector<float> gram_;
  // The product in float only sieves; what passes is decided in double, so that the units are the same on every
  // machine.
  float surely_below_ = static_cast<float>(near_duplicate_cosine - 1e-6 - static_cast<double>(dims_ + 4) * 0x1.0p-24);
};

struct Directions {
  std::vector<float> rows;             // normalised
  std::vector<std::uint32_t> numbers;  // of each row among the queries
  std::vector<std::uint32_t> zero;     // queries without a direction
};

Result<Directions> directions(std::span<const float> queries, std::uint32_t dims) {
  Directions out;
  out.rows.reserve(queries.size());
  for (std::size_t i = 0; i < queries.size() / dims; ++i) {
    const auto query = queries.subspan(i * dims, dims);
    const double norm = math::squared_norm(query);
    if (!std::isfinite(norm))
      return fail(ErrorCode::invalid_data, fmt::format("query {} holds NaN or infinity; remove it and run again", i));
    if (norm == 0) {
      out.zero.push_back(static_cast<std::uint32_t>(i));
      continue;
    }
    out.rows.insert(out.rows.end(), query.begin(), query.end());
    out.numbers.push_back(static_cast<std::uint32_t>(i));
  }
  // Every row left has a norm, so none is refused.
  static_cast<void>(math::normalise_rows(out.rows, dims));
  return out;
}

Status check_shape(std::span<const float> queries, std::uint32_t dims) {
  if (dims == 0 || queries.size() % dims != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} values are no rows of {} dimensions", queries.size(), dims));
  if (queries.size() / dims >= 0xffff'ffffu)
    return fail(ErrorCode::over_limit, "a query log may hold at most 4,294,967,294 queries; give a sample of it");
  return {};
}

}  // namespace

Result<std::vector<Unit>> near_duplicate_units(std::span<const float> queries, std::uint32_t dims,
                                               base::ThreadPool& pool) {
  ATTAR_TRY(check_shape(queries, dims));
  ATTAR_ASSIGN(const Directions found, directions(queries, dims));
  const auto count = static_cast<std::uint32_t>(found.numbers.size());
  UnionFind sets(queries.size() / dims);
  for (std::uint32_t query : found.zero) sets.merge(found.zero.front(), query);

  std::vector<TileScan> scans;
  for (unsigned worker = 0; worker < pool.size(); ++worker) scans.emplace_back(found.rows, dims);
  const auto tiles = static_cast<std::uint32_t>(base::ceil_div(count, tile_rows));
  std::vector<std::vector<Edge>> edges(tiles);
  for (std::uint32_t a = 0; a < tiles; ++a) {
    pool.run(a + 1, [&](std::size_t b, unsigned worker) {
      edges[b].clear();
      scans[worker].run(a * tile_rows, static_cast<std::uint32_t>(b) * tile_rows, edges[b]);
    });
    for (std::uint32_t b = 0; b <= a; ++b)
      for (const auto& [i, j] : edges[b]) sets.merge(found.numbers[i], found.numbers[j]);
  }

  std::vector<Unit> units;
  std::vector<std::size_t> unit_of(queries.size() / dims);
  for (std::uint32_t query = 0; query < unit_of.size(); ++query) {
    const std::uint32_t root = sets.find(query);
    if (root == query) {  // the least member comes first
      unit_of[query] = units.size();
      units.emplace_back();
    }
    units[unit_of[root]].push_back(query);
  }
  return units;
}

Result<Split> split_queries(std::span<const float> queries, std::uint32_t dims, const SplitOptions& options,
                            base::ThreadPool& pool) {
  ATTAR_TRY(check_shape(queries, dims));
  Split out;
  out.given = queries.size() / dims;
  if (out.given == 0) return fail(ErrorCode::invalid_argument, "there is no query to split; give at least one");
  out.considered = std::min(out.given, most_split_queries);

  base::Random random(options.seed);
  std::vector<std::uint32_t> numbers(out.given);
  std::iota(numbers.begin(), numbers.end(), 0u);
  std::vector<float> sample;
  if (out.sampled()) {
    random.shuffle(std::span(numbers));
    numbers.resize(out.considered);
    std::sort(numbers.begin(), numbers.end());
    sample.reserve(out.considered * dims);
    for (std::uint32_t query : numbers) {
      const auto row = queries.subspan(std::size_t{query} * dims, dims);
      sample.insert(sample.end(), row.begin(), row.end());
    }
    queries = sample;
  }

  ATTAR_ASSIGN(auto units, near_duplicate_units(queries, dims, pool));
  for (Unit& unit : units)
    for (std::uint32_t& query : unit) query = numbers[query];
  random.shuffle(std::span(units));
  const std::size_t train = options.with_train ? units.size() * 2 / 5 : 0;
  const std::size_t tune = options.with_train ? units.size() / 5 : units.size() / 3;
  for (std::size_t i = 0; i < units.size(); ++i)
    (i < train ? out.train : i < train + tune ? out.tune : out.certify).push_back(std::move(units[i]));
  return out;
}

std::vector<double> unit_means(std::span<const Unit> units, std::span<const double> per_query) {
  std::vector<double> out;
  out.reserve(units.size());
  for (const Unit& unit : units) {
    double sum = 0;
    for (std::uint32_t query : unit) sum += per_query[query];
    out.push_back(sum / static_cast<double>(unit.size()));
  }
  return out;
}

std::vector<std::uint32_t> members(std::span<const Unit> units) {
  std::vector<std::uint32_t> out;
  for (const Unit& unit : units) out.insert(out.end(), unit.begin(), unit.end());
  return out;
}

}  // namespace attar::certify
