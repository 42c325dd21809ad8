#include "text/context/select.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace attar::text::context {

Selection::Selection(std::span<const Document> documents, std::span<const Worth> worths, const Vocabulary& vocabulary,
                     SelectionOptions options)
    : worths_(worths),
      vocabulary_(vocabulary),
      options_(std::move(options)),
      closes_(worths.size()),
      said_(vocabulary.size()),
      kept_(worths.size()),
      kept_of_(documents.size()) {
  if (options_.name_tokens.empty()) tokens_ = options_.mark_tokens;
  std::uint32_t base = 0;
  for (std::uint32_t d = 0; d < documents.size(); ++d) {
    bases_.push_back(base);
    for (const Unit& unit : documents[d].units) {
      closes_[parents_.size()] = unit.role == Role::closer;
      parents_.push_back(unit.parent == none ? none : base + unit.parent);
      owners_.push_back(d);
    }
    base += static_cast<std::uint32_t>(documents[d].units.size());
  }
  below_at_.assign(parents_.size() + 1, 0);
  for (const std::uint32_t parent : parents_)
    if (parent != none) ++below_at_[parent + 1];
  for (std::size_t i = 1; i < below_at_.size(); ++i) below_at_[i] += below_at_[i - 1];
  below_.resize(below_at_.back());
  std::vector<std::uint32_t> next(below_at_.begin(), below_at_.end() - 1);
  for (std::uint32_t i = 0; i < parents_.size(); ++i)
    if (parents_[i] != none) below_[next[parents_[i]]++] = i;
}

std::span<const std::uint32_t> Selection::below(std::uint32_t opener) const noexcept {
  return std::span(below_).subspan(below_at_[opener], below_at_[opener + 1] - below_at_[opener]);
}

double Selection::gain(std::uint32_t number) const noexcept {
  const auto words = vocabulary_.words(number);
  double share = 1;
  if (!words.empty()) {
    double unsaid = 0;
    for (const std::uint32_t word : words) unsaid += std::ldexp(1.0, -static_cast<int>(said_[word]));
    share = unsaid / static_cast<double>(words.size());
  }
  const auto novelty = static_cast<double>(options_.novelty);
  return static_cast<double>(worths_[number].relevance) * (1 - novelty + novelty * share);
}

// Whether what stands beside a unit of the same document is cut.
bool Selection::gap_at(std::int64_t number, std::uint32_t beside) const noexcept {
  if (number < 0 || number >= std::ssize(parents_)) return false;
  const auto at = static_cast<std::uint32_t>(number);
  return owners_[at] == owners_[beside] && !kept_[at];
}

std::int64_t Selection::cost(std::uint32_t number) const noexcept {
  std::int64_t out = 0;
  for (std::uint32_t at = number; at != none && !kept_[at]; at = parents_[at]) {
    out += worths_[at].tokens;
    for (const std::uint32_t under : below(at))
      if (closes_[under] && !kept_[under]) out += worths_[under].tokens;
  }
  const bool opens = !options_.name_tokens.empty() && kept_of_[owners_[number]] == 0;
  if (opens) out += options_.name_tokens[owners_[number]];
  if (worths_[number].run) {
    const int gaps = (gap_at(std::int64_t{number} - 1, number) ? 1 : 0) +
                     (gap_at(std::int64_t{number} + 1, number) ? 1 : 0) - (opens ? 0 : 1);
    out += gaps * std::int64_t{options_.mark_tokens};
  }
  return out;
}

Selection::Candidate Selection::candidate(std::uint32_t number) const noexcept {
  const double tokens = options_.by_gain ? 1 : static_cast<double>(std::max<std::int64_t>(cost(number), 1));
  return {worths_[number].tier, gain(number) / tokens, number};
}

void Selection::say(std::uint32_t number, int by) noexcept {
  for (const std::uint32_t word : vocabulary_.words(number))
    said_[word] = static_cast<std::uint16_t>(std::clamp(said_[word] + by, 0, 65535));
}

Selection::Step Selection::take(std::uint32_t number) {
  Step out{.tokens = cost(number), .value = gain(number)};
  for (std::uint32_t at = number; at != none && !kept_[at]; at = parents_[at]) {
    kept_[at] = true;
    ++kept_of_[owners_[at]];
    out.units.push_back(at);
    for (const std::uint32_t under : below(at)) {
      if (kept_[under]) continue;
      if (closes_[under]) {
        kept_[under] = true;
        ++kept_of_[owners_[under]];
        out.units.push_back(under);
      } else if (worths_[under].candidate) {
        queue_.push(candidate(under));  // cheaper now
      }
    }
  }
  tokens_ += out.tokens;
  value_ += out.value;
  say(number, 1);
  return out;
}

void Selection::keep(std::uint32_t number) {
  if (!kept_[number]) static_cast<void>(take(number));
}

void Selection::fill(std::int64_t budget) {
  queue_ = {};
  for (std::uint32_t i = 0; i < worths_.size(); ++i)
    if (worths_[i].candidate && !kept_[i]) queue_.push(candidate(i));
  while (!queue_.empty()) {
    const Candidate top = queue_.top();
    queue_.pop();
    if (kept_[top.number]) continue;
    const Candidate now = candidate(top.number);
    if (!queue_.empty() && now < queue_.top() && now.value < top.value) {  // others were chosen since it was priced
      queue_.push(now);
      continue;
    }
    if (tokens_ + cost(top.number) <= budget) steps_.push_back(take(top.number));
  }
  close_gaps(budget);
}

// A gap that takes no more tokens than its mark is none.
void Selection::close_gaps(std::int64_t budget) {
  for (std::uint32_t at = 0; at < kept_.size();) {
    if (kept_[at]) {
      ++at;
      continue;
    }
    std::uint32_t end = at;
    std::int64_t tokens = 0;
    bool simple =
        at > 0 && owners_[at - 1] == owners_[at];  // what is around it is kept, and nothing in it must stay out
    for (; end < kept_.size() && !kept_[end] && owners_[end] == owners_[at]; ++end) {
      tokens += worths_[end].tokens;
      simple = simple && worths_[end].run && (parents_[end] == none || kept_[parents_[end]] || parents_[end] >= at);
    }
    if (simple && tokens <= options_.mark_tokens)
      for (std::uint32_t i = at; i < end; ++i)
        if (!kept_[i] && tokens_ + cost(i) <= budget) steps_.push_back(take(i));
    at = end;
  }
}

bool Selection::give_up() {
  if (steps_.empty()) return false;
  const Step step = std::move(steps_.back());
  steps_.pop_back();
  for (const std::uint32_t unit : step.units) {
    kept_[unit] = false;
    --kept_of_[owners_[unit]];
  }
  say(step.units.front(), -1);
  tokens_ -= step.tokens;
  value_ -= step.value;
  return true;
}

}  // namespace attar::text::context
