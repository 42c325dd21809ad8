// Documents of so many tokens into windows of equal size, none split. spec.md has the rules.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attar::text {

struct WindowPlan {
  std::uint32_t windows = 0;
  std::vector<std::uint32_t> window_of;  ///< by document; windows are numbered by their first
};

/// Best fit, decreasing. Sizes are at most `capacity`; fewer than 2³² of them.
[[nodiscard]] WindowPlan best_fit_decreasing(std::span<const std::uint32_t> sizes, std::uint32_t capacity);

/// Windows that first fit needs when documents come in their order.
[[nodiscard]] std::uint32_t first_fit_windows(std::span<const std::uint32_t> sizes, std::uint32_t capacity);

struct Concatenation {
  std::uint64_t windows = 0;
  std::uint64_t cut = 0;  ///< documents that lie in more than one window
};
/// All documents one behind the other, cut at every multiple of `capacity`.
[[nodiscard]] Concatenation concatenate_and_cut(std::span<const std::uint32_t> sizes, std::uint32_t capacity);

}  // namespace attar::text
