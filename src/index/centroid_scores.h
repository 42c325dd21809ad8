// Queries against all centroids: each list's share of a score, and which lists are worth a look.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/metric.h"
#include "codec/scorer.h"
#include "index/list_filter.h"
#include "index/lists.h"

namespace attar::index {

/// Lists worth a look, each part ascending.
struct Worth {
  std::vector<std::uint32_t> first;  ///< the most promising: what they hold makes the others quick to scan
  std::vector<std::uint32_t> then;
};

/// Scores of a batch of queries; FORMAT.md, "Search of lists". The same on every machine, to the bit.
class CentroidScores {
 public:
  CentroidScores(const Lists& lists, Metric metric) : lists_(lists), metric_(metric) {}

  /// `queries`: prepared, of the lists' dimensions. They outlive what is asked about them.
  void score(codec::QueryBatch queries);
  /// ⟨q, c⟩ of a list and each query in `which`, written to biases[query].
  void inner(std::uint32_t list, std::span<const codec::QueryNumber> which, std::span<float> biases);
  /// The same of one query.
  [[nodiscard]] float inner(std::size_t query, std::uint32_t list) const noexcept;
  /// The lists that are expected to hold at least `probe` billionths of what the query seeks.
  /// With a filter, of those that hold allowed rows.
  /// Quickest where queries are asked about in their order, as promises() is.
  [[nodiscard]] Worth worth(std::size_t query, std::uint32_t probe, const ListFilter* filter);
  /// How good the best rows of each list are taken to be, by list.
  [[nodiscard]] std::vector<float> promises(std::size_t query);

 private:
  void multiply(std::uint32_t list, std::span<const codec::QueryNumber> which, std::span<const std::int8_t> rounded,
                std::span<const std::int32_t> sums, std::int32_t* out) const noexcept;
  [[nodiscard]] float product(std::size_t query, std::uint32_t list, std::int32_t coarse,
                              std::int32_t rest) const noexcept;
  /// By list, of coarse_.
  [[nodiscard]] std::span<const std::int32_t> coarse_products(std::size_t query);
  void round(std::size_t query, std::span<const float> values);
  /// Fills in promises by list; how widely scores of a list's rows spread about its centroid's.
  float promise(std::size_t query, std::span<float> out);

  const Lists& lists_;
  Metric metric_;
  codec::QueryBatch queries_;
  std::vector<std::int8_t> coarse_, rest_;            // [query][dims]
  std::vector<std::int32_t> query_sums_, rest_sums_;  // by query: Σ of coarse_, of rest_
  std::vector<float> units_;                          // by query: what 1 in coarse_ stands for
  std::vector<std::int32_t> some_coarse_, some_rests_;
  std::vector<std::int32_t> products_;  // [query of multiplied_][list]: of coarse_
  codec::Range multiplied_;
};

}  // namespace attar::index
