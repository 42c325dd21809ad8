#include "cache/rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "simd/int8_products.h"

namespace attar::cache {
namespace {

constexpr std::size_t block = 512;

float inverse_norm(std::span<const std::int8_t> bytes) noexcept {
  std::int64_t squares = 0;
  for (const std::int8_t byte : bytes) squares += std::int64_t{byte} * byte;
  return squares == 0 ? 0.0f : static_cast<float>(1 / std::sqrt(static_cast<double>(squares)));
}

// The best so far, in order; small, so that putting one in by hand is quickest.
class Best {
 public:
  explicit Best(std::size_t k) : k_(k) { found_.reserve(k + 1); }
  [[nodiscard]] float least() const noexcept { return found_.size() < k_ ? -2.0f : found_.back().similarity; }
  void take(ByteRows::Near near) {
    const auto at =
        std::ranges::upper_bound(found_, near.similarity, std::ranges::greater{}, &ByteRows::Near::similarity);
    found_.insert(at, near);
    if (found_.size() > k_) found_.pop_back();
  }
  [[nodiscard]] std::vector<ByteRows::Near> release() && { return std::move(found_); }

 private:
  std::size_t k_;
  std::vector<ByteRows::Near> found_;
};

}  // namespace

void round_to_bytes(std::span<const float> vector, std::span<std::int8_t> out) noexcept {
  float most = 0;
  for (const float value : vector) most = std::max(most, std::fabs(value));
  for (std::size_t i = 0; i < vector.size(); ++i)
    out[i] = most > 0 ? static_cast<std::int8_t>(std::nearbyint(127 * (vector[i] / most))) : std::int8_t{0};
}

void ByteRows::add(std::span<const std::int8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  inverse_norms_.push_back(inverse_norm(bytes));
}

void ByteRows::remove(std::uint32_t row) noexcept {
  const std::size_t last = inverse_norms_.size() - 1;
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(last * dims_), dims_,
              bytes_.begin() + static_cast<std::ptrdiff_t>(std::size_t{row} * dims_));
  inverse_norms_[row] = inverse_norms_[last];
  bytes_.resize(last * dims_);
  inverse_norms_.pop_back();
}

std::vector<ByteRows::Near> ByteRows::nearest(std::span<const std::int8_t> query, std::size_t k) const {
  const float own = inverse_norm(query);
  if (own == 0) return {};
  const std::int32_t sum = std::accumulate(query.begin(), query.end(), std::int32_t{0});
  std::array<std::int32_t, block> products;
  Best best(k);
  for (std::size_t first = 0; first < size(); first += block) {
    const std::size_t count = std::min(block, size() - first);
    simd::int8_products({.rows = bytes_.data() + first * dims_,
                         .count = count,
                         .queries = query.data(),
                         .query_sums = &sum,
                         .query_count = 1,
                         .which = nullptr,
                         .dims = dims_,
                         .out = products.data()});
    for (std::size_t i = 0; i < count; ++i) {
      const float inverse = inverse_norms_[first + i];
      const float similarity = static_cast<float>(products[i]) * (inverse * own);
      if (similarity > best.least() && inverse > 0)
        best.take({.row = static_cast<std::uint32_t>(first + i), .similarity = similarity});
    }
  }
  return std::move(best).release();
}

}  // namespace attar::cache
