#include "index/graph/partition.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/checked.h"
#include "base/random.h"
#include "index/graph/waves.h"
#include "math/groups.h"

namespace attar::index::graph {
namespace {

constexpr std::size_t rows_together = 64, rows_a_share = 8 * rows_together;
// A ball with more than this share of the rows that were shared out is cut, not carved: its rows may all be equal.
constexpr double stuck_share = 0.75;

// Numbers of `count` distinct ones of `of`, ascending.
std::vector<std::uint32_t> pick(std::size_t count, std::size_t of, base::Random& random) {
  std::vector<std::uint32_t> out(of);
  std::iota(out.begin(), out.end(), 0u);
  for (std::size_t i = 0; i < count; ++i) std::swap(out[i], out[i + random.below(of - i)]);
  out.resize(count);
  std::ranges::sort(out);
  return out;
}

// The numbers of the out.size() least of `values`, the first of equals before others.
void least_of(std::span<const std::uint32_t> values, std::span<Candidate> best, std::uint32_t* out) {
  std::ranges::fill(best, ~Candidate{0});
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= distance_of(best.back())) continue;
    std::size_t place = best.size() - 1;
    for (; place > 0 && distance_of(best[place - 1]) > values[i]; --place) best[place] = best[place - 1];
    best[place] = candidate(values[i], static_cast<std::uint32_t>(i));
  }
  for (std::size_t i = 0; i < best.size(); ++i) out[i] = row_of(best[i]);
}

// Writes the `fanout` nearest leaders of each row.
class Sharing {
 public:
  void share(const RowBytes& rows, std::span<const std::uint32_t> some, const ByteRows& leaders, std::size_t fanout,
             std::uint32_t* out) {
    found_.resize(rows_together * leaders.size());
    best_.resize(fanout);
    for (std::size_t first = 0; first < some.size(); first += rows_together) {
      const std::size_t count = std::min(rows_together, some.size() - first);
      gathered_.gather(rows, some.subspan(first, count));
      distances(gathered_.all(), leaders, found_.data());
      for (std::size_t i = 0; i < count; ++i)
        least_of(std::span(found_).subspan(i * leaders.size(), leaders.size()), best_, out + (first + i) * fanout);
    }
  }

 private:
  GatheredRows gathered_;
  std::vector<std::uint32_t> found_;
  std::vector<Candidate> best_;
};

// Carves one ball further, in one thread.
class Carver {
 public:
  Carver(const RowBytes& rows, const CarveOptions& options, const TakeLeaf& take, unsigned worker)
      : rows_(rows), options_(options), take_(take), worker_(worker) {}

  void carve(std::span<const std::uint32_t> ball, std::size_t fanout, base::Random& random) {
    if (ball.size() <= options_.leaf_rows) {
      if (!ball.empty()) take_(ball, worker_);
      return;
    }
    const std::size_t leaders =
        std::clamp<std::size_t>(base::ceil_div(4 * ball.size(), options_.leaf_rows), 2 * fanout + 1, options_.leaders);
    const math::Groups groups = shared_out(ball, leaders, fanout, random);
    for (std::size_t group = 0; group < leaders; ++group) {
      std::vector<std::uint32_t> own;
      for (const std::uint32_t member : groups.of(group)) own.push_back(ball[member / fanout]);
      if (static_cast<double>(own.size()) > stuck_share * static_cast<double>(ball.size()))
        cut(own);
      else
        carve(own, 1, random);
    }
  }

  void cut(std::span<const std::uint32_t> ball) {
    for (std::size_t first = 0; first < ball.size(); first += options_.leaf_rows)
      take_(ball.subspan(first, std::min<std::size_t>(options_.leaf_rows, ball.size() - first)), worker_);
  }

 private:
  math::Groups shared_out(std::span<const std::uint32_t> ball, std::size_t leaders, std::size_t fanout,
                          base::Random& random) {
    std::vector<std::uint32_t> numbers = pick(leaders, ball.size(), random);
    for (std::uint32_t& number : numbers) number = ball[number];
    GatheredRows chosen;
    chosen.gather(rows_, numbers);
    std::vector<std::uint32_t> nearest(ball.size() * fanout);
    Sharing().share(rows_, ball, chosen.all(), fanout, nearest.data());
    return {nearest, leaders};
  }

  const RowBytes& rows_;
  const CarveOptions& options_;
  const TakeLeaf& take_;
  unsigned worker_;
};

}  // namespace

Status carve(const RowBytes& rows, const CarveOptions& options, base::ThreadPool& pool, base::Progress& progress,
             const TakeLeaf& take) {
  base::Random random(options.seed);
  const std::size_t count = rows.size();
  const std::size_t leaders =
      count <= options.leaf_rows ? 1
                                 : std::min<std::size_t>(base::ceil_div(2 * count, options.leaf_rows), options.leaders);
  const std::size_t fanout = std::min<std::size_t>(leaders, options.first_fanout);
  GatheredRows chosen;
  chosen.gather(rows, pick(leaders, count, random));
  std::vector<std::uint32_t> nearest(count * fanout);
  std::vector<Sharing> sharing(pool.size());
  const std::size_t pieces = base::ceil_div(count, rows_a_share);
  progress.stage("partitioning the graph", pieces);
  ATTAR_TRY(in_waves(pieces, pool, progress, [&](std::size_t piece, unsigned worker) {
    const std::size_t first = piece * rows_a_share;
    std::vector<std::uint32_t> some(std::min(rows_a_share, count - first));
    std::iota(some.begin(), some.end(), static_cast<std::uint32_t>(first));
    sharing[worker].share(rows, some, chosen.all(), fanout, nearest.data() + first * fanout);
  }));
  const math::Groups groups(nearest, leaders);
  nearest = {};
  const std::uint64_t seed = random.next();
  progress.stage("joining near rows", leaders);
  return in_waves(leaders, pool, progress, [&](std::size_t group, unsigned worker) {
    std::vector<std::uint32_t> ball;
    for (const std::uint32_t member : groups.of(group)) ball.push_back(member / static_cast<std::uint32_t>(fanout));
    base::Random own(seed + group);
    Carver(rows, options, take, worker).carve(ball, options.second_fanout, own);
  });
}

}  // namespace attar::index::graph
