#include "index/looks.h"

#include <functional>

namespace attar::index {
namespace {

constexpr float thousandth = 1e-3f;

void keep_best(std::vector<codec::Partial>& rows, std::size_t most) {
  if (rows.size() <= most) return;
  std::nth_element(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(most), rows.end(),
                   [](const codec::Partial& a, const codec::Partial& b) { return a.before(b); });
  rows.resize(most);
}

}  // namespace

Result<Job> Job::of(const codec::View& view, std::span<const float> queries, std::uint32_t dims,
                    const SearchOptions& options) {
  if (view.scorable() == nullptr) return fail(ErrorCode::unsupported, "this codec cannot score its codes");
  const std::uint64_t most = std::max<std::uint64_t>(1, view.size());
  const std::uint64_t k = std::min<std::uint64_t>(options.k, most);
  const auto kept = static_cast<std::uint32_t>(std::min<std::uint64_t>(k + (options.skip.empty() ? 0 : 1), most));
  const auto parts = static_cast<std::uint32_t>(view.scorable()->part_costs().size());
  return Job{view, queries, dims, options, kept, parts};
}

std::vector<codec::Hit> Job::finish(std::size_t query, std::vector<codec::Hit> hits) const {
  const std::uint32_t skipped = options.skip.empty() ? no_row : options.skip[query];
  std::erase_if(hits, [skipped](const codec::Hit& hit) { return hit.row == skipped; });
  if (hits.size() > options.k) hits.resize(options.k);
  return hits;
}

codec::TopK Asked::score_again(std::vector<codec::Partial> rows) const {
  for (std::uint32_t part = 0; part < job_.parts; ++part) scorer_.add_part(place_, part, rows);
  return best_of(std::move(rows));
}

// Rows that the parts to come will not lift among the best.
void Asked::leave_out_of_reach(std::vector<codec::Partial>& rows) const {
  if (job_.options.look.window == 0 || rows.size() <= job_.kept) return;
  std::vector<float> scores(rows.size());
  std::transform(rows.begin(), rows.end(), scores.begin(), [](const codec::Partial& row) { return row.score; });
  const auto kth = scores.begin() + static_cast<std::ptrdiff_t>(job_.kept - 1);
  std::nth_element(scores.begin(), kth, scores.end(), std::greater<>());
  const float reach = scorer_.reach(place_, job_.options.look.head);
  const float least = *kth - thousandth * static_cast<float>(job_.options.look.window) * reach;
  std::erase_if(rows, [least](const codec::Partial& row) { return row.score < least; });
}

codec::TopK Asked::look_again(std::vector<codec::Partial> rows) const {
  leave_out_of_reach(rows);
  std::size_t most = job_.shortlist();
  for (std::uint32_t part = job_.options.look.head; part < job_.parts; ++part) {
    scorer_.add_part(place_, part, rows);
    most = std::max<std::size_t>(most / shortlist_cut, std::size_t{kept_per_hit} * job_.kept);
    if (part + 1 < job_.parts) keep_best(rows, most);
  }
  return best_of(std::move(rows));
}

codec::TopK Asked::best_of(std::vector<codec::Partial> rows) const {
  if (scorer_.rounds(place_)) {
    keep_best(rows, std::size_t{kept_per_hit} * job_.kept);
    scorer_.refine(place_, rows);
  }
  codec::TopK top(job_.kept);
  for (const codec::Partial& row : rows) top.push(row.score, row.row);
  return top;
}

}  // namespace attar::index
