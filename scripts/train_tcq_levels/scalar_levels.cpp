#include "scalar_levels.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "gaussian.h"

namespace attar::tools {
namespace {

constexpr int top_level = 127;
constexpr double infinity = std::numeric_limits<double>::infinity();

// Of the symmetric sets {±l_1 … ±l_n}, 1 ≤ l_1 < … < l_n ≤ 127, the best for one step: least[i][l] is the error of the
// half line up to l with i levels, the last of them l.
class HalfLine {
 public:
  HalfLine(std::size_t count, double step) : count_(count), step_(step) {
    least_.assign(count * (top_level + 1), infinity);
    before_.assign(least_.size(), 0);
    for (int l = 1; l <= top_level; ++l) least_[at(0, l)] = cell_error(0, value(l), value(l));
    for (int l = 1; l <= top_level; ++l)
      for (int low = 1; low < l; ++low) extend(low, l);
  }

  LevelSet best() const {
    LevelSet out;
    out.step = step_;
    out.distortion = infinity;
    int last = 0;
    for (int l = 1; l <= top_level; ++l) {
      const double error = 2 * (least_[at(count_ - 1, l)] + cell_error(value(l), infinity, value(l)));
      if (error < out.distortion) {
        out.distortion = error;
        last = l;
      }
    }
    for (std::size_t i = count_; i-- > 0; last = before_[at(i, last)]) out.levels.push_back(last);
    std::reverse(out.levels.begin(), out.levels.end());
    for (std::size_t i = 0; i < count_; ++i) out.levels.insert(out.levels.begin(), -out.levels[2 * i]);
    return out;
  }

 private:
  [[nodiscard]] std::size_t at(std::size_t i, int level) const {
    return i * (top_level + 1) + static_cast<std::size_t>(level);
  }
  [[nodiscard]] double value(int level) const { return step_ * level; }

  void extend(int low, int high) {
    const double middle = (value(low) + value(high)) / 2;
    const double between = cell_error(value(low), middle, value(low)) + cell_error(middle, value(high), value(high));
    for (std::size_t i = 1; i < count_; ++i) {
      const double error = least_[at(i - 1, low)] + between;
      if (error < least_[at(i, high)]) {
        least_[at(i, high)] = error;
        before_[at(i, high)] = low;
      }
    }
  }

  std::size_t count_;
  double step_;
  std::vector<double> least_;
  std::vector<int> before_;
};

double uniform_error(double step) {
  double error = 0;
  for (int l = -top_level; l <= top_level; ++l)
    error += cell_error(l == -top_level ? -infinity : step * (l - 0.5), l == top_level ? infinity : step * (l + 0.5),
                        step * l);
  return error;
}

}  // namespace

LevelSet lloyd_max_levels(int bits) {
  LevelSet best;
  best.distortion = infinity;
  // The outermost level of a quantizer for N(0,1) lies between 0.7 (1 bit) and 4.3 (7 bits).
  for (double step = 0.7 / top_level; step < 4.5 / top_level; step *= 1.003) {
    LevelSet found = HalfLine(std::size_t{1} << (bits - 1), step).best();
    if (found.distortion < best.distortion) best = std::move(found);
  }
  return best;
}

LevelSet uniform_levels() {
  LevelSet out;
  out.distortion = infinity;
  for (int i = 0; i <= 4000; ++i) {
    const double step = 0.02 + 5e-6 * i;
    const double error = uniform_error(step);
    if (error < out.distortion) {
      out.distortion = error;
      out.step = step;
    }
  }
  for (int w = 0; w < 256; ++w) out.levels.push_back(std::max(w - 128, -top_level));
  return out;
}

}  // namespace attar::tools
