// What errors on tensors are weighed by: as measured, or by a rule where nothing was.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "attar/sensitivity.h"

namespace attar::engine {

/// A tensor and its α where nothing was measured.
struct SensitiveTensor {
  std::string_view name;
  double fallback = 1;
};

/// α of each tensor: as measured where it is named, else its fallback, times the median of what was measured over the
/// fallbacks of those. `invalid_argument` where numbers are below 0 or not finite, or where something was measured and
/// none of these.
[[nodiscard]] Result<std::vector<double>> sensitivities_of(std::span<const SensitiveTensor> tensors,
                                                           const TensorSensitivities& measured);

}  // namespace attar::engine
