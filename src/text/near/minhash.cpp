#include "text/near/minhash.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "base/random.h"
#include "simd/clones.h"

namespace attar::text {
namespace {

constexpr std::size_t lanes = 16, block = 2 * lanes;
constexpr std::uint32_t most_rows = 16;

using Lanes = std::uint32_t __attribute__((vector_size(lanes * sizeof(std::uint32_t))));

/// The signature by 32 functions at a time: they stay in registers while the set goes by.
ATTAR_VECTOR_CLONES void sign_blocks(const std::uint64_t* set, std::size_t size, const std::uint32_t* factors,
                                     const std::uint32_t* summands, std::size_t values, std::uint32_t* out) noexcept {
  for (std::size_t first = 0; first < values; first += block) {
    Lanes a0, a1, b0, b1;
    std::memcpy(&a0, factors + first, sizeof(Lanes));
    std::memcpy(&a1, factors + first + lanes, sizeof(Lanes));
    std::memcpy(&b0, summands + first, sizeof(Lanes));
    std::memcpy(&b1, summands + first + lanes, sizeof(Lanes));
    Lanes least0 = ~Lanes{}, least1 = ~Lanes{};
    for (std::size_t i = 0; i < size; ++i) {
      const auto x = static_cast<std::uint32_t>(set[i] >> 32);
      const Lanes hash0 = a0 * x + b0, hash1 = a1 * x + b1;
      least0 = hash0 < least0 ? hash0 : least0;
      least1 = hash1 < least1 ? hash1 : least1;
    }
    std::memcpy(out + first, &least0, sizeof(Lanes));
    std::memcpy(out + first + lanes, &least1, sizeof(Lanes));
  }
}

/// The least b with (1 - t^r)^b ≤ miss.
double bands_for(double threshold, double miss, std::uint32_t rows) {
  const double agree = std::pow(threshold, rows);
  if (agree >= 1) return 1;
  return std::max(1.0, std::ceil(std::log(miss) / std::log1p(-agree)));
}

}  // namespace

double BandLayout::chance_to_miss(double jaccard) const noexcept {
  return std::pow(1 - std::pow(jaccard, rows), bands);
}

std::optional<BandLayout> choose_bands(double threshold, double miss, std::uint32_t most_values) {
  for (std::uint32_t rows = std::min(most_rows, most_values); rows > 0; --rows) {
    const double bands = bands_for(threshold, miss, rows);
    if (bands * rows <= most_values) return BandLayout{.bands = static_cast<std::uint32_t>(bands), .rows = rows};
  }
  return std::nullopt;
}

MinHash::MinHash(std::uint32_t values, std::uint64_t seed) {
  const std::size_t padded = base::round_up(values, block);
  base::Random random(seed);
  for (std::size_t i = 0; i < padded; ++i) factors_.push_back(static_cast<std::uint32_t>(random.next() >> 32) | 1);
  for (std::size_t i = 0; i < padded; ++i) summands_.push_back(static_cast<std::uint32_t>(random.next() >> 32));
}

void MinHash::sign(std::span<const std::uint64_t> set, std::span<std::uint32_t> out) const noexcept {
  sign_blocks(set.data(), set.size(), factors_.data(), summands_.data(), factors_.size(), out.data());
}

ATTAR_VECTOR_CLONES void hash_bands(std::span<const std::uint32_t> signature, BandLayout layout,
                                    std::span<std::uint32_t> out) noexcept {
  const std::uint32_t* values = signature.data();
  std::uint32_t* hashes = out.data();
  for (std::uint32_t band = 0; band < layout.bands; ++band) hashes[band] = band;
  for (std::uint32_t row = 0; row < layout.rows; ++row, values += layout.bands)
    for (std::uint32_t band = 0; band < layout.bands; ++band) {
      const std::uint32_t hash = (hashes[band] ^ values[band]) * 0x9e3779b1;
      hashes[band] = hash ^ hash >> 15;
    }
}

}  // namespace attar::text
