// Signatures of sets, and the bands that offer pairs of them. spec.md has the formulas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace attar::text {

/// How a signature is cut: `bands` of `rows` values.
struct BandLayout {
  std::uint32_t bands = 0, rows = 0;

  /// The chance that no band of a pair with this Jaccard similarity agrees.
  [[nodiscard]] double chance_to_miss(double jaccard) const noexcept;
};

/// The layout with the most rows that misses a pair at the threshold with a chance of at most `miss`, in at most
/// `most_values`; nothing where there is none. `threshold` in (0, 1], `miss` in (0, 1).
[[nodiscard]] std::optional<BandLayout> choose_bands(double threshold, double miss, std::uint32_t most_values);

/// k hash functions. Const calls are safe from many threads.
class MinHash {
 public:
  explicit MinHash(std::uint32_t values, std::uint64_t seed = 1);

  /// Values of a signature as sign() writes them: k, and up to 31 more that fill the last block.
  [[nodiscard]] std::size_t padded() const noexcept { return factors_.size(); }

  /// The least hash of each function over a set that is not empty, into `out` (padded() values).
  void sign(std::span<const std::uint64_t> set, std::span<std::uint32_t> out) const noexcept;

 private:
  std::vector<std::uint32_t> factors_, summands_;
};

/// The hash of each band of a signature into `out` (layout.bands values). Band i has the values i, i + bands, i + 2 ·
/// bands …, so that all bands are hashed side by side.
void hash_bands(std::span<const std::uint32_t> signature, BandLayout layout, std::span<std::uint32_t> out) noexcept;

}  // namespace attar::text
