#include "vector/tcq/allocation.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace attar::vector::tcq {
namespace {

// Position advances by `step` groups of eight components at a time, so that the table stays small at any dimension.
constexpr std::size_t max_positions = 512;
constexpr double unreachable = std::numeric_limits<double>::infinity();

// Dynamic programming over (width, position, bytes): best[p][c] is the least distortion of the first p positions in
// exactly c cells of bytes, using widths not below the current one. choice remembers the last unit's width.
class Program {
 public:
  Program(std::span<const double> variances, std::uint32_t row_bytes, bool trellis)
      : variances_(variances), trellis_(trellis) {
    const std::size_t groups = (variances.size() + 7) / 8;
    step_ = std::max<std::size_t>(1, (groups + max_positions - 1) / max_positions);
    // A padded unit of the narrowest widths may pass the end: zero variance, real bytes.
    positions_ = (groups + step_ - 1) / step_ + 8;
    cells_ = row_bytes / step_;
    energy_.assign(positions_ + 1, 0.0);
    for (std::size_t p = 0; p < positions_; ++p) {
      energy_[p + 1] = energy_[p];
      for (std::size_t i = p * 8 * step_; i < std::min(variances.size(), (p + 1) * 8 * step_); ++i)
        energy_[p + 1] += variances[i];
    }
  }

  Allocation solve() {
    best_.assign((positions_ + 1) * (cells_ + 1), unreachable);
    choice_.assign(best_.size(), 0);
    best_[0] = 0;
    for (int bits = max_width; bits >= 1; --bits) relax(bits);
    return trace(pick_end());
  }

 private:
  [[nodiscard]] std::size_t at(std::size_t position, std::size_t cell) const { return position * (cells_ + 1) + cell; }
  [[nodiscard]] std::size_t length(int bits) const { return widths[static_cast<std::size_t>(bits)].unit / 8u; }
  [[nodiscard]] std::size_t cost(int bits) const { return widths[static_cast<std::size_t>(bits)].ring_bytes; }

  void relax(int bits) {
    const double distortion = level_table(trellis_, bits).distortion;
    const std::size_t units = length(bits), bytes = cost(bits);
    for (std::size_t p = units; p <= positions_; ++p) {
      if ((p - units) * 8 * step_ >= variances_.size()) break;  // nothing left to code
      const double gain = distortion * (energy_[p] - energy_[p - units]);
      for (std::size_t c = bytes; c <= cells_; ++c) {
        const double total = best_[at(p - units, c - bytes)] + gain;
        if (total < best_[at(p, c)]) {
          best_[at(p, c)] = total;
          choice_[at(p, c)] = static_cast<std::uint8_t>(bits);
        }
      }
    }
  }

  [[nodiscard]] std::size_t pick_end() const {
    std::size_t end = 0;
    double least = unreachable;
    for (std::size_t p = 0; p <= positions_; ++p)
      for (std::size_t c = 0; c <= cells_; ++c) {
        const double total = best_[at(p, c)] + energy_[positions_] - energy_[p];
        if (total < least) {
          least = total;
          end = at(p, c);
        }
      }
    return end;
  }

  [[nodiscard]] Allocation trace(std::size_t end) const {
    Allocation out;
    out.shape.trellis = trellis_;
    std::size_t p = end / (cells_ + 1), c = end % (cells_ + 1);
    out.distortion = best_[end] + energy_[positions_] - energy_[p];
    std::array<std::size_t, max_width + 1> units{};
    // A state on the way may have been improved by a narrower width after this path was laid: the units count, and
    // in falling order they do no worse than in the order found.
    while (p != 0) {
      const int bits = choice_[at(p, c)];
      units[static_cast<std::size_t>(bits)] += step_;
      p -= length(bits);
      c -= cost(bits);
    }
    for (int bits = max_width; bits >= 1; --bits)
      if (const std::size_t count = units[static_cast<std::size_t>(bits)]; count != 0)
        out.shape.runs[out.shape.run_count++] = {static_cast<std::uint8_t>(bits), static_cast<std::uint16_t>(count)};
    drop_padding(out.shape);
    return out;
  }

  // Where units come several at a time, the last of them may hold nothing but padding.
  void drop_padding(Shape& shape) const {
    while (shape.run_count != 0) {
      Run& last = shape.runs[shape.run_count - 1];
      if (shape.components() < variances_.size() + widths[last.bits].unit) return;
      if (--last.units == 0) --shape.run_count;
    }
  }

  std::span<const double> variances_;
  bool trellis_;
  std::size_t step_ = 1, positions_ = 0, cells_ = 0;
  std::vector<double> energy_;
  std::vector<double> best_;
  std::vector<std::uint8_t> choice_;
};

}  // namespace

Allocation allocate(std::span<const double> variances, std::uint32_t row_bytes, bool trellis) {
  return Program(variances, row_bytes, trellis).solve();
}

}  // namespace attar::vector::tcq
