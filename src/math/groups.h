// Things sorted by the group that each belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace attar::math {

/// The numbers of things by group, ascending within each: those of group g stand at [ends[g − 1], ends[g]) of
/// `members`.
struct Groups {
  std::vector<std::uint32_t> ends, members;

  /// `groups`: by thing, its group below `count`.
  Groups(std::span<const std::uint32_t> groups, std::size_t count) : ends(count), members(groups.size()) {
    for (const std::uint32_t group : groups) ++ends[group];
    std::exclusive_scan(ends.begin(), ends.end(), ends.begin(), 0u);
    for (std::size_t i = 0; i < groups.size(); ++i) members[ends[groups[i]]++] = static_cast<std::uint32_t>(i);
  }

  [[nodiscard]] std::span<const std::uint32_t> of(std::size_t group) const noexcept {
    const std::uint32_t first = group == 0 ? 0 : ends[group - 1];
    return std::span(members).subspan(first, ends[group] - first);
  }
};

}  // namespace attar::math
