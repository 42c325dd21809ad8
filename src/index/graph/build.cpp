#include "index/graph/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/random.h"
#include "index/graph/connect.h"
#include "index/graph/links.h"
#include "index/graph/prune.h"
#include "index/graph/reservoir.h"
#include "index/graph/row_bytes.h"
#include "index/graph/waves.h"
#include "math/kmeans.h"
#include "math/vector_ops.h"

namespace attar::index::graph {
namespace {

constexpr std::size_t rows_a_piece = 256;
// Of the rows that link to one, the nearest so many are weighed when it is pruned again.
constexpr std::size_t most_weighed = 256;
// Rows that entries are chosen from, and the values of these.
constexpr std::size_t most_entry_sample = 8'192, entry_sample_values = 4u << 20;
constexpr std::uint32_t fewest_candidates = 8;
constexpr std::uint32_t most_dims = 65'536;

// task(row, worker) for every row, on the pool.
template <class Task>
Status each_row(std::uint32_t rows, base::ThreadPool& pool, base::Progress& progress, const Task& task) {
  return in_waves(base::ceil_div(rows, rows_a_piece), pool, progress, [&](std::size_t piece, unsigned worker) {
    const std::size_t first = piece * rows_a_piece;
    for (std::size_t row = first; row < std::min<std::size_t>(first + rows_a_piece, rows); ++row)
      task(static_cast<std::uint32_t>(row), worker);
  });
}

// How many candidates of each row memory holds, beside all that is held with them.
Result<std::uint32_t> affordable_candidates(const data::VectorSource& base, Metric metric,
                                            const BuildOptions& options) {
  const std::uint64_t shares = 2 * sizeof(std::uint32_t) * std::uint64_t{options.leaves.first_fanout};
  const std::uint64_t others =
      RowBytes::bytes_a_row(base.dims(), metric) + shares + (options.degree + 2) * sizeof(std::uint32_t);
  const std::uint64_t room = options.memory_bytes / base.rows();
  std::uint32_t out = options.candidates;
  while (out > fewest_candidates && others + Reservoirs::bytes_a_row(out) > room) --out;
  if (others + Reservoirs::bytes_a_row(out) > room)
    return fail(ErrorCode::over_limit,
                fmt::format("a graph of {} rows needs {} bytes of working memory, and {} are allowed; allow more, or "
                            "use another index",
                            base.rows(), base.rows() * (others + Reservoirs::bytes_a_row(out)), options.memory_bytes));
  return out;
}

Status check(const data::VectorSource& base, const BuildOptions& options) {
  if (base.rows() == 0) return fail(ErrorCode::invalid_argument, base.name() + ": a graph needs at least one row");
  if (base.rows() > most_rows ||
      base.rows() >= std::numeric_limits<std::uint32_t>::max() / std::max(options.leaves.first_fanout, 1u))
    return fail(ErrorCode::over_limit, base.name() + ": a graph of so many rows cannot be built; split the base");
  if (base.dims() > most_dims)
    return fail(ErrorCode::over_limit,
                fmt::format("{}: a graph takes rows of at most {} dimensions", base.name(), most_dims));
  const CarveOptions& leaves = options.leaves;
  const bool carves = leaves.leaf_rows >= 8 && leaves.first_fanout > 0 && leaves.second_fanout > 0 &&
                      (std::min(leaves.leaf_rows, leaves.leaders) - 1) / 2 >= leaves.second_fanout;
  const bool links = options.degree > 0 && options.degree <= most_degree && options.entries > 0 &&
                     options.entries <= most_entry_sample && options.nearest > 0 && options.alpha >= 1;
  if (!carves || !links || options.candidates < fewest_candidates ||
      options.candidates > std::numeric_limits<std::uint16_t>::max())
    return fail(ErrorCode::invalid_argument, "an option of the graph is out of range");
  return {};
}

// Builds one graph, step after step.
class Builder {
 public:
  Builder(const RowBytes& rows, const BuildOptions& options, base::ThreadPool& pool, base::Progress& progress)
      : rows_(rows), options_(options), pool_(pool), progress_(progress), workers_(pool.size()) {
    graph_.rows = rows.size();
    graph_.degree = options.degree;
    graph_.squared_reach = static_cast<float>(rows.squared_reach());
    graph_.links.resize(std::size_t{graph_.rows} * graph_.degree);
  }

  Result<Adjacency> run(std::uint32_t candidates) {
    {
      ATTAR_ASSIGN(const Reservoirs found, find_candidates(candidates));
      ATTAR_TRY(prune(found));
    }
    ATTAR_TRY(link_back());
    choose_entries();
    ATTAR_TRY(connect(rows_, graph_, pool_, progress_));
    return std::move(graph_);
  }

 private:
  struct Worker {
    LeafJoin leaf;
    Pruner pruner;
    GatheredRows gathered;
    std::vector<std::uint32_t> numbers, distances;
    std::vector<Candidate> candidates;
  };

