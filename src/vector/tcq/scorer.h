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
  void expect(codec::Range rows, std::uint32_t parts) const noexcept override;
  void add_part(std::size_t query, std::uint32_t part, std::span<codec::Partial> rows) const noexcept override;
  [[nodiscard]] float reach(std::size_t query, std::uint32_t parts) const noexcept override {
    const float products = reach_[query * max_runs + view_.model().shape.part(parts - 1).last - 1];
    return view_.schema().metric == Metric::l2 ? 2.0f * products : products;
  }
  [[nodiscard]] bool rounds(std::size_t query) const noexcept override { return rounds_[query]; }
  void refine(std::size_t query, std::span<codec::Partial> rows) const noexcept override;

 private:
  struct Blocks;  // blocks of 32 rows on their way through the runs
  // What a first look reads of a row, and what its sums are raised by.
  struct Head {
    std::size_t runs = 0;
    float gain = 1;
    bool keeps_levels = false;  ///< decoded once for all queries
  };

  TcqScorer(const TcqView& view, const Kernel& kernel, std::size_t count);
  void take(std::size_t query, std::span<const float> components);
  template <class Take>
  void each_blocks(codec::Range rows, const codec::Scan& scan, std::size_t most, Blocks& blocks,
                   const Take& take) const noexcept;
  [[nodiscard]] std::span<const codec::QueryNumber> asked(const codec::Scan& scan) const noexcept;
  void seat(Blocks& blocks, std::span<const codec::QueryNumber> which, const codec::Scan& scan) const noexcept;
  static void trim(Blocks& blocks) noexcept;
  void load(Blocks& blocks, std::size_t block) const noexcept;
  void scan_block(Blocks& block, const codec::Scan& scan, std::span<codec::TopK> top) const noexcept;
  void add_runs(const RoundedQueries& queries, std::size_t query, RunRange runs,
                std::span<codec::Partial> rows) const noexcept;
  void fetch(RunRange runs, std::span<const codec::Partial> rows) const noexcept;
  void scan_head(Blocks& blocks, const Head& head, std::span<const codec::QueryNumber> which, const codec::Scan& scan,
                 std::span<codec::Shortlist> lists) const noexcept;
  void gather(const Blocks& blocks, const codec::Scan& scan, std::span<codec::Shortlist> lists) const noexcept;
  [[nodiscard]] static float largest_norm(const Blocks& block) noexcept;
  [[nodiscard]] float score_of(std::size_t query, const codec::Partial& row, float gain) const noexcept;
  [[nodiscard]] Finish finish(const Blocks& blocks, std::size_t block, std::size_t slot, std::size_t count,
                              const float* thresholds) const noexcept;

  const TcqView& view_;
  const Kernel& kernel_;
  std::size_t count_;
  RoundedQueries coarse_;
  RoundedQueries rest_;       // what the rounding left, where it matters
  std::vector<bool> rounds_;  // whether it does
  std::vector<float> base_;   // ⟨q, c⟩
  std::vector<float> reach_;  // [query][max_runs]: most that the runs after r can add to any row
};

}  // namespace attar::vector::tcq
