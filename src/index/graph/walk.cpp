#include "index/graph/walk.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "index/graph/beam.h"
#include "math/vector_ops.h"

namespace attar::index::graph {
namespace {

// Rows scored at a time where they are not the links of one row.
constexpr std::size_t rows_scored_together = 64;
// So many rows of a scan take as long as a step of a walk, with a filter. Without one, where bases are small, less is
// counted: what they answer stays what it was.
constexpr double rows_a_filtered_step = 50, rows_a_step = 24;
// With a filter up to so many times as many rows are scored whole: the nearest that pass are farther away, where the
// first part of a code tells less.
constexpr double most_wider = 4;
// So many rows of a scan are scored whole at the least: those that pass a filter may lie in one cluster, where the
// first part of a code tells them apart least of all.
constexpr std::uint32_t least_finished = 1'024;
// A walk for a filter goes so many times as far beyond the k-th row; and none goes farther than this, in
// ten-thousandths.
constexpr std::uint32_t filter_stretch = 2, most_stretch = 10'000'000;
// No walk is wider than this, whatever a plan asks for or a filter passes.
constexpr std::uint32_t most_beam = 65'536;

std::uint64_t count_of(std::span<const std::uint64_t> allowed, std::uint64_t rows) {
  std::uint64_t out = 0;
  for (std::uint64_t word = 0; word < rows / 64; ++word)
    out += static_cast<std::uint64_t>(std::popcount(allowed[word]));
  if (rows % 64 != 0)
    out += static_cast<std::uint64_t>(std::popcount(allowed[rows / 64] & ((std::uint64_t{1} << (rows % 64)) - 1)));
  return out;
}

// What all queries of a search share.
struct Plan {
  Plan(const Job& job, const Links& links)
      : wanted(std::max(job.kept, std::min(job.options.look.beam, most_beam))),
        width(wanted),
        beam(wanted),
        passing(links.rows()) {
    const bool filtered = !job.options.allowed.empty();
    if (filtered) passing = count_of(job.options.allowed, links.rows());
    const auto all = static_cast<double>(links.rows()), some = static_cast<double>(passing);
    constexpr double most = most_beam;
    const double wide = passing == 0 ? most : static_cast<double>(width) * all / some;
    scanned = some <= wide * (filtered ? rows_a_filtered_step : rows_a_step) || width > most_beam;
    beam = static_cast<std::size_t>(std::min(wide, most));
    if (width < most_beam) width = static_cast<std::uint32_t>(std::min({wide, most_wider * width, most}));
  }

  std::uint32_t wanted;   // rows that are kept, without a filter
  std::uint32_t width;    // rows that are scored whole
  std::size_t beam;       // rows that are kept on the way
  std::uint64_t passing;  // rows that may be returned
  bool scanned = false;   // rather than walked to
};

// How far a walk for one query goes. spec.md, "Search", 3.
class Reach {
 public:
  Reach(const Links& links, std::span<const float> query, std::uint32_t stretch) noexcept {
    if (stretch == 0) return;
    const double squared = math::squared_norm(query);
    if (links.metric() == Metric::l2) {
      from_ = squared;
      slope_ = 1;
    } else if (links.metric() == Metric::inner_product) {
      from_ = squared + static_cast<double>(links.squared_reach());
    }
    const double longer = 1 + stretch * ten_thousandth;
    longer_ = longer * longer;
  }

  /// The score below which a row is too far, where the k-th best has this one.
  [[nodiscard]] float least(float kth) const noexcept {
    if (longer_ == 0) return -std::numeric_limits<float>::infinity();
    const double distance = std::max(from_ - slope_ * static_cast<double>(kth), from_ * least_share);
    return static_cast<float>((from_ - longer_ * distance) / slope_);
  }

 private:
  static constexpr double ten_thousandth = 1e-4, least_share = 1e-3;
  double from_ = 2, slope_ = 2, longer_ = 0;
};

// What a thread needs for its queries.
class Walker {
 public:
  Walker(const Job& job, const Links& links, const Plan& plan)
      : job_(job),
        links_(links),
        plan_(plan),
        beam_(plan.beam),
        seen_(links.rows(), rows_scored_together + links.room()),
        rows_(std::max(links.room(), 2 * rows_scored_together)),
        scores_(rows_.size()),
        better_(rows_.size()) {}

