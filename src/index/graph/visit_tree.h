// Which rows of a graph a walk can reach, and by which links alone: what a link may be replaced without.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/graph/adjacency.h"

namespace attar::index::graph {

/// The tree of first visits from the entries, of which there is one at least. The graph outlives it.
class VisitTree {
 public:
  explicit VisitTree(Adjacency& graph) : graph_(graph), parents_(graph.rows, unreached) {
    for (const std::uint32_t entry : graph.entries) visit(entry, entry);
    spread();
  }

  [[nodiscard]] bool reached(std::uint32_t row) const noexcept { return parents_[row] != unreached; }
  /// Ascending.
  [[nodiscard]] std::vector<std::uint32_t> lost() const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t row = 0; row < graph_.rows; ++row)
      if (!reached(row)) out.push_back(row);
    return out;
  }

  /// Links `row`, which is not reached, from the first of `near` that is and has a place to give; of the descendants of
  /// the first, where none has. The first is reached.
  void adopt(std::uint32_t row, std::span<const std::uint32_t> near) {
    for (const std::uint32_t from : near)
      if (reached(from) && link(from, row)) return;
    // All places of these rows lead to children of theirs; the ends of the tree have none. Many rows go many ways down.
    std::uint32_t from = near.empty() ? graph_.entries.front() : near.front();
    for (std::uint32_t turn = row; !link(from, row); turn /= graph_.degree)
      from = graph_.places(from)[turn % graph_.degree];
  }

 private:
  static constexpr std::uint32_t unreached = 0xffff'ffff;

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

}  // namespace attar::index::graph
