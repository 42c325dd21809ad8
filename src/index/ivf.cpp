#include "index/ivf.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "index/centroid_scores.h"
#include "index/list_filter.h"

namespace attar::index {
namespace {

// Lists of the first round beyond those worth a look; each later round doubles it.
constexpr std::size_t first_round = 8;

// Queries that want a list of the first pass, on average over all lists.
constexpr std::size_t enough_askers = 4;

// Rows so few that all lists which hold one are scanned.
constexpr std::uint64_t few_rows = 512;

// By list, the queries that want it.
class Askers {
 public:
  Askers(std::span<const std::vector<std::uint32_t>> wanted, std::uint32_t lists) : ends_(lists + 1) {
    for (const auto& own : wanted)
      for (const std::uint32_t list : own) ++ends_[list + 1];
    std::inclusive_scan(ends_.begin(), ends_.end(), ends_.begin());
    queries_.resize(ends_.back());
    std::vector<std::uint32_t> next(ends_.begin(), ends_.end() - 1);
    for (std::size_t q = 0; q < wanted.size(); ++q)
      for (const std::uint32_t list : wanted[q]) queries_[next[list]++] = static_cast<codec::QueryNumber>(q);
  }

  /// The first list from number `list` on that is wanted; their count where none is.
  [[nodiscard]] std::uint32_t next(std::uint32_t list) const noexcept {
    while (list + 1 < ends_.size() && ends_[list] == ends_[list + 1]) ++list;
    return list;
  }
  [[nodiscard]] std::span<const codec::QueryNumber> of(std::uint32_t list) const noexcept {
    return std::span(queries_).subspan(ends_[list], ends_[list + 1] - ends_[list]);
  }

 private:
  std::vector<std::uint32_t> ends_;
  std::vector<codec::QueryNumber> queries_;
};

// A batch of queries, list by list: those that want a list share the decoding of its codes.
class Searching {
 public:
  /// `filter`: null when all rows may be returned.
  Searching(const Job& job, const Lists& lists, Metric metric, const ListFilter* filter, const CheckedLists* checked)
      : job_(job), lists_(lists), filter_(filter), checked_(checked), centroids_(lists, metric) {
    if (filter != nullptr) allowed_ = filter->positions();
  }

  /// The hits of `size` queries from `first`, which the scorer was prepared for.
  Status search(const codec::Scorer& scorer, std::size_t first, std::size_t size, HitLists& out) {
    scorer_ = &scorer;
    parts_ = job_.two_looks() ? job_.options.look.head : job_.parts;
    centroids_.score(job_.batch(first, size));
    found_rows_.assign(size, 0);
    bias_.assign(size, 0);
    std::vector<codec::TopK> tops = job_.two_looks() ? in_two_looks(scorer, size) : in_one_look(scorer, size);
    if (damaged_) return std::unexpected(*std::exchange(damaged_, std::nullopt));
    for (std::size_t q = 0; q < size; ++q) {
      std::vector<codec::Hit> hits = tops[q].sorted();
      for (codec::Hit& hit : hits) {
        ATTAR_ASSIGN(hit.row, lists_.row(hit.row));
      }
      std::sort(hits.begin(), hits.end(), [](const codec::Hit& a, const codec::Hit& b) { return a.before(b); });
      out[first + q] = job_.finish(first + q, std::move(hits));
    }
    return {};
  }

  /// Rows looked at, by all queries so far.
  [[nodiscard]] std::uint64_t scanned() const noexcept { return scanned_; }
  /// Lists looked at, likewise.
  [[nodiscard]] std::uint64_t scanned_lists() const noexcept { return scanned_lists_; }

 private:
  std::vector<codec::TopK> in_two_looks(const codec::Scorer& scorer, std::size_t size) {
    std::vector<codec::Shortlist> found(size, codec::Shortlist(job_.shortlist()));
    probe([&](codec::Range rows, const codec::Scan& scan) {
      scorer.scan_parts(rows, scan, job_.options.look.head, found);
    });
    std::vector<codec::TopK> out;
    for (std::size_t q = 0; q < size; ++q) out.push_back(Asked(job_, scorer, q).look_again(found[q].take()));
    return out;
  }

