// The search for the widest use of a budget: files are written with one step after another until one fits closely.
#pragma once

#include <cstdint>
#include <optional>

namespace attar::engine {

class StepSearch {
 public:
  explicit StepSearch(std::uint64_t budget) noexcept : budget_(budget) {}

  /// What a file is aimed at: a little below the budget.
  [[nodiscard]] double target() const noexcept;
  /// After a file with this step took so many bytes: none where it is to be kept, or where none was found that fits;
  /// else the step to try next. A twice as wide step would save `bytes_of_an_octave`, about.
  [[nodiscard]] std::optional<double> next(double step, std::uint64_t bytes, double bytes_of_an_octave);

  /// Forgets what fitted and what did not: other tables make other sizes.
  void begin_anew() noexcept { too_fine_ = fits_ = 0; }

 private:
  std::uint64_t budget_;
  int files_ = 0;
  bool last_ = false;
  double too_fine_ = 0, fits_ = 0;  ///< the widest step that was too large, the finest that fitted; 0: none
};

}  // namespace attar::engine
