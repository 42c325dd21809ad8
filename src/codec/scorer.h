// What a vector codec gives an index: scores of prepared queries against compressed rows.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "codec/shortlist.h"
#include "codec/topk.h"
#include "codec/vectors.h"

namespace attar::codec {

/// Queries, row-major; under cosine they arrive normalised. A batch shares the decoding of a block.
struct QueryBatch {
  std::span<const float> values;  ///< size() × dims
  std::uint32_t dims = 0;

  [[nodiscard]] std::size_t size() const noexcept { return dims == 0 ? 0 : values.size() / dims; }
  [[nodiscard]] std::span<const float> query(std::size_t i) const noexcept { return values.subspan(i * dims, dims); }
};

/// The most queries that share the decoding of a block, and that every prepare() takes.
inline constexpr std::size_t max_batch = 8;

/// A query's number in its batch.
using QueryNumber = std::uint16_t;

/// Bounds of one scan.
struct Scan {
  /// Bit r of word r/64 says whether row r may be returned; empty: all rows may.
  std::span<const std::uint64_t> allowed;
  /// Added to the row number for the TopK (a segment's first row).
  std::uint32_t row_offset = 0;
  /// By query of the batch, added to the inner product with every row of the range: ⟨q, c⟩ of the list that the rows
  /// lie in, whose codes hold x − c. Empty: nothing.
  std::span<const float> bias = {};
  /// The numbers of the queries to score; empty: the whole batch.
  std::span<const QueryNumber> which = {};

  [[nodiscard]] float bias_of(std::size_t query) const noexcept { return bias.empty() ? 0.0f : bias[query]; }
};

/// Prepared queries against one view. Scores: larger is nearer under every metric; l2 gives 2⟨q,x⟩ − ‖x‖², to which the
/// caller adds −‖q‖² (the negated squared distance). Const and safe to use from many threads at once.
class Scorer {
 public:
  virtual ~Scorer() = default;
  /// Offers every allowed row of the range to each query's TopK (one per query of the batch).
  virtual void scan(Range rows, const Scan& scan, std::span<TopK> top) const noexcept = 0;
  /// Scores of single rows: out[query · rows.size() + i]. Rows must be below the view's size.
  virtual void score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept = 0;

  /// Two looks, for a Scorable of more than one part (part_costs()). The first offers every allowed row of the range,
  /// scored by its first `parts` parts, to each query's list; rows count from the view's first.
  virtual void scan_parts(Range /*rows*/, const Scan& /*scan*/, std::uint32_t /*parts*/,
                          std::span<Shortlist> /*lists*/) const noexcept {}
  /// A hint that these rows are scanned next, by so many parts: their codes may be fetched meanwhile.
  virtual void expect(Range /*rows*/, std::uint32_t /*parts*/) const noexcept {}
  /// The second adds part number `part` to rows that hold all before it; after the last, score is what scan() gives.
  virtual void add_part(std::size_t /*query*/, std::uint32_t /*part*/, std::span<Partial> /*rows*/) const noexcept {}

  /// The most that the parts from number `parts` on can add to any row's score, all parts before it known.
  [[nodiscard]] virtual float reach(std::size_t /*query*/, std::uint32_t /*parts*/) const noexcept {
    return std::numeric_limits<float>::max();
  }

  /// A walk from row to row, for a Scorable that walks(). Scores of single rows by their first part: out[i] of rows[i],
  /// which must be below the view's size. It takes what a scan_parts() of one part would call Partial::score.
  virtual void score_first(std::size_t /*query*/, std::span<const std::uint32_t> /*rows*/,
                           std::span<float> /*out*/) const noexcept {}
  /// A hint that part number `part` of these rows is scored soon: their codes may be fetched meanwhile.
  virtual void expect_rows(std::span<const std::uint32_t> /*rows*/, std::uint32_t /*part*/) const noexcept {}
  /// Sets the score of each row to the whole one, as scan() gives it.
  virtual void finish_rows(std::size_t /*query*/, std::span<Partial> /*rows*/) const noexcept {}

  /// Whether scan() rounds this query so coarsely, beside what the codes themselves round, that an index should let
  /// refine() rank the best rows.
  [[nodiscard]] virtual bool rounds(std::size_t /*query*/) const noexcept { return false; }
  /// Scores rows that hold every part by the query as it came, as near as their codes tell.
  virtual void refine(std::size_t /*query*/, std::span<Partial> /*rows*/) const noexcept {}
};

class Scorable {
 public:
  virtual ~Scorable() = default;
  /// The largest batch that prepare() takes, no more than QueryNumber counts.
  [[nodiscard]] virtual std::size_t most_queries() const { return max_batch; }
  /// At most most_queries() of the schema's dimensions; fails on NaN, infinity or other dimensions.
  [[nodiscard]] virtual Result<std::unique_ptr<Scorer>> prepare(QueryBatch queries) const = 0;
  /// The parts in which a row can be scored, the most telling first: each one's share of the work of scoring a row. One
  /// part: only whole rows can be scored.
  [[nodiscard]] virtual std::vector<double> part_costs() const { return {1.0}; }
  /// Whether single rows are scored by their first part at little cost, as a walk over a graph needs: score_first(),
  /// expect_rows() and finish_rows() of its scorers work.
  [[nodiscard]] virtual bool walks() const { return false; }
};

}  // namespace attar::codec
