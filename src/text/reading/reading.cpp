#include "text/reading/reading.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "simd/clones.h"

namespace attar::text {
namespace {

constexpr std::size_t most_asked = 64;  // tokens of a question
constexpr std::size_t lead_words = 30, lead_bytes = 256;

// Sixteen sums beside each other, which the compiler may not make of one; sizes are multiples of that.
constexpr std::size_t lanes = 16;
ATTAR_VECTOR_CLONES float product(const float* a, const float* b, std::size_t size) noexcept {
  std::array<float, lanes> sums{};
  for (std::size_t i = 0; i < size; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  float out = 0;
  for (const float sum : sums) out += sum;
  return out;
}

float product(std::span<const float> a, std::span<const float> b) noexcept {
  return product(a.data(), b.data(), a.size());
}

ATTAR_VECTOR_CLONES void widen(const std::int8_t* levels, std::size_t size, float* to) noexcept {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<float>(levels[i]);
}

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether a new sentence begins behind the blank at `at`: after a mark that ends one, an empty line, or where an item
// of a list begins.
bool ends_sentence(std::string_view text, std::size_t at) noexcept {
  const char before = at == 0 ? ' ' : text[at - 1];
  if (before == '.' || before == '!' || before == '?' || before == ':') return true;
  if (text[at] != '\n') return false;
  std::size_t next = at + 1;
  while (next < text.size() && (text[next] == ' ' || text[next] == '\t')) ++next;
  if (next + 1 >= text.size()) return false;
  return text[next] == '\n' || ((text[next] == '*' || text[next] == '-') && text[next + 1] == ' ');
}

// The byte behind the sentence that begins at `begin`.
std::size_t sentence_end(std::string_view text, std::size_t begin) noexcept {
  for (std::size_t at = begin; at < text.size(); ++at)
    if (is_space(text[at]) && ends_sentence(text, at)) return at + 1;
  return text.size();
}

}  // namespace

Reader::Reader(const StaticEncoder& table, WordSplitter& splitter)
    : table_(table),
      splitter_(splitter),
      direction_(table.info().dims),
      sum_(table.info().dims),
      row_(table.info().dims),
      places_(table.tokens()) {}

void Reader::ask(std::string_view question, std::span<const WeighedTerm> terms) {
  terms_ = terms;
  terms_weight_ = 0;
  for (const WeighedTerm& term : terms) terms_weight_ += term.weight;
  known_.clear();
  cosines_.clear();
  tokens_.clear();
  asked_.clear();
  weights_.clear();
  std::ranges::fill(direction_, 0.0f);
  table_.tokenize(question, tokens_);
  if (tokens_.size() > most_asked) tokens_.resize(most_asked);
  float all = 0;
  for (const Token& token : tokens_) {
    table_.add(token.id, direction_);
    const float length = widened(token.id);
    const float weight = std::pow(table_.scale(token.id) * length, 3.0f);
    if (weight == 0) continue;
    weights_.push_back(weight);
    for (const float value : row_) asked_.push_back(value / length);
    all += weight;
  }
  StaticEncoder::finish(direction_);
  for (float& weight : weights_) weight /= all;
}

Impression Reader::read(std::string_view text) {
  if (asked_.empty()) return {.lead = share_of_lead(text)};
  tokens_.clear();
  table_.tokenize(text, tokens_);
  return {.words = nearness_to_words(), .passage = best_passage(text), .lead = share_of_lead(text)};
}

float Reader::nearness_to_words() {
  best_.assign(weights_.size(), 0.0f);
  for (const Token& token : tokens_) {
    const float* own = similarities(token.id);
    for (std::size_t i = 0; i < best_.size(); ++i) best_[i] = std::max(best_[i], own[i]);
  }
  float out = 0;
  for (std::size_t i = 0; i < best_.size(); ++i) out += weights_[i] * best_[i];
  return std::min(out, 1.0f);
}

// Puts a token's levels into row_; their length.
float Reader::widened(std::uint32_t token) {
  widen(table_.levels(token).data(), row_.size(), row_.data());
  return std::sqrt(product(row_, row_));
}

const float* Reader::similarities(std::uint32_t token) {
  std::uint32_t& place = places_[token];
  if (place < known_.size() && known_[place] == token) return cosines_.data() + place * weights_.size();
  place = static_cast<std::uint32_t>(known_.size());
  known_.push_back(token);
  const float own = widened(token);
  for (std::size_t i = 0; i < weights_.size(); ++i)
    cosines_.push_back(own == 0 ? 0 : product(row_, std::span(asked_).subspan(i * row_.size(), row_.size())) / own);
  return cosines_.data() + place * weights_.size();
}

float Reader::best_passage(std::string_view text) {
  float best = 0;
  std::size_t end = 0;
  std::ranges::fill(sum_, 0.0f);
  const auto close = [&] {
    const float square = product(sum_, sum_);
    if (square > 0) best = std::max(best, product(sum_, direction_) / std::sqrt(square));
    std::ranges::fill(sum_, 0.0f);
  };
  for (const Token& token : tokens_) {
    if (token.begin >= end) {
      close();
      while (end <= token.begin && end < text.size()) end = sentence_end(text, end);
    }
    table_.add(token.id, sum_);
  }
  close();
  return std::min(best, 1.0f);
}

float Reader::share_of_lead(std::string_view text) {
  if (terms_weight_ == 0) return 0;
  std::vector<bool> held(terms_.size());
  const std::vector<Word>& words = splitter_.split(text.substr(0, lead_bytes), lead_words);
  for (std::size_t i = 0; i < std::min(words.size(), lead_words); ++i) {
    const auto found = std::ranges::find(terms_, words[i].term, &WeighedTerm::term);
    if (found != terms_.end()) held[static_cast<std::size_t>(found - terms_.begin())] = true;
  }
  float out = 0;
  for (std::size_t i = 0; i < held.size(); ++i)
    if (held[i]) out += terms_[i].weight;
  return std::min(out / terms_weight_, 1.0f);
}

}  // namespace attar::text