  /// The best rows of one query of the scorer's batch.
  std::vector<codec::Hit> search(const codec::Scorer& scorer, std::size_t place, std::span<const float> query) {
    std::vector<codec::Partial> found;
    if (!plan_.scanned) found = walk(scorer, place, Reach(links_, query, stretch()));
    // A walk may end where a filter, or links from outside, lead no further.
    if (found.size() < std::min<std::uint64_t>(job_.kept, plan_.passing) || thin_) found = scan(scorer, place);
    scorer.finish_rows(place, found);
    codec::TopK top(job_.kept);
    for (const codec::Partial& row : found) top.push(row.score, row.row);
    return top.sorted();
  }

  [[nodiscard]] std::uint64_t scored() const noexcept { return scored_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

 private:
  // The plan's was chosen without a filter; rows that fail stand between those that pass.
  std::uint32_t stretch() const noexcept {
    const std::uint32_t own = std::min(job_.options.look.stretch, most_stretch);
    return filtered() ? own * filter_stretch : own;
  }
  bool filtered() const noexcept { return !job_.options.allowed.empty(); }
  bool allowed(std::uint32_t row) const noexcept { return (job_.options.allowed[row / 64] >> (row % 64) & 1) != 0; }

  // Rows that may be returned, as a walk meets them.
  struct Passing {
    Passing(const Plan& plan, std::uint32_t k) : best(plan.width), nearest(k) {}
    codec::Shortlist best;  // to be scored whole
    codec::TopK nearest;
  };

  std::vector<codec::Partial> walk(const codec::Scorer& scorer, std::size_t place, const Reach& reach) {
    std::optional<Passing> passing;
    if (filtered()) passing.emplace(plan_, job_.kept);
    begin(scorer, place, passing);
    // The next row is left before what the last one leads to is scored, so that its neighbours' codes are on their way.
    std::span<const std::uint32_t> met;
    for (;;) {
      std::span<const std::uint32_t> next;
      if (beam_.pending() && beam_.next_score() >= reach.least(kth_score(passing))) {
        links_.read(beam_.leave(), rows_.data());
        next = seen_.keep_new(std::span(rows_).first(links_.degree()));
        scorer.expect_rows(next, 0);
        ++steps_;
      } else if (met.empty()) {
        break;
      }
      if (!met.empty()) meet(scorer, place, met, passing);
      met = next;
    }
    // Of rows that pass by chance as many are kept as the plan wants; where there are far fewer, they lie elsewhere.
    thin_ = passing && !beam_.pending() && 2 * count_allowed() < plan_.wanted;
    return passing ? passing->best.take() : kept();
  }

  // Rows of the beam that may be returned.
  std::size_t count_allowed() const noexcept {
    std::size_t out = 0;
    for (std::size_t i = 0; i < beam_.size(); ++i) out += allowed(beam_.row(i)) ? 1u : 0u;
    return out;
  }

  // At the entry points.
  void begin(const codec::Scorer& scorer, std::size_t place, std::optional<Passing>& passing) {
    beam_.clear();
    seen_.clear();
    for (std::span<const std::uint32_t> entries = links_.entries(); !entries.empty();) {
      const auto some = entries.first(std::min(entries.size(), rows_scored_together));
      entries = entries.subspan(some.size());
      const auto fresh = seen_.keep_new(some);
      scorer.expect_rows(fresh, 0);
      meet(scorer, place, fresh, passing);
    }
  }

  float kth_score(const std::optional<Passing>& passing) const noexcept {
    if (passing) return passing->nearest.threshold();
    return beam_.size() < job_.kept ? -std::numeric_limits<float>::infinity() : beam_.score(job_.kept - 1);
  }

  // Scores rows and offers them to the beam, and those that may be returned to `passing`.
  void meet(const codec::Scorer& scorer, std::size_t place, std::span<const std::uint32_t> met,
            std::optional<Passing>& passing) {
    scorer.score_first(place, met, std::span(scores_).first(met.size()));
    scored_ += met.size();
    // Most are no better than what is kept: the others are picked out without a branch.
    const float least = beam_.threshold();
    std::size_t better = 0;
    for (std::size_t i = 0; i < met.size(); ++i) {
      better_[better] = static_cast<std::uint32_t>(i);
      better += scores_[i] >= least ? 1 : 0;
    }
    for (const std::uint32_t i : std::span(better_).first(better))
      if (beam_.offer(scores_[i], met[i])) links_.expect(met[i]);
    if (!passing) return;
    for (std::size_t i = 0; i < met.size(); ++i) {
      if (!allowed(met[i])) continue;
      passing->best.push({.score = scores_[i], .row = met[i]});
      passing->nearest.push(scores_[i], met[i]);
    }
  }

  std::vector<codec::Partial> kept() const {
    std::vector<codec::Partial> out(std::min<std::size_t>(beam_.size(), plan_.width));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = {.score = beam_.score(i), .row = beam_.row(i)};
    return out;
  }

  // The best of all rows that may be returned, by the first part of their codes.
  std::vector<codec::Partial> scan(const codec::Scorer& scorer, std::size_t place) {
    codec::Shortlist best(std::max(plan_.width, least_finished));
    const auto score = [&](std::span<const std::uint32_t> rows) {
      scorer.score_first(place, rows, std::span(scores_).first(rows.size()));
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (scores_[i] >= best.threshold()) best.push({.score = scores_[i], .row = rows[i]});
      scored_ += rows.size();
    };
    // Codes of some rows come from memory while those before them are scored.
    std::span<std::uint32_t> some = std::span(rows_).first(rows_scored_together);
    std::span<std::uint32_t> others = std::span(rows_).subspan(rows_scored_together, rows_scored_together);
    std::span<const std::uint32_t> waiting;
    std::size_t count = 0;
    const auto pass_on = [&] {
      scorer.expect_rows(some.first(count), 0);
      score(waiting);
      waiting = some.first(count);
      std::swap(some, others);
      count = 0;
    };
    for (std::uint64_t row = 0; row < links_.rows(); ++row) {
      if (filtered()) {
        const std::uint64_t rest = job_.options.allowed[row / 64] >> (row % 64);
        row += rest == 0 ? 63 - row % 64 : static_cast<std::uint64_t>(std::countr_zero(rest));
        if (rest == 0 || row >= links_.rows()) continue;
      }
      some[count++] = static_cast<std::uint32_t>(row);
      if (count == rows_scored_together) pass_on();
    }
    pass_on();
    score(waiting);
    return best.take();
  }

  const Job& job_;
  const Links& links_;
  const Plan& plan_;
  Beam beam_;
  SeenRows seen_;
  std::vector<std::uint32_t> rows_;  // links, or rows of a scan
  std::vector<float> scores_;
  std::vector<std::uint32_t> better_;  // places in scores_
  std::uint64_t scored_ = 0, steps_ = 0;
  bool thin_ = false;  // the last walk kept few rows that may be returned
};

}  // namespace

Result<HitLists> graph_search(const codec::View& view, const Links& links, std::span<const float> queries,
                              std::uint32_t dims, const SearchOptions& options, base::ThreadPool& pool,
                              SearchTimes* times) {
  ATTAR_ASSIGN(const Job job, Job::of(view, queries, dims, options));
  if (!view.scorable()->walks()) return fail(ErrorCode::unsupported, "this codec cannot score single rows on a walk");
  const Plan plan(job, links);
  const std::size_t batches = (job.count() + codec::max_batch - 1) / codec::max_batch;
  HitLists out(job.count());
  std::vector<std::optional<Walker>> walkers(pool.size());
  std::vector<std::optional<Error>> errors(batches);
  std::vector<SearchTimes> spent(pool.size());
  pool.run(batches, [&](std::size_t b, unsigned worker) {
    const std::size_t first = b * codec::max_batch, size = std::min(codec::max_batch, job.count() - first);
    auto start = Clock::now();
    auto scorer = view.scorable()->prepare(job.batch(first, size));
    spent[worker].prepare += seconds_since(start);
    if (!scorer) {
      errors[b] = std::move(scorer).error();
      return;
    }
    start = Clock::now();
    if (!walkers[worker]) walkers[worker].emplace(job, links, plan);
    for (std::size_t q = 0; q < size; ++q)
      out[first + q] = job.finish(first + q, walkers[worker]->search(**scorer, q, job.batch(first + q, 1).values));
    spent[worker].scan += seconds_since(start);
  });
  for (const auto& error : errors)
    if (error) return std::unexpected(*error);
  if (times == nullptr) return out;
  *times = {};
  std::uint64_t scored = 0, steps = 0;
  for (std::size_t worker = 0; worker < spent.size(); ++worker) {
    times->prepare += spent[worker].prepare;
    times->scan += spent[worker].scan;
    if (!walkers[worker]) continue;
    scored += walkers[worker]->scored();
    steps += walkers[worker]->steps();
  }
  const auto count = static_cast<double>(std::max<std::size_t>(1, job.count()));
  times->share = static_cast<double>(scored) / count / static_cast<double>(links.rows());
  times->steps = static_cast<double>(steps) / count;
  return out;
}

}  // namespace attar::index::graph
