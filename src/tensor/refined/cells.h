// What is known of a block's elements as its passes go by: pure functions of symbols. Formulas: spec.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "math/rans.h"
#include "tensor/steps/kernel.h"

namespace attar::tensor::refined {

inline constexpr std::size_t levels = 40, significance_contexts = levels;
inline constexpr std::size_t contexts = significance_contexts + 4 * levels / 2;
inline constexpr unsigned most_planes = 24, most_passes = 2 * most_planes;
inline constexpr std::uint8_t symbol_plus = 1, symbol_minus = 2;

/// A pass: which plane it is of, and whether its elements are those without a bit above.
struct Pass {
  int plane = 0;
  bool significance = true;
};
/// The pass of this number, of a block of so many planes.
[[nodiscard]] constexpr Pass pass_of(unsigned planes, unsigned number) noexcept {
  return {.plane = static_cast<int>(planes - 1 - number / 2), .significance = number % 2 == 0};
}

/// Where in its cell an element is put back: by each context of a refinement, those of significance unused.
[[nodiscard]] std::vector<float> middles_of(const math::RansModel& model);

/// A block's elements. All begin as zeros.
class Cells {
 public:
  /// `columns`: scales of the columns; `rows`: one a row, or one for all.
  void begin(std::size_t count, std::span<const std::int16_t> columns, std::span<const std::int16_t> rows);

  /// The elements that a pass tells something of, in order, and their contexts. Both have math::rans_slack entries
  /// behind them.
  void gather(const Pass& pass);
  [[nodiscard]] std::size_t gathered() const noexcept { return gathered_; }
  [[nodiscard]] const std::uint32_t* places() const noexcept { return places_.data(); }
  [[nodiscard]] const std::uint8_t* pass_contexts() const noexcept { return contexts_.data(); }
  /// Takes the symbols of the elements that were gathered.
  void apply(const Pass& pass, const std::uint8_t* symbols) noexcept;

  /// All elements as they are known now; brought down to `largest`.
  void put_back(float step, std::span<const float> middles, float largest, float* out) const noexcept;

 private:
  [[nodiscard]] int level(std::size_t i, int plane) const noexcept;
  [[nodiscard]] std::size_t refinement_context(std::size_t i, int plane) const noexcept;

  std::size_t count_ = 0, gathered_ = 0;
  std::vector<std::int16_t> sizes_;        ///< r + c + 41
  std::vector<std::uint32_t> magnitudes_;  ///< m
  std::vector<std::int8_t> depths_;        ///< d, where m is not 0
  std::vector<std::uint8_t> negative_;
  std::vector<std::uint32_t> places_;
  std::vector<std::uint8_t> contexts_;
};

}  // namespace attar::tensor::refined
