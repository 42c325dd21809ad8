// A growing set of vectors in bytes, and the nearest of them: exact products of bytes, so the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace attar::cache {

/// round(127 · x / max|x|); zeros for a vector of zeros.
void round_to_bytes(std::span<const float> vector, std::span<std::int8_t> out) noexcept;

class ByteRows {
 public:
  struct Near {
    std::uint32_t row = 0;
    float similarity = 0;  ///< cosine of the bytes
  };

  explicit ByteRows(std::uint32_t dims) : dims_(dims) {}

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(inverse_norms_.size()); }
  [[nodiscard]] std::uint32_t dims() const noexcept { return dims_; }
  [[nodiscard]] std::span<const std::int8_t> row(std::uint32_t row) const noexcept {
    return std::span(bytes_).subspan(std::size_t{row} * dims_, dims_);
  }

  /// Its number is size() before.
  void add(std::span<const std::int8_t> bytes);
  /// The last row takes the place of the one removed.
  void remove(std::uint32_t row) noexcept;

  /// The `k` ≥ 1 nearest rows, best first, the lower number first of equals; no rows of zeros.
  [[nodiscard]] std::vector<Near> nearest(std::span<const std::int8_t> query, std::size_t k) const;

 private:
  std::uint32_t dims_;
  std::vector<std::int8_t> bytes_;
  std::vector<float> inverse_norms_;  // 0 for zeros
};

}  // namespace attar::cache
