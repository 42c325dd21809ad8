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
#include "tensor/rows/rows.h"

namespace attar::tensor::steps {

inline constexpr std::uint32_t codec_id = 0x0404;
/// The same of a tensor's difference from its base.
inline constexpr std::uint32_t moves_codec_id = 0x0405;
/// Rounds of counting, fitting and searching after which tables change by little.
inline constexpr int default_turns = 2;
/// Elements of a block: the coder's states take some 512 bits of each.
inline constexpr std::uint64_t good_block_elements = 1u << 16;

struct Frame;

/// Which number stands for an element.
enum class Rounding : std::uint8_t {
  trellis,  ///< that of the cheapest path, by error and bits
  nearest,  ///< for steps so fine that symbols need low bits; what bits cost is then of no matter
  bounded,  ///< the nearest, and no element is off by more than the half step
};

/// How a tensor is coded.
struct Setting {
  float half_step = 1;  ///< δ: half of what levels of a union are apart; in [2^-126, 2^119]
  Rounding rounding = Rounding::trellis;
  unsigned low = 0;  ///< bits below a symbol's number, at most 12; 0 along the trellis
};

/// Along the trellis where a tensor of this root mean square has steps that are not too fine for it.
[[nodiscard]] Setting setting_of(double half_step, double root_mean_square) noexcept;

/// The largest half step that keeps to a bound, for a tensor of this root mean square. `invalid_argument` where the
/// bound is not in [2^-126, 2^119].
[[nodiscard]] Result<Setting> bounded_by(double bound, double root_mean_square);

/// What elements came to.
struct Tally {
  codec::TableSets::Counts counts = {};  ///< by context, escapes as symbol 0
  std::uint64_t elements = 0, escapes = 0;
  double bits = 0;           ///< in all: symbols under the tables, escapes, rows' scales, the blocks' own
  double squared_error = 0;  ///< exact, of the elements as they come back, in their own type
  double max_error = 0;

  /// Adds what stands for `times` as many elements as it has.
  void add(const Tally& other, double times = 1);
};

/// A point of the curve of rate and distortion.
struct Rate {
  float half_step = 0;
  double bits = 0;           ///< of the whole tensor, its symbols alone
  double squared_error = 0;  ///< of the whole tensor
};

/// A tensor that may be coded, by itself or as its difference from a base: then all values here are differences. It
/// keeps its columns' scales; the view's bytes and finer steps must outlive it, and those of its base are given again
/// to each call. Immutable, safe to use from many threads.
class Weights {
 public:
  /// Null where the codec is not for such a tensor: not f32, bf16 or f16, empty, or rows of more than 2^24. A view with
  /// a base is coded against it. Where rows repeat, blocks hold those that do not, and the first one the list as well:
  /// what is written once is counted once.
  [[nodiscard]] static std::unique_ptr<const Weights> look(const codec::TensorView& tensor,
                                                           std::shared_ptr<const rows::Repeats> repeats = nullptr);

  [[nodiscard]] bool has_base() const noexcept { return has_base_; }
  /// Scales of the columns, zeros where they have none, and whether rows have such.
  [[nodiscard]] std::span<const std::int16_t> scales() const noexcept { return scales_; }
  [[nodiscard]] bool has_column_scales() const noexcept { return column_scales_; }
  [[nodiscard]] bool has_row_scales() const noexcept;

  /// The sum of all finite elements' squares, and the same with each row's as often as its steps are finer, squared:
  /// with steps of any width all rows' errors, so weighed, are alike.
  [[nodiscard]] double square() const noexcept { return square_; }
  [[nodiscard]] double weighed_square() const noexcept { return weighed_square_; }
  [[nodiscard]] std::uint64_t blocks() const noexcept;

  /// The elements' root mean square, rows weighed so.
  [[nodiscard]] double root_mean_square() const noexcept;
  /// The largest magnitude of a finite element.
  [[nodiscard]] double largest() const noexcept { return largest_; }
  /// By plain rounding and the entropy of a sample's classes: what a planner solves with. Along the trellis the same
  /// half step takes as many bits within 0.1 an element where that is 1.5 and more, for 1.1 to 1.4 dB less error.
  [[nodiscard]] std::vector<Rate> rates(std::span<const float> half_steps, base::ByteView base = {}) const;

  /// Counts of the nearest levels in both unions (off the trellis: in the one), of one block: what the first tables are
  /// fitted to.
  [[nodiscard]] Tally count_nearest(const Setting& setting, std::uint64_t block, base::ByteView base = {}) const;
  /// One block coded under these tables, of fit().
  [[nodiscard]] Tally measure(const Setting& setting, const math::RansModel& model, std::uint64_t block,
                              base::ByteView base = {}) const;

  /// Writes the tensor under the tables of this number, which are those of fit() and outlive the writer.
  /// `invalid_argument` for a half step out of range or tables of another kind.
  [[nodiscard]] Result<std::unique_ptr<codec::TensorWriter>> writer(const Setting& setting,
                                                                    const codec::TableSets& tables,
                                                                    std::uint32_t table) const;

 private:
  Weights() = default;
  [[nodiscard]] codec::TensorBlock block_of(std::uint64_t block, base::ByteView base) const;
  [[nodiscard]] Frame frame_of(const Setting& setting) const;

  codec::TensorView view_;                        ///< without its base
  std::shared_ptr<const rows::Repeats> repeats_;  ///< null: none
  bool has_base_ = false;
  std::vector<std::int16_t> scales_;  ///< of the columns
  bool column_scales_ = false;
  double square_ = 0, weighed_square_ = 0, largest_ = 0;
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
