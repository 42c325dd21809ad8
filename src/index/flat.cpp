#include "index/flat.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace attar::index {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Rows of one piece when a scan is split; a multiple of the codecs' blocks.
constexpr std::uint64_t split_rows = 16'384;

std::vector<codec::Hit> without(std::vector<codec::Hit> hits, std::uint32_t skipped, std::uint32_t k) {
  std::erase_if(hits, [skipped](const codec::Hit& hit) { return hit.row == skipped; });
  if (hits.size() > k) hits.resize(k);
  return hits;
}

struct Job {
  const codec::View& view;
  std::span<const float> queries;
  std::uint32_t dims;
  const FlatOptions& options;
  std::uint32_t kept;   // k, and one more where a row is to be left out
  std::uint32_t parts;  // in which a row can be scored

  [[nodiscard]] bool two_looks() const {
    return options.look.head != 0 && options.look.head < parts && options.look.shortlist != 0;
  }
  [[nodiscard]] std::uint32_t shortlist() const { return std::max(options.look.shortlist, kept_per_hit * kept); }

  [[nodiscard]] std::size_t count() const { return queries.size() / dims; }
  [[nodiscard]] codec::QueryBatch batch(std::size_t first, std::size_t size) const {
    return {queries.subspan(first * dims, size * dims), dims};
  }
  [[nodiscard]] std::vector<codec::Hit> finish(std::size_t query, const codec::TopK& top) const {
    return without(top.sorted(), options.skip.empty() ? no_row : options.skip[query], options.k);
  }
};

bool before(const codec::Partial& a, const codec::Partial& b) { return a.before(b); }

void keep_best(std::vector<codec::Partial>& rows, std::size_t most) {
  if (rows.size() <= most) return;
  std::nth_element(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(most), rows.end(), before);
  rows.resize(most);
}

using Lists = std::vector<std::vector<codec::Hit>>;

// One query of a scorer's batch.
class Asked {
 public:
  Asked(const Job& job, const codec::Scorer& scorer, std::size_t place) : job_(job), scorer_(scorer), place_(place) {}

  // Where the best rows of a full scan gather: more than asked for where they are to be told apart more finely.
  [[nodiscard]] codec::TopK top() const {
    return codec::TopK(scorer_.rounds(place_) ? kept_per_hit * job_.kept : job_.kept);
  }

  // The best rows of a full scan.
  [[nodiscard]] codec::TopK conclude(const codec::TopK& top) const {
    if (!scorer_.rounds(place_)) return top;
    std::vector<codec::Partial> rows;
    for (const codec::Hit& hit : top.sorted()) rows.push_back({.row = hit.row});
    for (std::uint32_t part = 0; part < job_.parts; ++part) scorer_.add_part(place_, part, rows);
    return best_of(std::move(rows));
  }

  // The second look at a shortlist.
  [[nodiscard]] codec::TopK look_again(std::vector<codec::Partial> rows) const {
    std::size_t most = job_.shortlist();
    for (std::uint32_t part = job_.options.look.head; part < job_.parts; ++part) {
      scorer_.add_part(place_, part, rows);
      most = std::max<std::size_t>(most / shortlist_cut, std::size_t{kept_per_hit} * job_.kept);
      if (part + 1 < job_.parts) keep_best(rows, most);
    }
    return best_of(std::move(rows));
  }

 private:
  // Of rows scored whole.
  [[nodiscard]] codec::TopK best_of(std::vector<codec::Partial> rows) const {
    if (scorer_.rounds(place_)) {
      keep_best(rows, std::size_t{kept_per_hit} * job_.kept);
      scorer_.refine(place_, rows);
    }
    codec::TopK top(job_.kept);
    for (const codec::Partial& row : rows) top.push(row.score, row.row);
    return top;
  }

  const Job& job_;
  const codec::Scorer& scorer_;
  std::size_t place_;
};

std::vector<codec::TopK> empty_tops(const Job& job, const codec::Scorer& scorer, std::size_t size) {
  std::vector<codec::TopK> out;
  for (std::size_t place = 0; place < size; ++place) out.push_back(Asked(job, scorer, place).top());
  return out;
}

