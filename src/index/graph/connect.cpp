#include "index/graph/connect.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "index/graph/visit_tree.h"

namespace attar::index::graph {
namespace {

// Reached rows that are looked for near one that is not.
constexpr std::size_t beam = 24;
// Rows that are looked for at once, in the graph as those before them left it.
constexpr std::size_t rows_linked_together = 256;

// Best-first walks over the graph as it is, by distances of bytes.
class ByteWalk {
 public:
  ByteWalk(const RowBytes& rows, const Adjacency& graph) : rows_(rows), graph_(graph), seen_(graph.rows) {}

  /// The nearest rows of `row` that a walk from the entries finds, ascending.
  std::vector<std::uint32_t> find(std::uint32_t row) {
    ++walk_;
    found_.clear();
    fresh_.clear();
    for (const std::uint32_t entry : graph_.entries) see(entry);
    take(row);
    for (auto from = next(); from != found_.end(); from = next()) {
      from->done = true;
      fresh_.clear();
      for (const std::uint32_t link : graph_.of(row_of(from->row))) see(link);
      take(row);
    }
    std::vector<std::uint32_t> out(found_.size());
    std::ranges::transform(found_, out.begin(), [](const Found& found) { return row_of(found.row); });
    return out;
  }

 private:
  struct Found {
    Candidate row;
    bool done;
  };

  void see(std::uint32_t row) {
    if (std::exchange(seen_[row], walk_) != walk_) fresh_.push_back(row);
  }

  std::vector<Found>::iterator next() { return std::ranges::find(found_, false, &Found::done); }

  // Keeps the nearest of the fresh rows.
  void take(std::uint32_t row) {
    gathered_.gather(rows_, fresh_);
    distances_.resize(fresh_.size());
    distances(rows_.row(row), gathered_.all(), distances_.data());
    for (std::size_t i = 0; i < fresh_.size(); ++i) {
      const Candidate found = candidate(distances_[i], fresh_[i]);
      if (found_.size() == beam && found > found_.back().row) continue;
      if (found_.size() == beam) found_.pop_back();
      found_.insert(std::ranges::lower_bound(found_, found, {}, &Found::row), {.row = found, .done = false});
    }
  }

  const RowBytes& rows_;
  const Adjacency& graph_;
  std::vector<std::uint32_t> seen_;  // by row: the last walk that met it
  std::uint32_t walk_ = 0;
  std::vector<std::uint32_t> fresh_, distances_;
  std::vector<Found> found_;  // ascending
  GatheredRows gathered_;
};

}  // namespace

Status connect(const RowBytes& rows, Adjacency& graph, base::ThreadPool& pool, base::Progress& progress) {
  VisitTree tree(graph);
  const std::vector<std::uint32_t> lost = tree.lost();
  progress.stage("connecting the graph", lost.size());
  std::vector<ByteWalk> walks(pool.size(), ByteWalk(rows, graph));
  std::vector<std::vector<std::uint32_t>> near(rows_linked_together);
  for (std::size_t first = 0; first < lost.size(); first += rows_linked_together) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::size_t count = std::min(rows_linked_together, lost.size() - first);
    // Links of the rows before may have reached these.
    pool.run(count, [&](std::size_t i, unsigned worker) {
      if (!tree.reached(lost[first + i])) near[i] = walks[worker].find(lost[first + i]);
    });
    for (std::size_t i = 0; i < count; ++i)
      if (!tree.reached(lost[first + i])) tree.adopt(lost[first + i], near[i]);
    progress.advance(count);
  }
  return {};
}

}  // namespace attar::index::graph
