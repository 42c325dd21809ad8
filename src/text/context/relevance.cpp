#include "text/context/relevance.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd/clones.h"

namespace attar::text::context {
namespace {

constexpr std::size_t most_asked = 64;  // tokens and words of a question
constexpr double k1 = 1.2, b = 0.75;    // of BM25
// Lengths of token vectors, which the encoder learned: function words lie below the one, what tells above the other.
constexpr float least_telling = 0.25F, most_telling = 0.75F;

// Sixteen sums beside each other, which the compiler may not make of one; sizes are multiples of that.
constexpr std::size_t lanes = 16;
ATTAR_VECTOR_CLONES float product(const float* x, const float* y, std::size_t size) noexcept {
  std::array<float, lanes> sums{};
  for (std::size_t i = 0; i < size; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += x[i + lane] * y[i + lane];
  float out = 0;
  for (const float sum : sums) out += sum;
  return out;
}

ATTAR_VECTOR_CLONES void widen(const std::int8_t* levels, std::size_t size, float* to) noexcept {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<float>(levels[i]);
}

float telling_of(float length) noexcept {
  return std::clamp((length - least_telling) / (most_telling - least_telling), 0.0F, 1.0F);
}

}  // namespace

Relevance::Relevance(const StaticEncoder& table, WordSplitter& splitter)
    : table_(table),
      splitter_(splitter),
      direction_(table.info().dims),
      sum_(table.info().dims),
      row_(table.info().dims),
      heading_sum_(table.info().dims),
      places_(table.tokens()) {}

void Relevance::ask(std::string_view question) {
  known_.clear();
  cosines_.clear();
  read_tokens(question);
  read_words(question);
  expectation_ = Expectation(question);
}

void Relevance::read_tokens(std::string_view question) {
  tokens_.clear();
  asked_.clear();
  weights_.clear();
  std::ranges::fill(direction_, 0.0F);
  table_.tokenize(question, tokens_);
  if (tokens_.size() > most_asked) tokens_.resize(most_asked);
  float all = 0;
  for (const Token& token : tokens_) {
    table_.add(token.id, direction_);
    const float length = widened(token.id);
    const float weight = std::pow(table_.scale(token.id) * length, 3.0F);
    if (weight == 0) continue;
    weights_.push_back(weight);
    for (const float value : row_) asked_.push_back(value / length);
    all += weight;
  }
  StaticEncoder::finish(direction_);
  for (float& weight : weights_) weight /= all;
}

// The question's tokens are in tokens_.
void Relevance::read_words(std::string_view question) {
  words_.clear();
  sequence_.clear();
  for (const Word& word : splitter_.split(question, most_asked)) {
    if (sequence_.size() == most_asked) break;
    float length = -1;  // of its longest token
    for (const Token& token : tokens_)
      if (token.begin >= word.begin && token.begin < word.end)
        length = std::max(length, table_.scale(token.id) * widened(token.id));
    const std::uint64_t term = term_hash(word.term);
    sequence_.push_back(term);
    if (asked_word(term) >= 0) continue;
    const std::string_view bytes = question.substr(word.begin, word.end - word.begin);
    words_.push_back({.term = term,
                      .telling = length < 0 ? 1.0F : telling_of(length),
                      .number = std::ranges::any_of(bytes, [](char c) { return c >= '0' && c <= '9'; })});
  }
}

std::ptrdiff_t Relevance::asked_word(std::uint64_t term) const noexcept {
  const auto found = std::ranges::find(words_, term, &AskedWord::term);
  return found == words_.end() ? -1 : found - words_.begin();
}

// Puts a token's levels into row_; their length.
float Relevance::widened(std::uint32_t token) {
  widen(table_.levels(token).data(), row_.size(), row_.data());
  return std::sqrt(product(row_.data(), row_.data(), row_.size()));
}

const float* Relevance::similarities(std::uint32_t token) {
  std::uint32_t& place = places_[token];
  if (place >= known_.size() || known_[place] != token) {
    place = static_cast<std::uint32_t>(known_.size());
    known_.push_back(token);
    const float own = widened(token);
    for (std::size_t i = 0; i < weights_.size(); ++i)
      cosines_.push_back(own == 0 ? 0 : product(row_.data(), asked_.data() + i * row_.size(), row_.size()) / own);
  }
  return cosines_.data() + place * weights_.size();
}

void Relevance::add_tokens(std::string_view text) {
  tokens_.clear();
  table_.tokenize(text, tokens_);
  for (const Token& token : tokens_) {
    table_.add(token.id, sum_);
    const float* own = similarities(token.id);
    for (std::size_t i = 0; i < best_.size(); ++i) best_[i] = std::max(best_[i], own[i]);
  }
}

void Relevance::see_heading(std::string_view heading) {
  std::ranges::fill(sum_, 0.0F);
  best_.assign(weights_.size(), 0.0F);
  add_tokens(heading);
  heading_sum_ = sum_;
  heading_best_ = best_;
  heading_counts_.assign(words_.size() + 1, 0);  // and of words at all, at the end
  for (const Word& word : splitter_.split(heading)) {
    const std::ptrdiff_t at = asked_word(term_hash(word.term));
    std::uint8_t& count = heading_counts_[at < 0 ? words_.size() : static_cast<std::size_t>(at)];
    count = static_cast<std::uint8_t>(std::min(count + 1, 255));
  }
}

Relevance::Seen Relevance::see(const Passage& passage, const Headings& headings, std::span<std::uint8_t> counts,
                               std::vector<std::uint32_t>& named) {
  Seen out;
  sum_ = heading_sum_;
  best_ = heading_best_;
  add_tokens(passage.text);
  StaticEncoder::finish(sum_);
  out.cosine = product(sum_.data(), direction_.data(), sum_.size());
  for (std::size_t i = 0; i < best_.size(); ++i) out.nearness += weights_[i] * best_[i];

  std::copy_n(heading_counts_.begin(), words_.size(), counts.begin());
  for (const std::uint8_t count : heading_counts_) out.words += count;
  thread_local std::vector<std::uint64_t> terms;
  terms.clear();
  const std::vector<Word>& split =
      passage.compounds ? splitter_.split_with_parts(passage.text) : splitter_.split(passage.text);
  for (const Word& word : split) terms.push_back(term_hash(word.term));
  out.words += static_cast<std::uint32_t>(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (const std::ptrdiff_t at = asked_word(terms[i]); at >= 0) {
      std::uint8_t& count = counts[static_cast<std::size_t>(at)];
      count = static_cast<std::uint8_t>(std::min(count + 1, 255));
    }
    headings.named_at(terms, i, is_marked(passage.text.substr(split[i].begin, split[i].end - split[i].begin)), named);
  }
  return out;
}

// What is counted over all units before any can be judged.
struct Relevance::Tables {
  Headings headings;
  std::vector<std::uint32_t> heading;  // by unit
  std::vector<Seen> seen;
  std::vector<std::uint8_t> counts;  // [unit][word]
  std::vector<std::vector<std::uint32_t>> named;
  std::vector<float> bm25;
};

std::vector<Features> Relevance::look_at(std::span<const Passage> passages) {
  Tables all;
  const std::size_t units = passages.size(), words = words_.size();
  for (const Passage& passage : passages) {
    bool tells = all.headings.knows(passage.heading);
    if (!tells && !passage.heading.empty()) {
      tokens_.clear();
      table_.tokenize(passage.heading, tokens_);
      for (const Token& token : tokens_) tells = tells || telling_of(table_.scale(token.id) * widened(token.id)) > 0.5F;
    }
    all.heading.push_back(all.headings.add(passage.heading, tells, splitter_));
  }
  all.counts.resize(units * words);
  all.named.resize(units);
  std::vector<std::uint32_t> holders(words), holding_paragraphs(words),
      last(words, std::numeric_limits<std::uint32_t>::max());
  double total = 0;
  std::uint32_t paragraphs = 0;
  for (std::size_t u = 0; u < units; ++u) {
    if (u == 0 || all.heading[u] != all.heading[u - 1]) see_heading(passages[u].heading);
    const std::span counts = std::span(all.counts).subspan(u * words, words);
    all.seen.push_back(see(passages[u], all.headings, counts, all.named[u]));
    total += all.seen.back().words;
    if (u == 0 || passages[u].paragraph != passages[u - 1].paragraph) ++paragraphs;
    for (std::size_t i = 0; i < words; ++i) {
      if (counts[i] == 0) continue;
      ++holders[i];
      if (last[i] != paragraphs) ++holding_paragraphs[i];
      last[i] = paragraphs;
    }
  }
  const auto rarity = [](double holding, double of) { return std::log(1 + (of - holding + 0.5) / (holding + 0.5)); };
  const double average = std::max(1.0, total / std::max<double>(1, static_cast<double>(units)));
  std::vector<double> idf(words), paragraph_idf(words);
  double most = 0, most_overlap = 0, digits = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const double telling = static_cast<double>(words_[i].telling);
    idf[i] = telling * rarity(holders[i], static_cast<double>(units));
    paragraph_idf[i] = telling * rarity(holding_paragraphs[i], paragraphs);
    most += idf[i] * (k1 + 1);
    most_overlap += paragraph_idf[i];
    if (words_[i].number) digits += 1;
  }
  std::vector<Features> out(units);
  const auto feature = [&](std::size_t unit, Feature which) -> float& {
    return out[unit][static_cast<std::size_t>(which)];
  };
  for (std::size_t u = 0; u < units; ++u) {
    const Seen& seen = all.seen[u];
    double bm25 = 0, overlap = 0, numbers = 0;
    for (std::size_t i = 0; i < words; ++i) {
      const double count = all.counts[u * words + i];
      if (count == 0) continue;
      bm25 += idf[i] * count * (k1 + 1) / (count + k1 * (1 - b + b * static_cast<double>(seen.words) / average));
      overlap += paragraph_idf[i];
      if (words_[i].number) numbers += 1;
    }
    feature(u, Feature::cosine) = seen.cosine;
    feature(u, Feature::nearness) = seen.nearness;
    feature(u, Feature::bm25) = most > 0 ? static_cast<float>(bm25 / most) : 0;
    feature(u, Feature::overlap) = most_overlap > 0 ? static_cast<float>(overlap / most_overlap) : 0;
    feature(u, Feature::digits) = digits > 0 ? static_cast<float>(numbers / digits) : 0;
    feature(u, Feature::fitting) = static_cast<float>(expectation_.fit(passages[u].text));
    feature(u, Feature::asked) = all.headings.within(all.heading[u], sequence_) ? 1 : 0;
    feature(u, Feature::first) = u == 0 || passages[u].paragraph != passages[u - 1].paragraph ? 1 : 0;
    feature(u, Feature::length) = std::log(1 + static_cast<float>(seen.words));
  }
  std::vector<float> best_under(all.headings.size()), best_naming(all.headings.size());
  for (std::size_t u = 0; u < units; ++u) {
    const float own = feature(u, Feature::bm25);
    best_under[all.heading[u]] = std::max(best_under[all.heading[u]], own);
    for (const std::uint32_t heading : all.named[u])
      if (heading != all.heading[u]) best_naming[heading] = std::max(best_naming[heading], own);
  }
  for (std::size_t u = 0; u < units; ++u) {
    feature(u, Feature::linked) = best_naming[all.heading[u]];
    for (const std::uint32_t heading : all.named[u])
      if (heading != all.heading[u])
        feature(u, Feature::naming) = std::max(feature(u, Feature::naming), best_under[heading]);
  }
  return out;
}

}  // namespace attar::text::context
