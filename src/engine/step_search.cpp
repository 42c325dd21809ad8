#include "engine/step_search.h"

#include <algorithm>
#include <cmath>

namespace attar::engine {
namespace {

constexpr double close_enough = 0.001;  // of the budget
constexpr double least_window = 128;    // bytes: sections begin at multiples of 64
constexpr int most_files = 9, most_files_in_all = 24;

}  // namespace

double StepSearch::target() const noexcept {
  const auto budget = static_cast<double>(budget_);
  return budget - 0.4 * std::max(close_enough * budget, least_window);
}

std::optional<double> StepSearch::next(double step, std::uint64_t bytes, double bytes_of_an_octave) {
  ++files_;
  if (bytes <= budget_ && (fits_ == 0 || step <= fits_)) fits_ = step;
  if (bytes > budget_) too_fine_ = std::max(too_fine_, step);
  const double window = std::max(close_enough * static_cast<double>(budget_), least_window);
  const bool close = bytes <= budget_ && static_cast<double>(bytes) >= static_cast<double>(budget_) - window;
  if (close || (last_ && bytes <= budget_) || files_ >= most_files_in_all) return std::nullopt;
  if (files_ >= most_files && fits_ != 0) {
    if (step == fits_) return std::nullopt;
    last_ = true;
    return fits_;
  }
  const double octaves = (static_cast<double>(bytes) - target()) / bytes_of_an_octave;
  double wanted = step * std::exp2(std::clamp(octaves, -2.0, 2.0));
  // Between what was too large and what fitted, and never twice the same.
  const bool enclosed = too_fine_ != 0 && fits_ != 0;
  if (enclosed && !(wanted > too_fine_ && wanted < fits_)) wanted = std::sqrt(too_fine_ * fits_);
  if (!enclosed && wanted == step) wanted = bytes > budget_ ? step * 1.01 : step / 1.01;
  return wanted;
}

}  // namespace attar::engine