  std::vector<codec::TopK> in_one_look(const codec::Scorer& scorer, std::size_t size) {
    std::vector<codec::TopK> found;
    for (std::size_t q = 0; q < size; ++q) found.push_back(Asked(job_, scorer, q).top());
    probe([&](codec::Range rows, const codec::Scan& scan) { scorer.scan(rows, scan, found); });
    const auto bias_of = [&](std::size_t q) {
      return [&, q](std::uint32_t position) { return centroids_.inner(q, lists_.list_of(position)); };
    };
    for (std::size_t q = 0; q < size; ++q) found[q] = Asked(job_, scorer, q).conclude(found[q], bias_of(q));
    return found;
  }

  // Scans the lists that are worth it to each query, and where these hold too few rows the most promising others.
  template <class Scanning>
  void probe(const Scanning& scan) {
    const bool few = filter_ != nullptr && filter_->allowed() <= few_rows;
    const std::uint32_t wanted = few ? 0 : job_.options.look.probe;
    const std::size_t size = found_rows_.size();
    std::vector<std::vector<std::uint32_t>> first(size), then(size);
    for (std::size_t q = 0; q < size; ++q) {
      Worth worth = wanted == 0 ? Worth{.first = {}, .then = all_lists()} : centroids_.worth(q, wanted, filter_);
      first[q] = std::move(worth.first);
      then[q] = std::move(worth.then);
    }
    // Good rows found early leave less to be kept of the others; what queries save by sharing the decoding of a list is
    // more, unless each has company enough in both passes.
    const bool two_passes = size <= codec::max_batch || all_of(first) >= enough_askers * lists_.count();
    if (!two_passes)
      for (std::size_t q = 0; q < size; ++q) first[q].insert(first[q].end(), then[q].begin(), then[q].end());
    scan_lists(first, scan);
    if (two_passes) scan_lists(then, scan);
    for (std::size_t q = 0; q < size; ++q)
      if (found_rows_[q] < job_.kept) probe_further(q, first[q], then[q], scan);
  }

  static std::size_t all_of(std::span<const std::vector<std::uint32_t>> wanted) {
    return std::accumulate(wanted.begin(), wanted.end(), std::size_t{0},
                           [](std::size_t sum, const auto& own) { return sum + own.size(); });
  }

  template <class Scanning>
  void scan_lists(std::span<const std::vector<std::uint32_t>> wanted, const Scanning& scan) {
    const Askers askers(wanted, lists_.count());
    for (std::uint32_t list = askers.next(0); list < lists_.count();) {
      const std::uint32_t following = askers.next(list + 1);
      if (following < lists_.count()) scorer_->expect(lists_.positions(following), parts_);
      scan_list(list, askers.of(list), scan);
      list = following;
    }
  }

  template <class Scanning>
  void probe_further(std::size_t query, std::span<const std::uint32_t> first, std::span<const std::uint32_t> then,
                     const Scanning& scan) {
    const auto which = static_cast<codec::QueryNumber>(query);
    const std::vector<std::uint32_t> others = without(query, first, then);
    std::size_t round_end = first_round;
    for (std::size_t i = 0; i < others.size(); ++i) {
      scan_list(others[i], {&which, 1}, scan);
      if (i + 1 < round_end) continue;
      if (found_rows_[query] >= job_.kept) return;
      round_end *= 2;
    }
  }

  template <class Scanning>
  void scan_list(std::uint32_t list, std::span<const codec::QueryNumber> queries, const Scanning& scan) {
    const codec::Range rows = lists_.positions(list);
    const std::uint64_t allowed = filter_ == nullptr ? rows.size() : filter_->allowed_in(list);
    if (allowed == 0 || !is_sound(list)) return;
    scanned_ += rows.size() * queries.size();
    scanned_lists_ += queries.size();
    centroids_.inner(list, queries, bias_);
    for (const codec::QueryNumber q : queries) found_rows_[q] += allowed;
    scan(rows, {.allowed = allowed_, .bias = bias_, .which = queries});
  }

  // Whether a list may be looked at. After a damaged one nothing is: search() returns its error.
  bool is_sound(std::uint32_t list) {
    if (checked_ == nullptr) return true;
    if (damaged_) return false;
    const Status checked = checked_->check(list);
    if (!checked) damaged_ = checked.error();
    return checked.has_value();
  }

