// Prepared queries against tcq codes.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "vector/tcq/query.h"
#include "vector/tcq/view.h"

namespace attar::vector::tcq {

class TcqScorer final : public codec::Scorer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<codec::Scorer>> prepare(const TcqView& view, codec::QueryBatch queries);

  void scan(codec::Range rows, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept override;
  void score(std::span<const std::uint32_t> rows, std::span<float> out) const noexcept override;
  void scan_parts(codec::Range rows, const codec::Scan& scan, std::uint32_t parts,
                  std::span<codec::Shortlist> lists) const noexcept override;
  void add_part(std::size_t query, std::uint32_t part, std::span<codec::Partial> rows) const noexcept override;
  [[nodiscard]] bool rounds(std::size_t query) const noexcept override { return rounds_[query]; }
  void refine(std::size_t query, std::span<codec::Hit> rows) const noexcept override;

 private:
  struct Block;  // one block of 32 rows on its way through the runs
  // What a first look reads of a row, and what its sums are raised by.
  struct Head {
    std::size_t runs = 0;
    float gain = 1;
  };

  TcqScorer(const TcqView& view, const Kernel& kernel, std::size_t count);
  void take(std::size_t query, std::span<const float> components);
  template <class Take>
  void each_block(codec::Range rows, const codec::Scan& scan, const Take& take) const noexcept;
  void load(Block& block, std::uint64_t index) const noexcept;
  void scan_block(Block& block, std::span<codec::TopK> top) const noexcept;
  void add_run(const RoundedQueries& queries, std::size_t query, std::size_t run,
               std::span<codec::Partial> rows) const noexcept;
  void scan_head(Block& block, const Head& head, std::span<codec::Shortlist> lists) const noexcept;
  [[nodiscard]] static float largest_norm(const Block& block) noexcept;
  [[nodiscard]] float score_of(std::size_t query, std::uint32_t row, float sum, float gain) const noexcept;
  [[nodiscard]] Finish finish(const Block& block, std::size_t query) const noexcept;

  const TcqView& view_;
  const Kernel& kernel_;
  std::size_t count_;
  RoundedQueries coarse_;
  RoundedQueries rest_;              // what the rounding left, where it matters
  std::vector<bool> rounds_;         // whether it does
  std::vector<float> base_;          // ⟨q, c⟩
  std::vector<float> reach_;         // [query][max_runs]: most that the runs after r can add to any row
};

}  // namespace attar::vector::tcq
