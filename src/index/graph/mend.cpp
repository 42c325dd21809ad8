#include "index/graph/mend.h"

#include <algorithm>
#include <compare>
#include <ranges>
#include <vector>

#include "index/graph/visit_tree.h"

namespace attar::index::graph {
namespace {

constexpr std::uint32_t gone = 0xffff'ffff;
// Rows that are gone, of which so many are asked for one that is left in place of a link.
constexpr std::size_t most_asked = 32;
constexpr std::uint32_t rows_between_checks = 65'536;

class Mending {
 public:
  Mending(const Links& links, std::span<const std::uint64_t> kept) : links_(links), numbers_(links.rows(), gone) {
    Adjacency& graph = out_.graph;
    for (std::uint32_t row = 0; row < links.rows(); ++row)
      if ((kept[row / 64] >> (row % 64) & 1) != 0) numbers_[row] = graph.rows++;
    graph.degree = links.degree();
    graph.squared_reach = links.squared_reach();
    graph.links.resize(std::size_t{graph.rows} * graph.degree);
  }

  Result<Mended> run(base::Progress& progress) {
    if (out_.graph.rows == 0) return fail(ErrorCode::invalid_argument, "a graph needs at least one row");
    progress.stage("mending the graph", links_.rows());
    std::vector<std::uint32_t> own(links_.room());
    for (std::uint32_t row = 0; row < links_.rows(); ++row) {
      if (row % rows_between_checks == 0) ATTAR_TRY(base::check_cancelled(progress));
      progress.advance(1);
      if (numbers_[row] == gone) continue;
      links_.read(row, own.data());
      relink(row, std::span(own).first(links_.degree()));
    }
    choose_entries();
    reach_all();
    return std::move(out_);
  }

 private:
  struct Way {
    std::uint32_t to, from;

    friend auto operator<=>(const Way&, const Way&) = default;
  };

  void relink(std::uint32_t row, std::span<const std::uint32_t> links) {
    taken_.assign(1, row);
    bool lost = false;
    for (const std::uint32_t link : links) {
      if (numbers_[link] != gone) taken_.push_back(link);
      lost = lost || numbers_[link] == gone;
    }
    out_.relinked += lost ? 1 : 0;
    const auto places = out_.graph.places(numbers_[row]);
    std::ranges::fill(places, numbers_[row]);
    auto place = places.begin();
    for (std::uint32_t link : links) {
      if (numbers_[link] == gone) {
        link = heir(link, taken_);
        if (link == gone) continue;
        taken_.push_back(link);
      }
      if (link != row) *place++ = numbers_[link];
    }
  }

  // A row that is left and not taken, as few links from `row` on as there are, each through a row that is gone.
  std::uint32_t heir(std::uint32_t row, std::span<const std::uint32_t> taken) {
    asked_.assign(1, row);
    links_of_gone_.resize(links_.room());
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      links_.read(asked_[i], links_of_gone_.data());
      for (const std::uint32_t link : std::span(links_of_gone_).first(links_.degree())) {
        const auto& known = numbers_[link] == gone ? std::span<const std::uint32_t>(asked_) : taken;
        if (std::ranges::find(known, link) != known.end()) continue;
        if (numbers_[link] != gone) return link;
        if (asked_.size() < most_asked) asked_.push_back(link);
      }
    }
    return gone;
  }

  void choose_entries() {
    auto& entries = out_.graph.entries;
    for (std::uint32_t entry : links_.entries()) {
      if (numbers_[entry] == gone) entry = heir(entry, {});
      if (entry != gone) entries.push_back(numbers_[entry]);
    }
    if (entries.empty()) entries.push_back(0);
    std::ranges::sort(entries);
    const auto repeated = std::ranges::unique(entries);
    entries.erase(repeated.begin(), repeated.end());
  }

  // Each row that no walk comes to is linked from a row that it leads to, or that led to it through one that is gone.
  void reach_all() {
    VisitTree tree(out_.graph);
    const std::vector<std::uint32_t> lost = tree.lost();
    if (lost.empty()) return;
    const std::vector<Way> through = through_gone(tree);
    std::vector<std::uint32_t> near;
    for (const std::uint32_t row : by_way_to_reached(tree, lost, through)) {
      if (tree.reached(row)) continue;
      near.clear();
      for (const std::uint32_t link : out_.graph.of(row))
        if (tree.reached(link)) near.push_back(link);
      for (const Way& way : ways_to(through, row))
        if (tree.reached(way.from)) near.push_back(way.from);
      tree.adopt(row, near);
    }
  }

  // To rows that no walk comes to, from rows that are left, each through one that is gone; sorted.
  std::vector<Way> through_gone(const VisitTree& tree) const {
    std::vector<Way> last, first, out;  // from gone ones to lost ones, from those that are left to these gone ones
    std::vector<bool> asked(links_.rows());
    each_link([&](std::uint32_t row, std::uint32_t link) {
      if (numbers_[row] != gone || numbers_[link] == gone || tree.reached(numbers_[link])) return;
      last.push_back({.to = numbers_[link], .from = row});
      asked[row] = true;
    });
    each_link([&](std::uint32_t row, std::uint32_t link) {
      if (numbers_[row] != gone && asked[link]) first.push_back({.to = link, .from = numbers_[row]});
    });
    std::ranges::sort(first);
    for (const Way& way : last)
      for (const Way& start : ways_to(first, way.from) | std::views::take(most_asked))
        out.push_back({.to = way.to, .from = start.from});
    std::ranges::sort(out);
    return out;
  }

  template <class Visit>
  void each_link(const Visit& visit) const {
    std::vector<std::uint32_t> links(links_.room());
    for (std::uint32_t row = 0; row < links_.rows(); ++row) {
      links_.read(row, links.data());
      for (const std::uint32_t link : std::span(links).first(links_.degree())) visit(row, link);
    }
  }

  static std::span<const Way> ways_to(std::span<const Way> sorted, std::uint32_t row) noexcept {
    const auto found = std::ranges::equal_range(sorted, row, {}, &Way::to);
    return {found.begin(), found.end()};
  }

  // Lost rows, those first that lead to a row which is reached or have a way from one, then those that lead to one of
  // these, and so on; those that lead to none last.
  std::vector<std::uint32_t> by_way_to_reached(const VisitTree& tree, std::span<const std::uint32_t> lost,
                                               std::span<const Way> through) const {
    const Adjacency& graph = out_.graph;
    std::vector<Way> back;  // to a lost row, from one that leads to it
    std::vector<std::uint32_t> out;
    std::vector<bool> placed(graph.rows);
    const auto add = [&](std::uint32_t row) {
      if (!placed[row]) out.push_back(row);
      placed[row] = true;
    };
    for (const Way& way : through)
      if (tree.reached(way.from)) add(way.to);
    for (const std::uint32_t row : lost)
      for (const std::uint32_t link : graph.of(row)) {
        if (tree.reached(link)) {
          add(row);
        } else {
          back.push_back({.to = link, .from = row});
        }
      }
    std::ranges::sort(back);
    for (std::size_t i = 0; i < out.size(); ++i)
      for (const Way& way : ways_to(back, out[i])) add(way.from);
    for (const std::uint32_t row : lost) add(row);
    return out;
  }

  const Links& links_;
  std::vector<std::uint32_t> numbers_;  // by row: its new number, or gone
  Mended out_;
  std::vector<std::uint32_t> taken_, asked_, links_of_gone_;
};

}  // namespace

Result<Mended> mend(const Links& links, std::span<const std::uint64_t> kept, base::Progress& progress) {
  return Mending(links, kept).run(progress);
}

}  // namespace attar::index::graph
