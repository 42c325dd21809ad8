// One block of elements to symbols under given tables. Formulas: spec.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/tensors.h"
#include "math/rans.h"
#include "tensor/steps/frame.h"
#include "tensor/steps/kernel.h"
#include "tensor/steps/steps.h"

namespace attar::tensor::steps {

inline constexpr std::size_t encoder_classes = 40, encoder_contexts = 2 * encoder_classes;

/// A block as its parts; kept by a thread from block to block.
struct Block {
  std::size_t count = 0;
  std::vector<float> values;     ///< elements, or their differences from the base; those of finer rows magnified
  std::vector<float> base = {};  ///< what values are counted from; empty: zeros
  std::vector<float> elements;   ///< counted from zero
  std::vector<float> back;       ///< what they come back as; an escape's is itself
  std::vector<std::uint8_t> symbols, contexts;
  std::vector<std::uint16_t> low_bits;  ///< of all elements, where the frame has such
  std::vector<std::int16_t> scales;     ///< of the rows
  std::vector<std::int16_t> finer;      ///< of the rows: half octaves; empty: none
  std::vector<std::byte> escapes;       ///< the elements that stand for themselves
  std::vector<std::byte> narrowed;
  SearchMemory memory;
};

/// Immutable; safe to use from many threads. The frame and the model outlive it.
class Quantizer {
 public:
  /// A model of encoder_contexts contexts, each of which codes the escape.
  Quantizer(const Frame& frame, const math::RansModel& model, Rounding rounding);

  void quantize(const codec::TensorBlock& elements, Block& out) const;

 private:
  void find_paths(Block& block) const;
  void put_back_all(Block& block) const;
  void put_back_rows(Block& block, float half_step, std::size_t at, std::size_t count) const;
  [[nodiscard]] bool forbid_overflows(Block& block) const;
  void take_escapes(const codec::TensorBlock& elements, Block& block) const;
  [[nodiscard]] bool must_escape(const Block& block, std::size_t i) const noexcept;

  const Frame& frame_;
  const math::RansModel& model_;
  Rounding rounding_;
  std::vector<double> weights_;
  std::vector<float> prices_;
  int most_ = most_number;
};

/// 2^(−c / 8) of each column.
[[nodiscard]] std::vector<double> weights_of_columns(std::span<const std::int16_t> columns);
/// 8 · log2 of a root mean square over twice the half step, no further from 0 than matters.
[[nodiscard]] std::int16_t scale_of(double mean_square, float half_step) noexcept;
/// By what the values of a row are magnified whose steps are finer, so that the tensor's step is theirs.
[[nodiscard]] float magnified_by(const Frame& frame, unsigned half_octaves) noexcept;
/// out = scale_of() the means of a block's rows of `columns` values, each value weighed by its column; one for all of
/// them unless `by_row`.
void find_scales(std::span<const float> values, std::size_t columns, bool by_row, std::span<const double> weights,
                 float half_step, std::vector<std::int16_t>& out);
/// Widens a block, finds its rows' scales and its contexts, unions 0.
void prepare(const Frame& frame, std::span<const double> weights, const codec::TensorBlock& elements, Block& out);

}  // namespace attar::tensor::steps
