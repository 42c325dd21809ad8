#include "text/reading/reading.h"

#include <algorithm>
#include <cmath>

namespace attar::text {
namespace {

constexpr std::size_t lead_words = 30, lead_bytes = 256;

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
    : table_(table), splitter_(splitter), asked_(table), sum_(table.info().dims) {}

void Reader::ask(std::string_view question, std::span<const WeighedTerm> terms) {
  terms_ = terms;
  terms_weight_ = 0;
  for (const WeighedTerm& term : terms) terms_weight_ += term.weight;
  asked_.ask(question);
}

Impression Reader::read(std::string_view text) {
  if (asked_.weights().empty()) return {.lead = share_of_lead(text)};
  tokens_.clear();
  table_.tokenize(text, tokens_);
  return {.words = nearness_to_words(), .passage = best_passage(text), .lead = share_of_lead(text)};
}

float Reader::nearness_to_words() {
  best_.assign(asked_.weights().size(), 0.0f);
  for (const Token& token : tokens_) asked_.raise(token.id, best_);
  return asked_.nearness(best_);
}

float Reader::best_passage(std::string_view text) {
  float best = 0;
  std::size_t end = 0;
  std::ranges::fill(sum_, 0.0f);
  const auto close = [&] {
    const float square = inner_product(sum_, sum_);
    if (square > 0) best = std::max(best, inner_product(sum_, asked_.direction()) / std::sqrt(square));
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
