#include "engine/measuring.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "attar/version.h"
#include "certify/truth.h"
#include "math/statistics.h"
#include "simd/isa.h"

namespace attar::engine {
namespace {

double percentile(std::span<const double> sorted, double share) {
  if (sorted.empty()) return 0;
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Measure summarise(std::vector<double> values, double confidence) {
  const math::Interval interval = math::mean_interval(values, confidence);
  Measure out{.mean = interval.mean, .low = std::max(0.0, interval.low), .high = std::min(1.0, interval.high)};
  std::sort(values.begin(), values.end());
  out.p05 = percentile(values, 0.05);
  out.p50 = percentile(values, 0.50);
  out.p95 = percentile(values, 0.95);
  out.minimum = values.empty() ? 0 : values.front();
  return out;
}

Status check_confidence(double confidence) {
  if (confidence > 0 && confidence < 1) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a confidence lies between 0 and 1, not at {}; 0.95 is usual", confidence));
}

std::vector<std::uint32_t> rows_of(const SearchResult& found, std::uint32_t k) {
  std::vector<std::uint32_t> out(found.hits.size() * k, certify::no_row);
  for (std::size_t q = 0; q < found.hits.size(); ++q)
    for (std::size_t i = 0; i < found.hits[q].size(); ++i) out[q * k + i] = found.hits[q][i].row;
  return out;
}

std::string build_in_words() {
  return fmt::format("{}, kernels {}", build_description(), simd::level_name(simd::active_level()));
}

}  // namespace attar::engine
