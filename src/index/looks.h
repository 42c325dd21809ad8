// What flat and inverted lists do alike with one query: gather rows in one look or two, and rank the best of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "codec/codec.h"

namespace attar::index {

using base::Clock;
using base::seconds_since;
using codec::no_row;
class ListFilter;

/// How rows are looked at. By default each is scored whole; with a head, all are scored by their first parts and the
/// best of them part by part, most dropping out on the way.
struct Look {
  std::uint32_t head = 0;       ///< parts in the first look; 0, or all that there are: one look
  std::uint32_t shortlist = 0;  ///< rows kept by the first look
  /// Of these only rows are looked at again whose score is no lower than the k-th best's less this many thousandths of
  /// what the parts after the head can add at the most (codec::Scorer::reach); 0: all.
  std::uint32_t window = 0;
  /// The best rows are ranked by the originals kept beside the codes: so many a query; 0: none.
  std::uint32_t rescored = 0;
  /// Lists are probed that are expected to hold this many billionths of what is sought; 0: all lists. FORMAT.md,
  /// "Search of lists".
  std::uint32_t probe = 0;
  /// A graph is walked with so many rows kept on the way, all of which are scored whole; 0: every row is scored.
  std::uint32_t beam = 0;
  /// The walk ends where no row is left that is nearer than the k-th best one's distance and this many ten-thousandths
  /// of it; 0: when all rows that are kept have been left.
  std::uint32_t stretch = 0;

  friend bool operator==(const Look&, const Look&) = default;
};

struct SearchOptions {
  std::uint32_t k = 10;
  Look look = {};
  std::span<const std::uint64_t> allowed = {};  ///< bit r of word r/64; empty: all rows
  const ListFilter* filter = nullptr;           ///< `allowed` as lists see it, where it is at hand; flat: not used
  std::span<const std::uint32_t> skip = {};     ///< one row a query to leave out, or no_row; empty: none
};

struct SearchTimes {
  double prepare = 0;  ///< seconds, summed over threads
  double scan = 0;
  double share = 1;  ///< of the rows that were looked at, on average
  double lists = 0;  ///< lists that were looked at, on average
  double steps = 0;  ///< rows of a graph whose links were followed, on average
};

/// The hits of each query, best first.
using HitLists = std::vector<std::vector<codec::Hit>>;

/// A shortlist is cut to this share after each further part, but never below kept_per_hit rows for each row asked for;
/// as many are refined where the scorer rounds its query.
inline constexpr std::uint32_t shortlist_cut = 8;
inline constexpr std::uint32_t kept_per_hit = 4;

/// The most rows that originals are asked about for each row asked for.
inline constexpr std::uint32_t most_rescored_per_hit = 8;

/// Queries against a view, and what is wanted of each.
struct Job {
  const codec::View& view;
  std::span<const float> queries;
  std::uint32_t dims;
  const SearchOptions& options;
  std::uint32_t kept;   ///< k, and one more where a row is to be left out
  std::uint32_t parts;  ///< in which a row can be scored

  /// `unsupported` where the view cannot be searched.
  [[nodiscard]] static Result<Job> of(const codec::View& view, std::span<const float> queries, std::uint32_t dims,
                                      const SearchOptions& options);

  [[nodiscard]] bool two_looks() const noexcept {
    return options.look.head != 0 && options.look.head < parts && options.look.shortlist != 0;
  }
  [[nodiscard]] std::uint32_t shortlist() const noexcept {
    return std::max(options.look.shortlist, kept_per_hit * kept);
  }
  [[nodiscard]] std::size_t count() const noexcept { return queries.size() / dims; }
  [[nodiscard]] codec::QueryBatch batch(std::size_t first, std::size_t size) const noexcept {
    return {queries.subspan(first * dims, size * dims), dims};
  }
  /// The k best of sorted hits, the row to leave out left out.
  [[nodiscard]] std::vector<codec::Hit> finish(std::size_t query, std::vector<codec::Hit> hits) const;
};

/// One query of a scorer's batch.
class Asked {
 public:
  Asked(const Job& job, const codec::Scorer& scorer, std::size_t place) : job_(job), scorer_(scorer), place_(place) {}

  /// Where the best rows of a full scan gather: more than asked for where they are to be told apart more finely.
  [[nodiscard]] codec::TopK top() const {
    return codec::TopK(scorer_.rounds(place_) ? kept_per_hit * job_.kept : job_.kept);
  }

  /// The best rows of a full scan; bias_of(row) is Scan::bias of a row.
  template <class BiasOf>
  [[nodiscard]] codec::TopK conclude(const codec::TopK& top, const BiasOf& bias_of) const {
    if (!scorer_.rounds(place_)) return top;
    std::vector<codec::Partial> rows;
    for (const codec::Hit& hit : top.sorted()) rows.push_back({.row = hit.row, .bias = bias_of(hit.row)});
    return score_again(std::move(rows));
  }

  /// The second look at a shortlist.
  [[nodiscard]] codec::TopK look_again(std::vector<codec::Partial> rows) const;

 private:
  void leave_out_of_reach(std::vector<codec::Partial>& rows) const;
  [[nodiscard]] codec::TopK score_again(std::vector<codec::Partial> rows) const;
  /// Of rows scored whole.
  [[nodiscard]] codec::TopK best_of(std::vector<codec::Partial> rows) const;

  const Job& job_;
  const codec::Scorer& scorer_;
  std::size_t place_;
};

}  // namespace attar::index
