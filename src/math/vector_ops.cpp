#include "math/vector_ops.h"

#include <array>
#include <cmath>

namespace attar::math {
namespace {

constexpr std::size_t lanes = 8;

/// Sum of term(a[i], b[i]): lane l takes the terms i ≡ l (mod 8), and the lanes are added pairwise. The compiler may
/// put lanes into registers of any width; the result stays the same.
template <class Term>
double lane_sum(std::span<const float> a, std::span<const float> b, Term term) noexcept {
  std::array<double, lanes> sums{};
  const std::size_t whole = a.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t l = 0; l < lanes; ++l)
      sums[l] += term(static_cast<double>(a[i + l]), static_cast<double>(b[i + l]));
  for (std::size_t i = whole; i < a.size(); ++i)
    sums[i - whole] += term(static_cast<double>(a[i]), static_cast<double>(b[i]));
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace

double dot(std::span<const float> a, std::span<const float> b) noexcept {
  return lane_sum(a, b, [](double x, double y) { return x * y; });
}

double squared_distance(std::span<const float> a, std::span<const float> b) noexcept {
  return lane_sum(a, b, [](double x, double y) { return (x - y) * (x - y); });
}

std::optional<std::size_t> normalise_rows(std::span<float> values, std::uint32_t dims) noexcept {
  std::optional<std::size_t> refused;
  for (std::size_t row = 0; row < values.size() / dims; ++row) {
    const auto vector = values.subspan(row * dims, dims);
    const double norm = std::sqrt(squared_norm(vector));
    if (!(norm > 0) || std::isinf(norm)) {
      if (!refused) refused = row;
      continue;
    }
    for (float& value : vector) value = static_cast<float>(static_cast<double>(value) / norm);
  }
  return refused;
}

}  // namespace attar::math
