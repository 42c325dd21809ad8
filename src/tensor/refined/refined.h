// Progressive tensors, as the engine drives them: look at a tensor once, count what its passes say, fit one table to
// all, and code each block pass by pass. Formulas and bytes: spec.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "codec/table_sets.h"
#include "codec/tensors.h"
#include "math/rans.h"
#include "tensor/refined/frame.h"

namespace attar::tensor::refined {

inline constexpr std::uint32_t codec_id = 0x0408;
/// Elements of a block: its passes share the coder's states, 256 bytes.
inline constexpr std::uint64_t good_block_elements = 1u << 18;

/// What a step is multiplied with in the block of this number, counted over all tensors: half an octave around 1.
[[nodiscard]] double phase_of(std::uint64_t number) noexcept;

/// A block coded pass by pass.
struct CodedBlock {
  std::vector<std::byte> root;
  std::vector<std::vector<std::byte>> passes;
};

/// Immutable, safe to use from many threads. The view's bytes outlive it.
class Planes {
 public:
  /// Null where the codec is not for such a tensor: not f32, bf16 or f16, empty, or rows of more than 2^24.
  [[nodiscard]] static std::unique_ptr<const Planes> look(const codec::TensorView& tensor);

  [[nodiscard]] std::uint64_t blocks() const noexcept;
  /// The sum of all finite elements' squares.
  [[nodiscard]] double square() const noexcept { return square_; }
  /// The bytes of a block's elements.
  [[nodiscard]] base::ByteView block_of(std::uint64_t block) const noexcept;

  /// How often each symbol stands in each context, with all planes of a block down to this step.
  [[nodiscard]] codec::TableSets::Counts count(std::uint64_t block, double step) const;

  /// Told of a block after each number of passes, from none on: its elements as they are then read.
  using Watch = std::function<void(unsigned passes, base::ByteView elements)>;
  /// A model of fit().
  [[nodiscard]] CodedBlock code(std::uint64_t block, double step, const math::RansModel& model,
                                const Watch& watch) const;
  /// What a reader must know of the whole tensor.
  [[nodiscard]] std::vector<std::byte> preamble(std::uint32_t table) const;

 private:
  struct Split;
  Planes() = default;
  void split(std::uint64_t block, double step, Split& out) const;

  codec::TensorView view_;
  Frame frame_;
  std::vector<double> weights_;  ///< of the columns
  double square_ = 0;
};

/// The table for what was counted of any number of blocks.
[[nodiscard]] math::RansModel fit(const codec::TableSets::Counts& counts);

}  // namespace attar::tensor::refined
