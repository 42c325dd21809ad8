// Where the fields of a block stand, for both directions; spec.md explains them.
#pragma once

#include <cstddef>

namespace attar::tensor::ggml {

/// Types of 32 values: scale, offset and fifth bits where there are such, then the lower bits.
inline constexpr std::size_t small_values = 32;
inline constexpr std::size_t half_bytes = 2;

struct SmallLayout {
  bool offset = false;
  bool fifth_bit = false;

  [[nodiscard]] constexpr std::size_t top_at() const noexcept { return offset ? 2 * half_bytes : half_bytes; }
  [[nodiscard]] constexpr std::size_t low_at() const noexcept { return top_at() + (fifth_bit ? small_values / 8 : 0); }
  [[nodiscard]] constexpr std::size_t bytes() const noexcept { return low_at() + small_values / 2; }
  [[nodiscard]] constexpr int levels() const noexcept { return fifth_bit ? 32 : 16; }
};
inline constexpr SmallLayout q4_0_layout{.offset = false, .fifth_bit = false};
inline constexpr SmallLayout q4_1_layout{.offset = true, .fifth_bit = false};
inline constexpr SmallLayout q5_0_layout{.offset = false, .fifth_bit = true};
inline constexpr SmallLayout q5_1_layout{.offset = true, .fifth_bit = true};
inline constexpr std::size_t q8_0_bytes = half_bytes + small_values;

/// Types of 256 values.
inline constexpr std::size_t super_values = 256;
inline constexpr std::size_t q4_k_group = 32;  // values of a group
inline constexpr std::size_t q4_k_groups = super_values / q4_k_group;
inline constexpr std::size_t q4_k_scales_at = 2 * half_bytes;
inline constexpr std::size_t q4_k_low_at = q4_k_scales_at + 12;
inline constexpr std::size_t q4_k_bytes = q4_k_low_at + super_values / 2;

inline constexpr std::size_t q6_k_group = 16;
inline constexpr std::size_t q6_k_groups = super_values / q6_k_group;
inline constexpr std::size_t q6_k_top_at = super_values / 2;
inline constexpr std::size_t q6_k_scales_at = q6_k_top_at + super_values / 4;
inline constexpr std::size_t q6_k_scale_at = q6_k_scales_at + q6_k_groups;
inline constexpr std::size_t q6_k_bytes = q6_k_scale_at + half_bytes;

}  // namespace attar::tensor::ggml
