#include "index/rescore.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace attar::index {
namespace {

Status rescore_one(const codec::View& originals, codec::QueryBatch query, std::uint32_t k,
                   std::vector<codec::Hit>& hits) {
  std::sort(hits.begin(), hits.end(), [](const codec::Hit& a, const codec::Hit& b) { return a.row < b.row; });
  std::vector<std::uint32_t> rows;
  for (const codec::Hit& hit : hits) {
    ATTAR_TRY(originals.verify({hit.row, std::uint64_t{hit.row} + 1}));
    rows.push_back(hit.row);
  }
  ATTAR_ASSIGN(const auto scorer, originals.scorable()->prepare(query));
  std::vector<float> scores(rows.size());
  scorer->score(rows, scores);
  for (std::size_t i = 0; i < hits.size(); ++i) hits[i].score = scores[i];
  // Of hostile codes; a scan leaves such rows out as well.
  std::erase_if(hits, [](const codec::Hit& hit) { return std::isnan(hit.score); });
  std::sort(hits.begin(), hits.end(), [](const codec::Hit& a, const codec::Hit& b) { return a.before(b); });
  if (hits.size() > k) hits.resize(k);
  return {};
}

}  // namespace

SearchOptions before_rescoring(const SearchOptions& options) {
  SearchOptions out = options;
  out.k = std::max(options.k, options.look.rescored);
  return out;
}

Status rescore(const codec::View& originals, std::span<const float> queries, std::uint32_t dims, std::uint32_t k,
               HitLists& hits, base::ThreadPool& pool) {
  std::vector<Status> outcome(hits.size());
  pool.run(hits.size(), [&](std::size_t q, unsigned) {
    outcome[q] = rescore_one(originals, {queries.subspan(q * dims, dims), dims}, k, hits[q]);
  });
  for (Status& status : outcome) ATTAR_TRY(std::move(status));
  return {};
}

}  // namespace attar::index
