#include "index/graph/connect.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace attar::index::graph {
namespace {

constexpr std::uint32_t unreached = 0xffff'ffff;
// Reached rows that are looked for near one that is not.
constexpr std::size_t beam = 24;
// Rows that are looked for at once, in the graph as those before them left it.
constexpr std::size_t rows_linked_together = 256;

// The tree of first visits from the entries: what a link may be replaced without.
class VisitTree {
 public:
  explicit VisitTree(Adjacency& graph) : graph_(graph), parents_(graph.rows, unreached) {
    for (const std::uint32_t entry : graph.entries) visit(entry, entry);
    spread();
  }

  [[nodiscard]] bool reached(std::uint32_t row) const noexcept { return parents_[row] != unreached; }

  /// Links `row` from the nearest of `near` that has a place to give; of their descendants, where none has.
  void adopt(std::uint32_t row, std::span<const Candidate> near) {
    for (const Candidate from : near)
      if (reached(row_of(from)) && link(row_of(from), row)) return;
    // All places of these rows lead to children of theirs; the ends of the tree have none. Many rows go many ways down.
    std::uint32_t from = near.empty() ? graph_.entries.front() : row_of(near.front());
    for (std::uint32_t turn = row; !link(from, row); turn /= graph_.degree)
      from = graph_.places(from)[turn % graph_.degree];
  }

 private:
  // In an unused place or the last that is no branch of the tree.
  bool link(std::uint32_t from, std::uint32_t to) {
    const auto places = graph_.places(from);
    auto place = std::ranges::find(places, from);
    if (place == places.end())
      while (place != places.begin() && parents_[*(place - 1)] == from) --place;
    else
      ++place;
    if (place == places.begin()) return false;
    *(place - 1) = to;
    visit(to, from);
    spread();
    return true;
  }

  void visit(std::uint32_t row, std::uint32_t parent) {
    parents_[row] = parent;
    waiting_.push_back(row);
  }

  void spread() {
    for (; next_ < waiting_.size(); ++next_)
      for (const std::uint32_t link : graph_.of(waiting_[next_]))
        if (!reached(link)) visit(link, waiting_[next_]);
    waiting_.clear();
    next_ = 0;
  }

  Adjacency& graph_;
  std::vector<std::uint32_t> parents_;  // by row: the one it was first reached from; an entry: itself
  std::vector<std::uint32_t> waiting_;
  std::size_t next_ = 0;
};

// Best-first walks over the graph as it is, by distances of bytes.
class ByteWalk {
 public:
  ByteWalk(const RowBytes& rows, const Adjacency& graph) : rows_(rows), graph_(graph), seen_(graph.rows) {}

  /// The nearest rows of `row` that a walk from the entries finds, ascending.
  std::vector<Candidate> find(std::uint32_t row) {
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
    std::vector<Candidate> out(found_.size());
    std::ranges::transform(found_, out.begin(), &Found::row);
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
  std::vector<std::uint32_t> lost;
  for (std::uint32_t row = 0; row < graph.rows; ++row)
    if (!tree.reached(row)) lost.push_back(row);
  progress.stage("connecting the graph", lost.size());
  std::vector<ByteWalk> walks(pool.size(), ByteWalk(rows, graph));
  std::vector<std::vector<Candidate>> near(rows_linked_together);
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
