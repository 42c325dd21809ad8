#include "text/encoder/static/asked_tokens.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "simd/clones.h"

namespace attar::text {
namespace {

constexpr std::size_t most_asked = 64;  // tokens of a question

// Sixteen sums beside each other, which the compiler may not make of one.
constexpr std::size_t lanes = 16;
ATTAR_VECTOR_CLONES float product(const float* a, const float* b, std::size_t size) noexcept {
  std::array<float, lanes> sums{};
  for (std::size_t i = 0; i < size; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  float out = 0;
  for (const float sum : sums) out += sum;
  return out;
}

ATTAR_VECTOR_CLONES void widen(const std::int8_t* levels, std::size_t size, float* to) noexcept {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<float>(levels[i]);
}

}  // namespace

float inner_product(std::span<const float> a, std::span<const float> b) noexcept {
  return product(a.data(), b.data(), a.size());
}

AskedTokens::AskedTokens(const StaticEncoder& table)
    : table_(table), direction_(table.info().dims), row_(table.info().dims), places_(table.tokens()) {}

void AskedTokens::ask(std::string_view question) {
  known_.clear();
  cosines_.clear();
  tokens_.clear();
  asked_.clear();
  weights_.clear();
  std::ranges::fill(direction_, 0.0F);
  table_.tokenize(question, tokens_);
  if (tokens_.size() > most_asked) tokens_.resize(most_asked);
  float all = 0;
  for (const Token& token : tokens_) {
    table_.add(token.id, direction_);
    const float levels = widened(token.id);
    const float weight = std::pow(table_.scale(token.id) * levels, 3.0F);
    if (weight == 0) continue;
    weights_.push_back(weight);
    for (const float value : row_) asked_.push_back(value / levels);
    all += weight;
  }
  StaticEncoder::finish(direction_);
  for (float& weight : weights_) weight /= all;
}

float AskedTokens::length(std::uint32_t token) { return table_.scale(token) * widened(token); }

// Puts a token's levels into row_; their length.
float AskedTokens::widened(std::uint32_t token) {
  widen(table_.levels(token).data(), row_.size(), row_.data());
  return std::sqrt(inner_product(row_, row_));
}

std::span<const float> AskedTokens::cosines(std::uint32_t token) {
  std::uint32_t& place = places_[token];
  if (place >= known_.size() || known_[place] != token) {
    place = static_cast<std::uint32_t>(known_.size());
    known_.push_back(token);
    const float own = widened(token);
    for (std::size_t i = 0; i < weights_.size(); ++i)
      cosines_.push_back(own == 0 ? 0
                                  : inner_product(row_, std::span(asked_).subspan(i * row_.size(), row_.size())) / own);
  }
  return std::span(cosines_).subspan(place * weights_.size(), weights_.size());
}

void AskedTokens::raise(std::uint32_t token, std::span<float> best) {
  const std::span<const float> own = cosines(token);
  for (std::size_t i = 0; i < best.size(); ++i) best[i] = std::max(best[i], own[i]);
}

float AskedTokens::nearness(std::span<const float> best) const noexcept {
  float out = 0;
  for (std::size_t i = 0; i < best.size(); ++i) out += weights_[i] * best[i];
  return std::min(out, 1.0F);
}

}  // namespace attar::text
