#include "text/context/relevance.h"

#include <algorithm>
#include <cmath>

namespace attar::text::context {
namespace {

constexpr std::size_t most_asked = 64;  // words of a question
constexpr double k1 = 1.2, b = 0.75;    // of BM25
// Lengths of token vectors, which the encoder learned: function words lie below the one, what tells above the other.
constexpr float least_telling = 0.25F, most_telling = 0.75F;

float telling_of(float length) noexcept {
  return std::clamp((length - least_telling) / (most_telling - least_telling), 0.0F, 1.0F);
}

double rarity(double holding, double of) noexcept { return std::log(1 + (of - holding + 0.5) / (holding + 0.5)); }

float& at(Features& features, Feature which) noexcept { return features[static_cast<std::size_t>(which)]; }

}  // namespace

Relevance::Relevance(const StaticEncoder& table, WordSplitter& splitter)
    : table_(table), splitter_(splitter), asked_(table), sum_(table.info().dims), heading_sum_(table.info().dims) {}

void Relevance::ask(std::string_view question) {
  asked_.ask(question);
  read_words(question);
  expectation_ = Expectation(question);
}

void Relevance::read_words(std::string_view question) {
  words_.clear();
  sequence_.clear();
  for (const Word& word : splitter_.split(question, most_asked)) {
    if (sequence_.size() == most_asked) break;
    float length = -1;  // of its longest token
    for (const Token& token : asked_.tokens())
      if (token.begin >= word.begin && token.begin < word.end) length = std::max(length, asked_.length(token.id));
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

void Relevance::add_tokens(std::string_view text) {
  tokens_.clear();
  table_.tokenize(text, tokens_);
  for (const Token& token : tokens_) {
    table_.add(token.id, sum_);
    asked_.raise(token.id, best_);
  }
}

void Relevance::see_heading(std::string_view heading) {
  std::ranges::fill(sum_, 0.0F);
  best_.assign(asked_.weights().size(), 0.0F);
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
  out.cosine = inner_product(sum_, asked_.direction());
  out.nearness = asked_.nearness(best_);

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
  std::vector<std::uint32_t> holders, holding_paragraphs;  // by word
  std::uint32_t paragraphs = 0;
};

bool Relevance::tells(std::string_view heading) {
  tokens_.clear();
  table_.tokenize(heading, tokens_);
  return std::ranges::any_of(tokens_, [&](const Token& token) { return telling_of(asked_.length(token.id)) > 0.5F; });
}

Relevance::Tables Relevance::read(std::span<const Passage> passages) {
  Tables all;
  for (const Passage& passage : passages) {
    const bool known = all.headings.knows(passage.heading);
    all.heading.push_back(all.headings.add(passage.heading, known || tells(passage.heading), splitter_));
  }
  const std::size_t units = passages.size(), words = words_.size();
  all.counts.resize(units * words);
  all.named.resize(units);
  all.holders.resize(words);
  all.holding_paragraphs.resize(words);
  std::vector<std::uint32_t> last(words);  // paragraph that holds a word, from 1 on
  for (std::size_t u = 0; u < units; ++u) {
    if (u == 0 || all.heading[u] != all.heading[u - 1]) see_heading(passages[u].heading);
    const std::span counts = std::span(all.counts).subspan(u * words, words);
    all.seen.push_back(see(passages[u], all.headings, counts, all.named[u]));
    if (u == 0 || passages[u].paragraph != passages[u - 1].paragraph) ++all.paragraphs;
    for (std::size_t i = 0; i < words; ++i) {
      if (counts[i] == 0) continue;
      ++all.holders[i];
      if (last[i] != all.paragraphs) ++all.holding_paragraphs[i];
      last[i] = all.paragraphs;
    }
  }
  return all;
}

// The features that count the question's words.
void Relevance::count(const Tables& all, std::vector<Features>& out) const {
  const std::size_t words = words_.size();
  double total = 0;
  for (const Seen& seen : all.seen) total += seen.words;
  const double average = std::max(1.0, total / std::max<double>(1, static_cast<double>(out.size())));
  std::vector<double> idf(words), paragraph_idf(words);
  double most = 0, most_overlap = 0, numbers = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const double telling = static_cast<double>(words_[i].telling);
    idf[i] = telling * rarity(all.holders[i], static_cast<double>(out.size()));
    paragraph_idf[i] = telling * rarity(all.holding_paragraphs[i], all.paragraphs);
    most += idf[i] * (k1 + 1);
    most_overlap += paragraph_idf[i];
    numbers += words_[i].number ? 1 : 0;
  }
  for (std::size_t u = 0; u < out.size(); ++u) {
    double bm25 = 0, overlap = 0, held = 0;
    const double longer = k1 * (1 - b + b * static_cast<double>(all.seen[u].words) / average);
    for (std::size_t i = 0; i < words; ++i) {
      const double count = all.counts[u * words + i];
      if (count == 0) continue;
      bm25 += idf[i] * count * (k1 + 1) / (count + longer);
      overlap += paragraph_idf[i];
      held += words_[i].number ? 1 : 0;
    }
    at(out[u], Feature::bm25) = most > 0 ? static_cast<float>(bm25 / most) : 0;
    at(out[u], Feature::overlap) = most_overlap > 0 ? static_cast<float>(overlap / most_overlap) : 0;
    at(out[u], Feature::digits) = numbers > 0 ? static_cast<float>(held / numbers) : 0;
  }
}

// The features of headings that units elsewhere name.
void Relevance::link(const Tables& all, std::vector<Features>& out) {
  std::vector<float> best_under(all.headings.size()), best_naming(all.headings.size());
  for (std::size_t u = 0; u < out.size(); ++u) {
    const float own = at(out[u], Feature::bm25);
    best_under[all.heading[u]] = std::max(best_under[all.heading[u]], own);
    for (const std::uint32_t heading : all.named[u])
      if (heading != all.heading[u]) best_naming[heading] = std::max(best_naming[heading], own);
  }
  for (std::size_t u = 0; u < out.size(); ++u) {
    at(out[u], Feature::linked) = best_naming[all.heading[u]];
    float& naming = at(out[u], Feature::naming);
    for (const std::uint32_t heading : all.named[u])
      if (heading != all.heading[u]) naming = std::max(naming, best_under[heading]);
  }
}

std::vector<Features> Relevance::look_at(std::span<const Passage> passages) {
  const Tables all = read(passages);
  std::vector<Features> out(passages.size());
  count(all, out);
  link(all, out);
  for (std::size_t u = 0; u < out.size(); ++u) {
    at(out[u], Feature::cosine) = all.seen[u].cosine;
    at(out[u], Feature::nearness) = all.seen[u].nearness;
    at(out[u], Feature::fitting) = static_cast<float>(expectation_.fit(passages[u].text));
    at(out[u], Feature::asked) = all.headings.within(all.heading[u], sequence_) ? 1 : 0;
    at(out[u], Feature::first) = u == 0 || passages[u].paragraph != passages[u - 1].paragraph ? 1 : 0;
    at(out[u], Feature::length) = std::log(1 + static_cast<float>(all.seen[u].words));
  }
  return out;
}

}  // namespace attar::text::context
