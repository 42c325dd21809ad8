// Prepared queries against esq codes.
#pragma once

#include <vector>

#include "vector/esq/query.h"
#include "vector/esq/view.h"

namespace attar::vector::esq {

class EsqScorer final : public codec::Scorer {
 public:
  /// A batch that check_batch() lets pass.
  EsqScorer(const EsqView& view, codec::QueryBatch queries);

  void scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept override;
  void score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept override;
  void scan_parts(codec::Range rows, const codec::Scan& scan, std::uint32_t parts,
                  std::span<codec::Shortlist> lists) const noexcept override;
  void expect(codec::Range rows, std::uint32_t parts) const noexcept override;
  void add_part(std::size_t query, std::uint32_t part, std::span<codec::Partial> rows) const noexcept override;
  void score_first(std::size_t query, std::span<const std::uint32_t> rows,
                   std::span<float> out) const noexcept override;
  void expect_rows(std::span<const std::uint32_t> rows, std::uint32_t part) const noexcept override;
  void finish_rows(std::size_t query, std::span<codec::Partial> rows) const noexcept override;

 private:
  struct Some;  // rows on their way through a kernel
  enum class Part : std::uint8_t { walk, finish };

  template <class Take>
  void each_scanned(codec::Range rows, const codec::Scan& scan, Part part, const Take& take) const noexcept;
  void load(Some& some, Part part) const noexcept;
  void score_some(std::size_t query, Part part, Some& some) const noexcept;
  void score_partials(std::size_t query, Part part, std::span<codec::Partial> rows) const noexcept;
  void prefetch_row(std::uint32_t row, Part part) const noexcept;

  const EsqView& view_;
  const Kernel& kernel_;
  std::vector<RoundedQuery> queries_;
};

}  // namespace attar::vector::esq
