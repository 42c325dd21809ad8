// One block of elements to symbols under given tables. Formulas: spec.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "math/rans.h"
#include "tensor/steps/frame.h"
#include "tensor/steps/kernel.h"

namespace attar::tensor::steps {

inline constexpr std::size_t encoder_classes = 40, encoder_contexts = 2 * encoder_classes;

/// A block as its parts; kept by a thread from block to block.
struct Block {
  std::size_t count = 0;
  std::vector<float> values, back;  ///< elements, and what they come back as; an escape's is its own value
  std::vector<std::uint8_t> symbols, contexts;
  std::vector<std::uint16_t> low_bits;  ///< of all elements, where the frame has such
  std::vector<std::int16_t> scales;     ///< of the rows
  std::vector<std::byte> escapes;       ///< the elements that stand for themselves
  std::vector<std::byte> narrowed;
  SearchMemory memory;
};

/// Immutable; safe to use from many threads. The frame and the model outlive it.
class Quantizer {
 public:
  /// A model of encoder_contexts contexts, each of which codes the escape.
  Quantizer(const Frame& frame, const math::RansModel& model);

  void quantize(base::ByteView elements, Block& out) const;

 private:
  void find_paths(Block& block) const;
  void put_back_all(base::ByteView elements, Block& block) const;

  const Frame& frame_;
  const math::RansModel& model_;
  std::vector<double> weights_;
  std::vector<float> prices_;
  int most_ = most_number;
};

/// 2^(−c / 8) of each column.
[[nodiscard]] std::vector<double> weights_of_columns(std::span<const std::int16_t> columns);
/// 8 · log2 of a root mean square over twice the half step, no further from 0 than matters.
[[nodiscard]] std::int16_t scale_of(double mean_square, float half_step) noexcept;
/// Widens a block, finds its rows' scales and its contexts, unions 0.
void prepare(const Frame& frame, std::span<const double> weights, base::ByteView elements, Block& out);

}  // namespace attar::tensor::steps