  Result<Reservoirs> find_candidates(std::uint32_t places) {
    Reservoirs out(graph_.rows, places);
    CarveOptions leaves = options_.leaves;
    leaves.seed = options_.seed;
    // Rows that are in one leaf alone have all their candidates from it.
    const std::uint32_t nearest = graph_.rows <= leaves.leaf_rows ? places : options_.nearest;
    ATTAR_TRY(carve(rows_, leaves, pool_, progress_, [&](std::span<const std::uint32_t> leaf, unsigned worker) {
      workers_[worker].leaf.join(rows_, leaf, nearest, out);
    }));
    return out;
  }

  Status prune(const Reservoirs& found) {
    progress_.stage("pruning the graph", base::ceil_div(graph_.rows, rows_a_piece));
    return each_row(graph_.rows, pool_, progress_, [&](std::uint32_t row, unsigned worker) {
      workers_[worker].pruner.prune(rows_, row, found.of(row), options_.alpha, graph_.places(row));
    });
  }

  // Each link is offered to the row that it leads to; rows that are offered too many are pruned again.
  Status link_back() {
    std::vector<std::size_t> ends(std::size_t{graph_.rows} + 1);
    for (std::uint32_t row = 0; row < graph_.rows; ++row)
      for (const std::uint32_t link : graph_.of(row)) ++ends[link + 1];
    for (std::size_t row = 0; row < graph_.rows; ++row) ends[row + 1] += ends[row];
    std::vector<std::uint32_t> sources(ends.back());
    std::vector<std::size_t> next(ends.begin(), ends.end() - 1);
    for (std::uint32_t row = 0; row < graph_.rows; ++row)
      for (const std::uint32_t link : graph_.of(row)) sources[next[link]++] = row;
    next = {};
    progress_.stage("linking back", base::ceil_div(graph_.rows, rows_a_piece));
    return each_row(graph_.rows, pool_, progress_, [&](std::uint32_t row, unsigned worker) {
      merge(row, std::span(sources).subspan(ends[row], ends[row + 1] - ends[row]), workers_[worker]);
    });
  }

  void merge(std::uint32_t row, std::span<const std::uint32_t> sources, Worker& worker) {
    const auto own = graph_.of(row);
    worker.numbers.assign(own.begin(), own.end());
    for (const std::uint32_t source : sources)
      if (std::ranges::find(own, source) == own.end()) worker.numbers.push_back(source);
    const auto places = graph_.places(row);
    const std::size_t count = worker.numbers.size();
    worker.gathered.gather(rows_, worker.numbers);
    worker.distances.resize(count);
    distances(rows_.row(row), worker.gathered.all(), worker.distances.data());
    worker.candidates.resize(count);
    for (std::size_t i = 0; i < count; ++i) worker.candidates[i] = candidate(worker.distances[i], worker.numbers[i]);
    std::ranges::sort(worker.candidates);
    if (count > places.size()) {
      worker.candidates.resize(std::min(count, most_weighed));
      worker.pruner.prune(rows_, row, worker.candidates, options_.alpha, places);
    } else {
      std::ranges::transform(worker.candidates, places.begin(), row_of);
    }
  }

  // The rows of a sample nearest to the centroids of its clusters.
  void choose_entries() {
    const std::size_t width = rows_.all().width;
    const std::size_t most = std::clamp<std::size_t>(entry_sample_values / width, options_.entries, most_entry_sample);
    const std::size_t count = std::min<std::size_t>(graph_.rows, most);
    std::vector<std::uint32_t> sample(count);
    std::vector<float> values(count * width);
    for (std::size_t i = 0; i < count; ++i) {
      sample[i] = static_cast<std::uint32_t>(i * graph_.rows / count);
      std::ranges::copy(rows_.row(sample[i]).values, values.begin() + static_cast<std::ptrdiff_t>(i * width));
    }
    const math::Matrix<float> centroids = math::kmeans(values, static_cast<std::uint32_t>(width),
                                                       {.clusters = options_.entries, .seed = options_.seed}, pool_);
    graph_.entries.resize(centroids.rows);
    pool_.run(centroids.rows, [&](std::size_t c, unsigned) {
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < count; ++i) {
        const double distance =
            math::squared_distance({centroids.row(c), width}, std::span(values).subspan(i * width, width));
        if (distance < least) {
          least = distance;
          graph_.entries[c] = sample[i];
        }
      }
    });
    std::ranges::sort(graph_.entries);
    const auto repeated = std::ranges::unique(graph_.entries);
    graph_.entries.erase(repeated.begin(), repeated.end());
  }

  const RowBytes& rows_;
  const BuildOptions& options_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  std::vector<Worker> workers_;
  Adjacency graph_;
};

}  // namespace

Result<Adjacency> build(const data::VectorSource& base, Metric metric, const BuildOptions& options,
                        base::ThreadPool& pool, base::Progress& progress) {
  ATTAR_TRY(check(base, options));
  ATTAR_ASSIGN(const std::uint32_t candidates, affordable_candidates(base, metric, options));
  ATTAR_ASSIGN(const RowBytes rows, RowBytes::read(base, metric, pool, progress));
  return Builder(rows, options, pool, progress).run(candidates);
}

}  // namespace attar::index::graph
