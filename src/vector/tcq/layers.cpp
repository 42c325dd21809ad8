#include "vector/tcq/layers.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace attar::vector::tcq {
namespace {

// Share of the rows' own energy that a first layer may leave. Measured on Debian-MiniLM, rows of 198 bytes, weighted
// with powers 0.35 and 0.6: the best 64 of 63,666 rows hold 99.9% of the ten best at 0.10, 99.1% at 0.14, 97.5% at
// 0.20.
constexpr double left_by_head = 0.11;

// Runs of the first layer hold whole units of every width that the second may use on them.
// A component costs a first look as much at one bit as at two.
constexpr Limits head_limits = {.grain = 32, .narrowest = 2};

// Sizes that are told apart when bytes are shared out.
constexpr std::uint32_t most_cells = 2048;

}  // namespace

std::uint32_t head_bytes_for(std::span<const double> variances, std::span<const double> cost, std::uint32_t most,
                             bool trellis) {
  const double all = std::inner_product(variances.begin(), variances.end(), cost.begin(), 0.0);
  const Allocator allocator(variances, most, trellis, head_limits);
  for (std::uint32_t bytes = 1; bytes <= most; ++bytes) {
    const Shape shape = allocator.at(bytes).shape;
    const std::vector<double> left = shares_left(shape, variances.size());
    double coded = 0;
    for (std::size_t i = 0; i < variances.size(); ++i) coded += (1 - left[i]) * variances[i] * cost[i];
    if (all - coded <= left_by_head * all) return bytes;
  }
  return 0;
}

LayeredAllocator::LayeredAllocator(std::span<const double> variances, std::uint32_t head_bytes,
                                   std::uint32_t most_row_bytes, bool trellis)
    : head_(Allocator(variances, head_bytes, trellis, head_limits).at(head_bytes)), trellis_(trellis) {
  room_ = most_row_bytes - std::min(most_row_bytes, head_.shape.row_bytes());
  cell_ = room_ / most_cells + 1;
  const auto dims = static_cast<std::uint32_t>(variances.size());
  for (std::size_t r = 0; r < head_.shape.run_count; ++r) {
    const Run& run = head_.shape.runs[r];
    const std::uint32_t end = std::min(dims, run.first + run.components());
    const auto own = variances.subspan(run.first, end - run.first);
    std::vector<double> left(own.begin(), own.end());
    for (double& variance : left) variance *= level_table(trellis, run.bits).distortion;
    add_segment(run.first, left, end == dims);
  }
  if (const std::uint32_t coded = head_.shape.components(); coded < dims)
    add_segment(coded, variances.subspan(coded), true);
  share_out();
}

void LayeredAllocator::add_segment(std::uint32_t first, std::span<const double> variances, bool to_the_end) {
  segments_.push_back({.first = first, .bytes = Allocator(variances, room_, trellis_, {.inside = !to_the_end})});
}

// Least distortion of the first segments in c cells, one segment after another.
void LayeredAllocator::share_out() {
  const std::uint32_t cells = room_ / cell_;
  least_.assign(cells + 1, 0.0);
  for (Segment& segment : segments_) {
    const std::vector<double> before = least_;
    segment.best.assign(cells + 1, 0);
    std::vector<double> own(cells + 1);
    for (std::uint32_t c = 0; c <= cells; ++c) own[c] = segment.bytes.distortion(c * cell_);
    for (std::uint32_t c = 0; c <= cells; ++c) {
      least_[c] = std::numeric_limits<double>::infinity();
      for (std::uint32_t mine = 0; mine <= c; ++mine)
        if (const double total = before[c - mine] + own[mine]; total < least_[c]) {
          least_[c] = total;
          segment.best[c] = mine;
        }
    }
  }
}

Allocation LayeredAllocator::at(std::uint32_t row_bytes) const {
  const std::uint32_t head = head_.shape.row_bytes();
  if (head == 0 || row_bytes < head) return {};
  std::uint32_t cells = std::min(room_, row_bytes - head) / cell_;
  Allocation out{.shape = head_.shape, .distortion = least_[cells]};
  std::vector<Shape> refinements(segments_.size());
  for (std::size_t s = segments_.size(); s-- > 0;) {
    const std::uint32_t own = segments_[s].best[cells];
    refinements[s] = segments_[s].bytes.at(own * cell_).shape;
    cells -= own;
  }
  for (std::size_t s = 0; s < segments_.size(); ++s)
    for (std::size_t r = 0; r < refinements[s].run_count; ++r) {
      Run& run = out.shape.runs[out.shape.run_count++] = refinements[s].runs[r];
      run.first += segments_[s].first;
    }
  return out;
}

}  // namespace attar::vector::tcq
