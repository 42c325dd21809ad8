#include "simd/isa.h"

#include <cpuid.h>

#include <array>
#include <cstdlib>
#include <optional>

namespace attar::simd {
namespace {

constexpr std::array<std::string_view, level_count> names = {"scalar", "avx2", "avx512", "avx512-vnni", "avx512-vbmi"};

// The registers that the operating system saves on a context switch (XCR0).
std::uint64_t enabled_state() noexcept {
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

Features detect() noexcept {
  Features out;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return out;
  const std::uint64_t state = enabled_state();
  const bool ymm = (state & 0x6) == 0x6;
  const bool zmm = (state & 0xe6) == 0xe6;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return out;
  out.avx2 = ymm && (b & bit_AVX2) != 0;
  const unsigned base = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  out.avx512 = out.avx2 && zmm && (b & base) == base;
  out.avx512_vnni = out.avx512 && (c & bit_AVX512VNNI) != 0;
  out.avx512_vbmi = out.avx512 && (c & bit_AVX512VBMI) != 0;
  out.avx512_vpopcntdq = out.avx512 && (c & bit_AVX512VPOPCNTDQ) != 0;
  return out;
}

std::optional<Level> requested() noexcept {
  const char* word = std::getenv("ATTAR_ISA");
  if (word == nullptr) return std::nullopt;
  for (int i = 0; i < level_count; ++i)
    if (names[static_cast<std::size_t>(i)] == word) return static_cast<Level>(i);
  return std::nullopt;
}

}  // namespace

const Features& features() noexcept {
  static const Features found = detect();
  return found;
}

std::string_view level_name(Level level) noexcept { return names[static_cast<std::size_t>(level)]; }

Level best_level() noexcept {
  const Features& have = features();
  if (have.avx512_vnni && have.avx512_vbmi) return Level::avx512_vbmi;
  if (have.avx512_vnni) return Level::avx512_vnni;
  if (have.avx512) return Level::avx512;
  return have.avx2 ? Level::avx2 : Level::scalar;
}

Level active_level() noexcept {
  static const Level level = [] {
    const auto wish = requested();
    return wish && *wish <= best_level() ? *wish : best_level();
  }();
  return level;
}

bool isa_request_refused() noexcept {
  const char* word = std::getenv("ATTAR_ISA");
  if (word == nullptr || *word == '\0') return false;
  const auto wish = requested();
  return !wish || *wish > best_level();
}

std::string describe_features() {
  const Features& have = features();
  std::string out = "x86-64";
  if (have.avx2) out += " avx2";
  if (have.avx512) out += " avx512(f,bw,dq,vl)";
  if (have.avx512_vnni) out += " vnni";
  if (have.avx512_vbmi) out += " vbmi";
  if (have.avx512_vpopcntdq) out += " vpopcntdq";
  return out;
}

}  // namespace attar::simd
