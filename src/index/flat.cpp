#include "index/flat.h"

#include <algorithm>
#include <optional>

namespace attar::index {
namespace {

// Rows of one piece when a scan is split; a multiple of the codecs' blocks.
constexpr std::uint64_t split_rows = 16'384;

// Rows of a flat view lie in no list.
float no_bias(std::uint32_t) { return 0; }

std::vector<codec::TopK> empty_tops(const Job& job, const codec::Scorer& scorer, std::size_t size) {
  std::vector<codec::TopK> out;
  for (std::size_t place = 0; place < size; ++place) out.push_back(Asked(job, scorer, place).top());
  return out;
}

// One batch a task.
Result<HitLists> by_batches(const Job& job, base::ThreadPool& pool, SearchTimes& times) {
  const std::size_t batches = (job.count() + codec::max_batch - 1) / codec::max_batch;
  HitLists out(job.count());
  std::vector<std::optional<Error>> errors(batches);
  std::vector<SearchTimes> spent(pool.size());
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
        out[first + q] = job.finish(first + q, Asked(job, **scorer, q).look_again(lists[q].take()).sorted());
    } else {
      std::vector<codec::TopK> top = empty_tops(job, **scorer, size);
      (*scorer)->scan(all, scan, top);
      for (std::size_t q = 0; q < size; ++q)
        out[first + q] = job.finish(first + q, Asked(job, **scorer, q).conclude(top[q], no_bias).sorted());
    }
    spent[worker].scan += seconds_since(start);
  });
  for (const auto& error : errors)
    if (error) return std::unexpected(*error);
  for (const SearchTimes& part : spent) {
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
                base::ThreadPool& pool, HitLists& out) {
  const auto top =
      split(job, pool, empty_tops(job, scorer, size), [&](codec::Range rows, std::span<codec::TopK> found) {
        scorer.scan(rows, {.allowed = job.options.allowed}, found);
      });
  for (std::size_t q = 0; q < size; ++q)
    out[first + q] = job.finish(first + q, Asked(job, scorer, q).conclude(top[q], no_bias).sorted());
}

void split_two_looks(const Job& job, const codec::Scorer& scorer, std::size_t first, std::size_t size,
                     base::ThreadPool& pool, HitLists& out) {
  auto lists = split(job, pool, std::vector(size, codec::Shortlist(job.shortlist())),
                     [&](codec::Range rows, std::span<codec::Shortlist> found) {
                       scorer.scan_parts(rows, {.allowed = job.options.allowed}, job.options.look.head, found);
                     });
  for (std::size_t q = 0; q < size; ++q)
    out[first + q] = job.finish(first + q, Asked(job, scorer, q).look_again(lists[q].take()).sorted());
}

// One batch at a time, its rows split over the pool.
Result<HitLists> by_rows(const Job& job, base::ThreadPool& pool, SearchTimes& times) {
  HitLists out(job.count());
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

Result<HitLists> flat_search(const codec::View& view, std::span<const float> queries, std::uint32_t dims,
                             const SearchOptions& options, base::ThreadPool& pool, SearchTimes* times) {
  ATTAR_ASSIGN(const Job job, Job::of(view, queries, dims, options));
  SearchTimes spent;
  const bool many = job.count() >= pool.size() * codec::max_batch || pool.size() == 1;
  auto out = many ? by_batches(job, pool, spent) : by_rows(job, pool, spent);
  if (times != nullptr) *times = spent;
  return out;
}

}  // namespace attar::index
