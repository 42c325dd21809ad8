// Prepared queries against tcq codes.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "vector/tcq/view.h"

namespace attar::vector::tcq {

class TcqScorer final : public codec::Scorer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<codec::Scorer>> prepare(const TcqView& view, codec::QueryBatch queries);

  void scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept override;
  void score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept override;

 private:
  struct Block;  // one block of 32 rows on its way through the runs

  TcqScorer(const TcqView& view, const Kernel& kernel) : view_(view), kernel_(kernel) {}
  void quantize(std::size_t query, std::span<const float> components);
  void scan_block(std::uint64_t index, std::uint32_t valid, std::uint32_t row_offset,
                  std::span<codec::TopK> top) const noexcept;
  static void offer(const Block& block, codec::TopK& top) noexcept;

  const TcqView& view_;
  const Kernel& kernel_;
  std::size_t count_ = 0;
  std::size_t stride_ = 0;
  std::vector<std::int8_t> values_;     // [query][component]
  std::vector<float> factors_;          // [query][max_runs]
  std::vector<std::int32_t> sums_;      // [query][max_runs]
  std::vector<float> base_;             // ⟨q, c⟩
  std::vector<float> reach_;            // [query][max_runs]: most that the runs after r can add to any row
};

}  // namespace attar::vector::tcq
