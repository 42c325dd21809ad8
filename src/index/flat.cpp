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
  std::uint32_t kept;  // k, and one more where a row is to be left out

  [[nodiscard]] std::size_t count() const { return queries.size() / dims; }
  [[nodiscard]] codec::QueryBatch batch(std::size_t first, std::size_t size) const {
    return {queries.subspan(first * dims, size * dims), dims};
  }
  [[nodiscard]] std::vector<codec::Hit> finish(std::size_t query, const codec::TopK& top) const {
    return without(top.sorted(), options.skip.empty() ? no_row : options.skip[query], options.k);
  }
};

using Lists = std::vector<std::vector<codec::Hit>>;

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
    std::vector<codec::TopK> top(size, codec::TopK(job.kept));
    (*scorer)->scan({0, job.view.size()}, {.allowed = job.options.allowed}, top);
    for (std::size_t q = 0; q < size; ++q) out[first + q] = job.finish(first + q, top[q]);
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

// One batch at a time, its rows split over the pool.
Result<Lists> by_rows(const Job& job, base::ThreadPool& pool, FlatTimes& times) {
  Lists out(job.count());
  const std::size_t pieces = static_cast<std::size_t>((job.view.size() + split_rows - 1) / split_rows);
  for (std::size_t first = 0; first < job.count(); first += codec::max_batch) {
    const std::size_t size = std::min(codec::max_batch, job.count() - first);
    auto start = Clock::now();
    ATTAR_ASSIGN(const auto scorer, job.view.scorable()->prepare(job.batch(first, size)));
    times.prepare += seconds_since(start);
    start = Clock::now();
    std::vector<std::vector<codec::TopK>> top(pool.size(), std::vector(size, codec::TopK(job.kept)));
    pool.run(pieces, [&](std::size_t piece, unsigned worker) {
      const codec::Range rows{piece * split_rows, std::min(job.view.size(), (piece + 1) * split_rows)};
      scorer->scan(rows, {.allowed = job.options.allowed}, top[worker]);
    });
    for (std::size_t q = 0; q < size; ++q) {
      for (std::size_t worker = 1; worker < top.size(); ++worker) top[0][q].merge(top[worker][q]);
      out[first + q] = job.finish(first + q, top[0][q]);
    }
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
  const auto kept = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{k} + (options.skip.empty() ? 0 : 1), most));
  const Job job{view, queries, dims, options, kept};
  FlatTimes spent;
  const bool many = job.count() >= pool.size() * codec::max_batch || pool.size() == 1;
  auto out = many ? by_batches(job, pool, spent) : by_rows(job, pool, spent);
  if (times != nullptr) *times = spent;
  return out;
}

}  // namespace attar::index
