// Which instructions this machine has, each found by itself, and which level the kernels use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace attar::simd {

/// What the processor and the operating system offer.
struct Features {
  bool avx2 = false;
  bool avx512 = false;  ///< F, BW, DQ and VL together
  bool avx512_vnni = false;
  bool avx512_vbmi = false;
  bool avx512_vpopcntdq = false;
};

[[nodiscard]] const Features& features() noexcept;

/// Levels of the kernels, each containing the ones before it. (neon is to come: a level of its own, beside avx2.)
enum class Level : std::uint8_t {
  scalar = 0,
  avx2 = 1,
  avx512 = 2,       ///< F, BW, DQ, VL
  avx512_vnni = 3,  ///< and VNNI
  avx512_vbmi = 4,  ///< and VNNI and VBMI
};
inline constexpr int level_count = 5;

/// "scalar", "avx2", "avx512", "avx512-vnni", "avx512-vbmi".
[[nodiscard]] std::string_view level_name(Level level) noexcept;

/// The highest level that this machine runs.
[[nodiscard]] Level best_level() noexcept;

/// The level in force: best_level(), or the lower one that the environment variable ATTAR_ISA names. Read once.
[[nodiscard]] Level active_level() noexcept;

/// True when ATTAR_ISA is set to a word that is no level, or to a level this machine lacks; `attar doctor` says so.
[[nodiscard]] bool isa_request_refused() noexcept;

/// "avx2 avx512 avx512-vnni …", for doctor and bench reports.
[[nodiscard]] std::string describe_features();

}  // namespace attar::simd
