#include "vector/tcq/allocation.h"

#include <algorithm>
#include <array>
#include <limits>

namespace attar::vector::tcq {
namespace {

// Position advances by `step` groups of eight components at a time, so that the table stays small at any dimension.
constexpr std::size_t max_positions = 512;
constexpr double unreachable = std::numeric_limits<double>::infinity();

constexpr std::size_t groups_of(int bits) { return widths[static_cast<std::size_t>(bits)].unit / 8u; }

}  // namespace

// Dynamic programming over (width, position, bytes): best_[p][c] is the least distortion of the first p positions in
// exactly c cells of bytes, using widths not below the current one. No state depends on one of more cells, so the table
// of a ceiling holds those of all lower ones.
Allocator::Allocator(std::span<const double> variances, std::uint32_t most_row_bytes, bool trellis,
                     const Limits& limits)
    : dims_(variances.size()), trellis_(trellis), limits_(limits) {
  const std::size_t groups = (dims_ + 7) / 8;
  step_ = std::max<std::size_t>(1, (groups + max_positions - 1) / max_positions);
  // A padded unit of the narrowest widths may pass the end: zero variance, real bytes.
  positions_ = (groups + step_ - 1) / step_ + 8 + limits.grain / 8;
  cells_ = most_row_bytes / step_;
  sum_energy(variances);
  best_.assign((positions_ + 1) * (cells_ + 1), unreachable);
  choice_.assign(best_.size(), 0);
  best_[0] = 0;
  for (int bits = max_width; bits >= limits.narrowest; --bits) relax(bits);
  find_ends();
}

std::size_t Allocator::length(int bits) const noexcept { return std::max(groups_of(bits), limits_.grain / 8); }

void Allocator::sum_energy(std::span<const double> variances) {
  energy_.assign(positions_ + 1, 0.0);
  for (std::size_t p = 0; p < positions_; ++p) {
    energy_[p + 1] = energy_[p];
    for (std::size_t i = p * 8 * step_; i < std::min(dims_, (p + 1) * 8 * step_); ++i) energy_[p + 1] += variances[i];
  }
}

void Allocator::relax(int bits) {
  const double distortion = level_table(trellis_, bits).distortion;
  const std::size_t units = length(bits), bytes = units * static_cast<std::size_t>(bits);  // eight components: b bytes
  for (std::size_t p = units; p <= positions_; ++p) {
    if ((p - units) * 8 * step_ >= dims_) break;  // nothing left to code
    if (limits_.inside && p * 8 * step_ > dims_) break;
    const double gain = distortion * (energy_[p] - energy_[p - units]);
    for (std::size_t c = bytes; c <= cells_; ++c) {
      const double total = best_[state(p - units, c - bytes)] + gain;
      if (total < best_[state(p, c)]) {
        best_[state(p, c)] = total;
        choice_[state(p, c)] = static_cast<std::uint8_t>(bits);
      }
    }
  }
}

void Allocator::find_ends() {
  std::size_t end = 0;
  double least = unreachable;
  for (std::size_t c = 0; c <= cells_; ++c) {
    for (std::size_t p = 0; p <= positions_; ++p) {
      const double total = best_[state(p, c)] + energy_[positions_] - energy_[p];
      if (total < least) {
        least = total;
        end = state(p, c);
      }
    }
    ends_.push_back(end);
  }
}

std::size_t Allocator::end_of(std::uint32_t row_bytes) const noexcept {
  return ends_[std::min<std::size_t>(cells_, row_bytes / step_)];
}

double Allocator::distortion_at(std::size_t end) const noexcept {
  return best_[end] + energy_[positions_] - energy_[end / (cells_ + 1)];
}

double Allocator::distortion(std::uint32_t row_bytes) const { return distortion_at(end_of(row_bytes)); }

Allocation Allocator::at(std::uint32_t row_bytes) const {
  const std::size_t end = end_of(row_bytes);
  Allocation out;
  out.shape.trellis = trellis_;
  std::size_t p = end / (cells_ + 1), c = end % (cells_ + 1);
  out.distortion = distortion_at(end);
  std::array<std::size_t, max_width + 1> units{};
  // A state on the way may have been improved by a narrower width after this path was laid: the units count, and
  // in falling order they do no worse than in the order found.
  while (p != 0) {
    const int bits = choice_[state(p, c)];
    units[static_cast<std::size_t>(bits)] += step_ * length(bits) / groups_of(bits);
    p -= length(bits);
    c -= length(bits) * static_cast<std::size_t>(bits);
  }
  for (int bits = max_width; bits >= 1; --bits)
    if (const std::size_t count = units[static_cast<std::size_t>(bits)]; count != 0)
      out.shape.runs[out.shape.run_count++] = {.bits = static_cast<std::uint8_t>(bits),
                                               .units = static_cast<std::uint16_t>(count),
                                               .first = out.shape.components()};
  drop_padding(out.shape);
  return out;
}

// Where units come several at a time, the last of them may hold nothing but padding.
void Allocator::drop_padding(Shape& shape) const {
  while (shape.run_count != 0) {
    Run& last = shape.runs[shape.run_count - 1];
    if (shape.components() < dims_ + widths[last.bits].unit) return;
    if (--last.units == 0) --shape.run_count;
  }
}

std::vector<Cell> cells_of(const Shape& shape, std::size_t dims) {
  std::vector<std::size_t> ends;
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const Run& run = shape.runs[r];
    ends.push_back(std::min<std::size_t>(dims, run.first));
    ends.push_back(std::min<std::size_t>(dims, run.first + run.components()));
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  std::vector<Cell> out;
  for (std::size_t i = 1; i < ends.size(); ++i) out.push_back({ends[i - 1], ends[i]});
  return out;
}

Allocation allocate(std::span<const double> variances, std::uint32_t row_bytes, bool trellis) {
  return Allocator(variances, row_bytes, trellis).at(row_bytes);
}

}  // namespace attar::vector::tcq
