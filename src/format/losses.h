// The section that says what tensors lost. Bytes: FORMAT.md, "Losses section".
#pragma once

#include <cstdint>
#include <vector>

#include "attar/result.h"
#include "format/section.h"

namespace attar::format {

inline constexpr std::uint16_t losses_wire_version = 1;

/// How far a tensor is from what it was.
struct TensorLossEntry {
  std::uint32_t tensor = 0;    ///< its number in the index
  std::uint64_t original = 0;  ///< XXH3-64 of the bytes that it had
  double square = 0;           ///< the sum of its finite elements' squares
  double squared_error = 0;    ///< the sum of the squares of all differences
  double max_error = 0;
  double sensitivity = 0;  ///< α, what its error was weighed by; 0: it was not
};

struct Losses {
  enum class Goal : std::uint8_t { tensors, budget, bound, relative_bound, progressive };

  Goal goal = Goal::tensors;
  double goal_value = 0;  ///< bytes, or the bound; relative ones to a tensor's largest magnitude
  double step = 0;        ///< c; 0: none
  std::vector<TensorLossEntry> tensors = {};
};

[[nodiscard]] std::vector<std::byte> encode_losses(const Losses& losses);
/// Every field is checked; tensors are below `tensors` and ascend.
[[nodiscard]] Result<Losses> decode_losses(const SectionReader& section, std::uint64_t tensors);

}  // namespace attar::format
