#include "text/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/unicode.h"

namespace attar::text {
namespace {

std::size_t begin_of_last(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80) --at;
  return at;
}

char32_t last_of(std::string_view text) {
  std::size_t at = begin_of_last(text);
  return next_code_point(text, at);
}

char32_t first_of(std::string_view text) {
  std::size_t at = 0;
  return next_code_point(text, at);
}

}  // namespace

void AddedTokens::add(AddedToken token) {
  if (token.text.empty() || trie_.find(token.text)) return;
  trie_.add(token.text, static_cast<std::uint32_t>(tokens_.size()));
  first_bytes_[static_cast<unsigned char>(token.text[0])] = true;
  for (std::size_t at = 0; at < token.text.size();)
    span_blanks_ = is_white_space(next_code_point(token.text, at)) || span_blanks_;
  span_blanks_ = span_blanks_ || token.before || token.after;
  tokens_.push_back(std::move(token));
}

AddedTokens::Place AddedTokens::next(std::string_view text, std::size_t at) const {
  for (; at < text.size(); ++at) {
    if (!first_bytes_[static_cast<unsigned char>(text[at])]) continue;
    Place found{at, at, nullptr};
    std::uint32_t node = Trie::root;
    for (std::size_t i = at; i < text.size(); ++i) {
      node = trie_.step(node, static_cast<unsigned char>(text[i]));
      if (node == Trie::none) break;
      if (trie_.number(node) != Trie::none) found = {at, i + 1, &tokens_[trie_.number(node)]};
    }
    if (found.token != nullptr) return found;
  }
  return {text.size(), text.size(), nullptr};
}

std::size_t AddedTokens::cut(std::string_view text, const std::function<void(std::string_view)>& rest) const {
  std::size_t count = 0, done = 0;
  for (Place place = next(text, 0); place.token != nullptr; place = next(text, place.end)) {
    const AddedToken& token = *place.token;
    std::size_t begin = place.begin, end = place.end;
    if (token.single_word && ((begin > 0 && is_regex_word(last_of(text.substr(0, begin)))) ||
                              (end < text.size() && is_regex_word(first_of(text.substr(end))))))
      continue;
    while (token.before && begin > done && is_white_space(last_of(text.substr(0, begin))))
      begin = begin_of_last(text.substr(0, begin));
    for (std::size_t at = end; token.after && at < text.size() && is_white_space(next_code_point(text, at));) end = at;
    begin = std::max(begin, done);
    if (begin > done) rest(text.substr(done, begin - done));
    ++count;
    done = std::max(done, end);
  }
  if (done < text.size()) rest(text.substr(done));
  return count;
}

}  // namespace attar::text
