#include "engine/result_set.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace attar::engine {
namespace {

constexpr float near_share = 0.9f;
constexpr std::size_t hops_from = 2;
constexpr float hop_weight = 1, coverage_weight = 1;
constexpr float saturation = 1.2f;  // of a word's count

// Visits the entries of two ascending lists that have the same key.
template <typename Entry, typename Both>
void for_shared(const std::vector<Entry>& a, const std::vector<Entry>& b, const Both& both) {
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].first == b[j].first) both(a[i].second, b[j].second);
    const bool forward = a[i].first <= b[j].first, other = b[j].first <= a[i].first;
    i += forward ? 1 : 0;
    j += other ? 1 : 0;
  }
}

}  // namespace

void ReadTexts::add(std::span<const text::Word> words) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(words.size());
  for (const text::Word& word : words) hashes.push_back(std::hash<std::string_view>()(word.term));
  std::ranges::sort(hashes);
  auto& own = texts_.emplace_back();
  for (const std::uint64_t hash : hashes) {
    if (own.empty() || own.back().first != hash) own.emplace_back(hash, 0);
    ++own.back().second;
  }
}

bool ReadTexts::near_duplicates(std::size_t a, std::size_t b) const noexcept {
  std::size_t shared = 0;
  for_shared(texts_[a], texts_[b], [&](std::uint32_t, std::uint32_t) { ++shared; });
  const std::size_t either = texts_[a].size() + texts_[b].size() - shared;
  return static_cast<float>(shared) >= near_share * static_cast<float>(either);
}

std::vector<ReadTexts::Weighed> ReadTexts::weighed() const {
  std::unordered_map<std::uint64_t, std::uint32_t> holding;
  for (const auto& text : texts_)
    for (const auto& [hash, count] : text) ++holding[hash];
  const auto all = static_cast<float>(texts_.size());
  std::vector<Weighed> out;
  for (const auto& text : texts_) {
    Weighed& own = out.emplace_back();
    float square = 0;
    for (const auto& [hash, count] : text) {
      const auto texts = static_cast<float>(holding[hash]), times = static_cast<float>(count);
      const float weight = times / (times + saturation) * std::log(1 + (all - texts + 0.5f) / (texts + 0.5f));
      own.emplace_back(hash, weight);
      square += weight * weight;
    }
    const float length = std::sqrt(square);
    for (auto& [hash, weight] : own) weight /= length > 0 ? length : 1;
  }
  return out;
}

std::vector<float> ReadTexts::similarities() const {
  const std::vector<Weighed> own = weighed();
  std::vector<float> out(size() * size());
  for (std::size_t a = 0; a < size(); ++a)
    for (std::size_t b = a; b < size(); ++b) {
      float product = 0;
      for_shared(own[a], own[b], [&](float x, float y) { product += x * y; });
      out[a * size() + b] = out[b * size() + a] = std::min(product, 1.0f);
    }
  return out;
}

std::vector<std::size_t> diverse_order(std::span<const float> scores, std::span<const float> similarities,
                                       std::size_t wanted) {
  const std::size_t size = scores.size();
  std::vector<std::size_t> left(size);
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::ranges::stable_sort(left, std::greater<>(), [&](std::size_t i) { return scores[i]; });
  std::vector<float> lifted(scores.begin(), scores.end());
  for (std::size_t i = 0; i < size; ++i) {
    float most = 0;
    for (const std::size_t best : std::span(left).first(std::min(hops_from, size)))
      if (best != i) most = std::max(most, scores[best] * similarities[best * size + i]);
    lifted[i] += hop_weight * most;
  }
  const float top = size == 0 ? 1 : std::max(*std::ranges::max_element(lifted), 1e-9f);
  const float all = std::max(std::accumulate(scores.begin(), scores.end(), 0.0f), 1e-9f);
  std::vector<float> covered(size);
  const auto gain = [&](std::size_t candidate) {
    float out = 0;
    for (std::size_t i = 0; i < size; ++i)
      out += scores[i] * std::max(similarities[candidate * size + i] - covered[i], 0.0f);
    return lifted[candidate] / top + coverage_weight * out / all;
  };
  std::vector<std::size_t> out;
  while (!left.empty() && out.size() < wanted) {
    const auto best = std::ranges::max_element(left, {}, gain);
    for (std::size_t i = 0; i < size; ++i) covered[i] = std::max(covered[i], similarities[*best * size + i]);
    out.push_back(*best);
    left.erase(best);
  }
  out.insert(out.end(), left.begin(), left.end());
  return out;
}

}  // namespace attar::engine