  [[nodiscard]] std::vector<std::uint32_t> all_lists() const {
    std::vector<std::uint32_t> out(lists_.count());
    std::iota(out.begin(), out.end(), 0u);
    return out;
  }

  // The lists but these, the most promising first.
  [[nodiscard]] std::vector<std::uint32_t> without(std::size_t query, std::span<const std::uint32_t> first,
                                                   std::span<const std::uint32_t> then) {
    std::vector<bool> done(lists_.count());
    for (const auto lists : {first, then})
      for (const std::uint32_t list : lists) done[list] = true;
    std::vector<std::uint32_t> out = all_lists();
    std::erase_if(out, [&](std::uint32_t list) { return done[list]; });
    const std::vector<float> promises = centroids_.promises(query);
    std::stable_sort(out.begin(), out.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return promises[a] > promises[b]; });
    return out;
  }

  const Job& job_;
  const Lists& lists_;
  const ListFilter* filter_;
  const CheckedLists* checked_;
  std::span<const std::uint64_t> allowed_;  // by position; empty: all
  CentroidScores centroids_;
  const codec::Scorer* scorer_ = nullptr;  // of the present batch
  std::uint32_t parts_ = 0;                // that rows are scanned by
  std::vector<float> bias_;                // by query: of the present list
  std::vector<std::uint64_t> found_rows_;  // by query: allowed rows of the lists scanned
  std::uint64_t scanned_ = 0, scanned_lists_ = 0;
  std::optional<Error> damaged_;  // of the present batch
};

}  // namespace

Result<HitLists> ivf_search(const codec::View& view, const Lists& lists, Metric metric, std::span<const float> queries,
                            const SearchOptions& options, base::ThreadPool& pool, SearchTimes* times,
                            const CheckedLists* checked) {
  ATTAR_ASSIGN(const Job job, Job::of(view, queries, lists.dims(), options));
  std::optional<ListFilter> own_filter;
  if (options.filter == nullptr && !options.allowed.empty()) {
    ATTAR_ASSIGN(own_filter, ListFilter::make(lists, options.allowed));
  }
  const ListFilter* filter = own_filter ? &*own_filter : options.filter;
  // Large batches share most, but every thread gets one.
  const std::size_t batch =
      std::clamp<std::size_t>((job.count() + pool.size() - 1) / pool.size(), 1, view.scorable()->most_queries());
  const std::size_t batches = (job.count() + batch - 1) / batch;
  HitLists out(job.count());
  std::vector<std::optional<Error>> errors(batches);
  std::vector<SearchTimes> spent(pool.size());
  std::vector<std::optional<Searching>> searching(pool.size());
  pool.run(batches, [&](std::size_t b, unsigned worker) {
    const std::size_t first = b * batch, size = std::min(batch, job.count() - first);
    auto start = Clock::now();
    auto scorer = view.scorable()->prepare(job.batch(first, size));
    spent[worker].prepare += seconds_since(start);
    start = Clock::now();
    if (!searching[worker]) searching[worker].emplace(job, lists, metric, filter, checked);
    const Status done =
        scorer ? searching[worker]->search(**scorer, first, size, out) : Status(std::unexpected(scorer.error()));
    if (!done) errors[b] = done.error();
    spent[worker].scan += seconds_since(start);
  });
  for (const auto& error : errors)
    if (error) return std::unexpected(*error);
  if (times == nullptr) return out;
  *times = {};
  std::uint64_t scanned = 0, scanned_lists = 0;
  for (unsigned worker = 0; worker < pool.size(); ++worker) {
    times->prepare += spent[worker].prepare;
    times->scan += spent[worker].scan;
    if (!searching[worker]) continue;
    scanned += searching[worker]->scanned();
    scanned_lists += searching[worker]->scanned_lists();
  }
  times->share = static_cast<double>(scanned) / (static_cast<double>(lists.rows()) * static_cast<double>(out.size()));
  times->lists = static_cast<double>(scanned_lists) / static_cast<double>(out.size());
  return out;
}

}  // namespace attar::index
