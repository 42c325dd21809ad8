// rbin's arithmetic: residual signs, and the query's tables. Pure functions; spec.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace attar::vector::rbin {

inline constexpr std::size_t max_planes = 8;

/// Groups of four components in one plane, padded to an even number.
[[nodiscard]] constexpr std::size_t plane_groups(std::size_t dims) noexcept { return 2 * ((dims + 7) / 8); }

/// a_1 … a_u for a unit Gaussian; `scales` has u entries.
void gaussian_scales(std::span<float> scales) noexcept;

/// Signs of the residuals of `components`, plane by plane; nibbles has scales.size() · plane_groups(dims) entries.
/// Returns the row's weight.
[[nodiscard]] float encode_signs(std::span<const float> components, std::span<const float> scales,
                                 std::span<std::uint8_t> nibbles) noexcept;

/// v from the nibbles of a row.
void decode_signs(std::span<const std::uint8_t> nibbles, std::span<const float> scales,
                  std::span<float> values) noexcept;

/// What each nibble adds to ⟨y', v⟩: tables[group · 16 + nibble].
void fill_tables(std::span<const float> query, std::span<const float> scales, std::span<float> tables) noexcept;

}  // namespace attar::vector::rbin