// One batch a task.
Result<Lists> by_batches(const Job& job, base::ThreadPool& pool, FlatTimes& times) {
  const std::size_t batches = (job.count() + codec::max_batch - 1) / codec::max_batch;
  Lists out(job.count());
  std::vector<std::optional<Error>> errors(batches);
  std::vector<FlatTimes> spent(pool.size());
  pool.run(batches, [&](std::size_t b, unsigned worker) {
    const std::size_t first = b * codec::max_batch;
    const std::size_t size = std::min(codec::max_batch, job.count() - first);
    auto start = Clock::now();
    auto scorer = job.view.scorable()->prepare(job.batch(first, size));
    spent[worker].prepare += seconds_since(start);
    if (!scorer) {
      errors[b] = std::move(scorer).error();
      return;
    }
    start = Clock::now();
    const codec::Range all{0, job.view.size()};
    const codec::Scan scan{.allowed = job.options.allowed};
    if (job.two_looks()) {
      std::vector<codec::Shortlist> lists(size, codec::Shortlist(job.shortlist()));
      (*scorer)->scan_parts(all, scan, job.options.look.head, lists);
      for (std::size_t q = 0; q < size; ++q)
        out[first + q] = job.finish(first + q, Asked(job, **scorer, q).look_again(lists[q].take()));
    } else {
      std::vector<codec::TopK> top = empty_tops(job, **scorer, size);
      (*scorer)->scan(all, scan, top);
      for (std::size_t q = 0; q < size; ++q)
        out[first + q] = job.finish(first + q, Asked(job, **scorer, q).conclude(top[q]));
    }
    spent[worker].scan += seconds_since(start);
  });
  for (const auto& error : errors)
    if (error) return std::unexpected(*error);
  for (const FlatTimes& part : spent) {
    times.prepare += part.prepare;
    times.scan += part.scan;
  }
  return out;
}

// Calls scan(rows, worker's results) for the pieces of all rows, and adds the workers' results up in the first's.
template <class Top, class Scanning>
std::vector<Top> split(const Job& job, base::ThreadPool& pool, const std::vector<Top>& empty, const Scanning& scan) {
  std::vector<std::vector<Top>> found(pool.size(), empty);
  pool.run(static_cast<std::size_t>((job.view.size() + split_rows - 1) / split_rows),
           [&](std::size_t piece, unsigned worker) {
             scan(codec::Range{piece * split_rows, std::min(job.view.size(), (piece + 1) * split_rows)}, found[worker]);
           });
  for (std::size_t worker = 1; worker < found.size(); ++worker)
    for (std::size_t q = 0; q < empty.size(); ++q) found[0][q].merge(found[worker][q]);
  return std::move(found[0]);
}

void split_scan(const Job& job, const codec::Scorer& scorer, std::size_t first, std::size_t size,
                base::ThreadPool& pool, Lists& out) {
  const auto top =
      split(job, pool, empty_tops(job, scorer, size), [&](codec::Range rows, std::span<codec::TopK> found) {
        scorer.scan(rows, {.allowed = job.options.allowed}, found);
      });
  for (std::size_t q = 0; q < size; ++q) out[first + q] = job.finish(first + q, Asked(job, scorer, q).conclude(top[q]));
}

void split_two_looks(const Job& job, const codec::Scorer& scorer, std::size_t first, std::size_t size,
                     base::ThreadPool& pool, Lists& out) {
  auto lists = split(job, pool, std::vector(size, codec::Shortlist(job.shortlist())),
                     [&](codec::Range rows, std::span<codec::Shortlist> found) {
                       scorer.scan_parts(rows, {.allowed = job.options.allowed}, job.options.look.head, found);
                     });
  for (std::size_t q = 0; q < size; ++q)
    out[first + q] = job.finish(first + q, Asked(job, scorer, q).look_again(lists[q].take()));
}

// One batch at a time, its rows split over the pool.
Result<Lists> by_rows(const Job& job, base::ThreadPool& pool, FlatTimes& times) {
  Lists out(job.count());
  for (std::size_t first = 0; first < job.count(); first += codec::max_batch) {
    const std::size_t size = std::min(codec::max_batch, job.count() - first);
    auto start = Clock::now();
    ATTAR_ASSIGN(const auto scorer, job.view.scorable()->prepare(job.batch(first, size)));
    times.prepare += seconds_since(start);
    start = Clock::now();
    if (job.two_looks())
      split_two_looks(job, *scorer, first, size, pool, out);
    else
      split_scan(job, *scorer, first, size, pool, out);
    times.scan += seconds_since(start);
  }
  return out;
}

}  // namespace

Result<Lists> flat_search(const codec::View& view, std::span<const float> queries, std::uint32_t dims,
                          const FlatOptions& options, base::ThreadPool& pool, FlatTimes* times) {
  if (view.scorable() == nullptr) return fail(ErrorCode::unsupported, "this codec cannot score its codes");
  const std::uint64_t most = std::max<std::uint64_t>(1, view.size());
  const auto k = static_cast<std::uint32_t>(std::min<std::uint64_t>(options.k, most));
  const auto kept =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{k} + (options.skip.empty() ? 0 : 1), most));
  const auto parts = static_cast<std::uint32_t>(view.scorable()->part_costs().size());
  const Job job{view, queries, dims, options, kept, parts};
  FlatTimes spent;
  const bool many = job.count() >= pool.size() * codec::max_batch || pool.size() == 1;
  auto out = many ? by_batches(job, pool, spent) : by_rows(job, pool, spent);
  if (times != nullptr) *times = spent;
  return out;
}

}  // namespace attar::index
