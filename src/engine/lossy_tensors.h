// Which tensors of a file may lose something, by what options say of their names and types.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attar/loss.h"
#include "attar/result.h"
#include "codec/tensors.h"
#include "engine/weight_fit.h"
#include "format/tensors.h"

namespace attar::engine {

/// A tensor that has a frame of its own.
struct LossCandidate {
  std::size_t item = 0;
  const format::TensorEntry* entry = nullptr;
  const codec::TensorView* view = nullptr;
  std::optional<std::uint32_t> base = {};  ///< number of the base's tensor that it may be coded against
  double lossless_bytes = 0;
};

/// Bytes a vector are `invalid_argument`.
[[nodiscard]] Status check_tensor_budget(const Budget& budget);
/// What such a budget is in bytes, of so many floats in sources of so many bytes.
[[nodiscard]] std::uint64_t tensor_budget_bytes(const Budget& budget, std::uint64_t floats, std::uint64_t source_bytes);

/// Budgets in bytes a vector, a budget beside a bound, and pins of a wrong form are `invalid_argument`.
[[nodiscard]] Status check_loss(const LossOptions& options);

/// Those that may lose; the options outlive them. `invalid_argument` for a pin that fits no tensor and for a file of
/// sensitivities that is none or names none of these. Notes say what stays as it is against expectation.
[[nodiscard]] Result<std::vector<LossyTensor>> choose_lossy(std::span<const LossCandidate> candidates,
                                                            const LossOptions& options,
                                                            std::vector<std::string>& notes);

}  // namespace attar::engine
