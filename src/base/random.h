// A small deterministic generator (xoshiro256**, Blackman and Vigna) whose stream never changes between builds.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace attar::base {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept;

  /// 64 uniform bits.
  std::uint64_t next() noexcept;
  /// Uniform in [0, bound), without modulo bias; bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Standard normal (polar method).
  double normal() noexcept;

  template <class T>
  void shuffle(std::span<T> values) noexcept {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::array<std::uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace attar::base
