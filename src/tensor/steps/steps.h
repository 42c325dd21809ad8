// Weights by uniform steps, as the engine drives it: look at a tensor once, try half steps, fit tables to many tensors
// by turns, write. Formulas and bytes: spec.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attar/result.h"
#include "codec/tensors.h"
#include "math/rans.h"

namespace attar::tensor::steps {

inline constexpr std::uint32_t codec_id = 0x0404;
/// Rounds of counting, fitting and searching after which tables change by little.
inline constexpr int default_turns = 2;
/// Elements of a block: the coder's states take some 512 bits of each.
inline constexpr std::uint64_t good_block_elements = 1u << 16;

/// How a tensor is coded.
struct Setting {
  float half_step = 1;   ///< δ: half of what levels of a union are apart; in [2^-126, 2^119]
  bool bounded = false;  ///< no element is off by more than half_step; plain rounding, else along the trellis
};

/// The largest half step that keeps to a bound. `invalid_argument` where the bound is not in [2^-126, 2^119].
[[nodiscard]] Result<Setting> bounded_by(double bound);

/// What elements came to; tallies of blocks and tensors add up.
struct Tally {
  codec::TableSets::Counts counts = {};  ///< by context, escapes as symbol 0
  std::uint64_t elements = 0, escapes = 0;
  double bits = 0;           ///< in all: symbols under the tables, escapes, rows' scales, the blocks' own
  double squared_error = 0;  ///< exact, of the elements as they come back, in their own type
  double max_error = 0;

  void add(const Tally& other);
};

/// A point of the curve of rate and distortion.
struct Rate {
  float half_step = 0;
  double bits = 0;           ///< of the whole tensor, its symbols alone
  double squared_error = 0;  ///< of the whole tensor
};

/// A tensor that may be coded. It keeps its columns' scales; the view's bytes must outlive it. Immutable, safe to use
/// from many threads.
class Weights {
 public:
  /// Null where the codec is not for such a tensor: not f32, bf16 or f16, empty, or rows of more than 2^24.
  [[nodiscard]] static std::unique_ptr<const Weights> look(const codec::TensorView& tensor);

  /// The sum of all finite elements' squares.
  [[nodiscard]] double square() const noexcept { return square_; }
  [[nodiscard]] std::uint64_t blocks() const noexcept;

  /// The elements' root mean square.
  [[nodiscard]] double root_mean_square() const noexcept;
  /// By plain rounding and the entropy of a sample's classes: what a planner solves with. Along the trellis the same
  /// half step takes as many bits within 0.1 an element where that is 1.5 and more, for 1.1 to 1.4 dB less error.
  [[nodiscard]] std::vector<Rate> rates(std::span<const float> half_steps) const;

  /// Counts of the nearest levels in both unions (bounded: in the one), of one block: what the first tables are
  /// fitted to.
  [[nodiscard]] Tally count_nearest(const Setting& setting, std::uint64_t block) const;
  /// One block coded under these tables, of fit().
  [[nodiscard]] Tally measure(const Setting& setting, const math::RansModel& model, std::uint64_t block) const;

  /// Writes the tensor under the tables of this number, which are those of fit() and outlive the writer.
  /// `invalid_argument` for a half step out of range or tables of another kind.
  [[nodiscard]] Result<std::unique_ptr<codec::TensorWriter>> writer(const Setting& setting,
                                                                    const codec::TableSets& tables,
                                                                    std::uint32_t table) const;

 private:
  Weights() = default;
  [[nodiscard]] base::ByteView block_bytes(std::uint64_t block) const noexcept;

  codec::TensorView view_;
  std::vector<std::int16_t> scales_;  ///< of the columns
  bool column_scales_ = false;
  double square_ = 0;
};

/// Tables for what was counted of any number of tensors. `escape_bits`: of an element that escapes, 8 × its bytes.
[[nodiscard]] math::RansModel fit(const codec::TableSets::Counts& counts, double escape_bits);

/// A tensor with its setting.
struct Part {
  const Weights* weights = nullptr;
  Setting setting = {};
};
/// Tables for these tensors together, by turns, one block after the other; the engine does the same over a pool.
[[nodiscard]] math::RansModel fit_by_turns(std::span<const Part> parts, double escape_bits, int turns = default_turns);

}  // namespace attar::tensor::steps
