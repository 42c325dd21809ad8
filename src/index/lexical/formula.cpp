#include "index/lexical/formula.h"

#include <algorithm>
#include <cmath>

namespace attar::index::lexical {
namespace {

constexpr std::uint64_t exact_lengths = 64;
constexpr std::uint64_t steps = 16;  // in a doubling

// ln(x), x ≥ 1, the same bits everywhere, which the standard library's is not: x = m·2^e with m about 1, and the series
// of ln(m) = 2·artanh((m − 1) / (m + 1)).
double natural_logarithm(double x) noexcept {
  constexpr double ln_2 = 0.69314718055994530942, root = 0.70710678118654752440;
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < root) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int n = 21; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
  return 2 * s * sum + exponent * ln_2;
}

}  // namespace

std::uint64_t length_of(std::uint8_t code) noexcept {
  if (code < exact_lengths) return code;
  const std::uint64_t above = code - exact_lengths;
  return (exact_lengths + exact_lengths / steps * (above % steps)) << (above / steps);
}

std::uint8_t length_code(std::uint64_t length) noexcept {
  std::uint8_t low = 0;
  for (int bit = 7; bit >= 0; --bit) {
    const auto tried = static_cast<std::uint8_t>(low | 1 << bit);
    if (length_of(tried) <= length) low = tried;
  }
  return low;
}

Impacts::Impacts(const Parameters& parameters, double mean_length) : table_((most_count + 1) << 8) {
  const auto k1 = static_cast<double>(parameters.k1), b = static_cast<double>(parameters.b);
  for (std::uint32_t code = 0; code < 256; ++code) {
    const double share = static_cast<double>(length_of(static_cast<std::uint8_t>(code))) / mean_length;
    const double norm = k1 * (1 - b + b * share);
    for (std::uint32_t count = 1; count <= most_count; ++count)
      table_[std::size_t{count} << 8 | code] =
          static_cast<std::uint8_t>(std::max(1.0, std::floor(255.0 * count / (count + norm) + 0.5)));
  }
}

float idf(std::uint32_t documents, std::uint32_t holding) noexcept {
  const double n = holding;
  return static_cast<float>(natural_logarithm(1 + (documents - n + 0.5) / (n + 0.5)));
}

}  // namespace attar::index::lexical
