// Where everything stands: components in groups, groups in a row's two parts, rows in a section. spec.md, "Groups" and
// "Codes section".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/checked.h"
#include "codec/vectors.h"

namespace attar::vector::esq {

inline constexpr std::size_t largest_quarter = 16;
inline constexpr std::size_t largest_group = 4 * largest_quarter;
inline constexpr std::uint32_t most_walk_bytes = 128;
/// Zero bytes at a section's end: no kernel reads further past a row.
inline constexpr std::size_t overread_bytes = 64;
/// The finishes begin at a multiple of so many bytes.
inline constexpr std::uint64_t finish_alignment = 64;

/// Bits that a component may have.
[[nodiscard]] constexpr bool is_width(unsigned bits) noexcept { return bits >= 2 && bits <= 8 && bits % 2 == 0; }

/// Components that stand together: four quarters.
struct Group {
  std::uint32_t first = 0;    ///< its first component
  std::uint32_t place = 0;    ///< of its crumb plane: in the walk, or in the finish
  std::uint32_t rest = 0;     ///< of its residual's planes in the finish
  std::uint8_t quarter = 16;  ///< c
  std::uint8_t bits = 2;
  bool walked = false;  ///< its crumbs are in the walk

  [[nodiscard]] std::size_t components() const noexcept { return std::size_t{4} * quarter; }
  [[nodiscard]] std::uint32_t rest_bytes() const noexcept { return quarter * (bits / 2u - 1u); }
};

struct Shape {
  /// `widths`: bits by group, as many as count_groups() says; walk_codes ≤ ⌈components/4⌉.
  Shape(std::uint32_t component_count, std::uint32_t walk_codes, std::span<const std::uint8_t> widths);

  [[nodiscard]] static std::size_t count_groups(std::uint32_t components, std::uint32_t walk_codes) noexcept {
    return base::ceil_div(walk_codes, largest_quarter) +
           base::ceil_div(base::ceil_div(components, 4) - walk_codes, largest_quarter);
  }

  std::uint32_t components = 0;  ///< k, without padding
  std::uint32_t walk_codes = 0;  ///< B
  std::uint32_t finish_codes = 0;
  std::uint32_t walked = 0;  ///< groups in the walk, the first ones
  std::vector<Group> groups;
};

/// Bytes of a row's walk beside its codes: the scale, and ‖x‖² under l2.
[[nodiscard]] constexpr std::uint32_t walk_values(Metric metric) noexcept { return metric == Metric::l2 ? 6 : 2; }

struct Layout {
  std::uint64_t walk_bytes = 0;    ///< of a row
  std::uint64_t finish_bytes = 0;  ///< of a row
  std::uint64_t finish = 0;        ///< where the finishes begin
  std::uint64_t total_bytes = 0;

  /// The caller has bounded rows (32 bits) and components, so nothing here overflows.
  Layout(const codec::Schema& schema, std::uint32_t walk_codes, std::uint32_t finish_codes) noexcept
      : walk_bytes(walk_codes + walk_values(schema.metric)),
        finish_bytes(finish_codes + 2),
        finish(base::round_up(schema.rows * walk_bytes, finish_alignment)),
        total_bytes(finish + schema.rows * finish_bytes + overread_bytes) {}
};

}  // namespace attar::vector::esq
