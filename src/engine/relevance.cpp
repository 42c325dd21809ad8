#include "engine/relevance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace attar::engine {
namespace {

double discount(std::size_t rank_from_zero) { return 1 / std::log2(static_cast<double>(rank_from_zero) + 2); }

double ideal_gain(const Judged& judged, std::uint32_t k) {
  std::vector<std::int32_t> gains;
  for (const auto& [row, relevance] : judged)
    if (relevance > 0) gains.push_back(relevance);
  std::sort(gains.begin(), gains.end(), std::greater<>());
  double sum = 0;
  for (std::size_t i = 0; i < gains.size() && i < k; ++i) sum += static_cast<double>(gains[i]) * discount(i);
  return sum;
}

}  // namespace

std::map<std::string, double> relevance_of(const Judged& judged, std::span<const std::uint32_t> returned,
                                           std::span<const std::uint32_t> ks) {
  std::vector<std::int32_t> gains;
  for (const std::uint32_t row : returned) {
    const auto it = judged.find(row);
    gains.push_back(it == judged.end() ? 0 : std::max(0, it->second));
  }
  const auto first = std::find_if(gains.begin(), gains.end(), [](std::int32_t gain) { return gain > 0; });
  std::map<std::string, double> out;
  out["mrr"] = first == gains.end() ? 0 : 1.0 / static_cast<double>(first - gains.begin() + 1);
  for (const std::uint32_t k : ks) {
    out[fmt::format("hit@{}", k)] =
        first != gains.end() && first - gains.begin() < static_cast<std::ptrdiff_t>(k) ? 1 : 0;
    double gain = 0;
    for (std::size_t i = 0; i < gains.size() && i < k; ++i) gain += static_cast<double>(gains[i]) * discount(i);
    const double ideal = ideal_gain(judged, k);
    out[fmt::format("ndcg@{}", k)] = ideal > 0 ? gain / ideal : 0;
  }
  return out;
}

double recall_of(const Judged& judged, std::span<const std::uint32_t> returned, std::uint32_t k) {
  const auto is_relevant = [](const auto& pair) { return pair.second > 0; };
  const auto relevant = std::ranges::count_if(judged, is_relevant);
  const auto found =
      std::ranges::count_if(returned.first(std::min<std::size_t>(k, returned.size())), [&](std::uint32_t row) {
        const auto known = judged.find(row);
        return known != judged.end() && is_relevant(*known);
      });
  return relevant == 0 ? 0 : static_cast<double>(found) / static_cast<double>(relevant);
}

}  // namespace attar::engine
